// SPDX-License-Identifier: Apache-2.0
// Judging an answer: what kind of failure it is (failure.h), and so what becomes of each event, of the topic
// and of the pace. Only an Id that SNS names in Successful is sent.
#include "base/clock.h"
#include "base/log.h"
#include "sns/failure.h"
#include "sns/state.h"

#include <stdio.h>

// Why a request was refused as a whole, or has no answer.
struct refusal {
    enum failure_class class;
    const char *code;
    const char *message;
    const char *retry_after; // the header; NULL when there is none
};

static void note_throttled(struct batch *batch, const char *code) {
    struct sns_topic *topic = batch->topic;
    int64_t now = clock_monotonic_us();
    batch->throttled_at = batch->throttled_at > 0 ? batch->throttled_at : now;
    metric_add(topic->throttled, 1);
    if (limiter_throttled(&topic->limiter, now)) {
        log_info("SNS throttles, publishing slower", LOG_TEXT("topic", topic->topic->arn),
                 LOG_TEXT("code", code),
                 LOG_INT("messages_per_second", (int64_t)limiter_rate(&topic->limiter)));
        if (!topic->publisher->one_topic) {
            room_shed(topic);
        }
    }
}

void judge_send_again(struct batch *batch) {
    if (batch->entries[0].late) { // nobody may send it now, and its topic waits for it
        const struct outcome let_go = {.kind = OUTCOME_LET_GO};
        publisher_settle_batch(batch->topic->publisher, batch, &let_go);
        return;
    }
    batch_push_front(&batch->topic->queue, batch);
    send_activate(batch->topic);
}

static void send_later(struct batch *batch, bool answered, const char *reason, const char *retry_after) {
    snprintf(batch->topic->failure, sizeof batch->topic->failure, "%.*s", BREAKER_REASON_SIZE - 1, reason);
    batch->answered = answered;
    batch->retry_at = clock_monotonic_us() + retry_delay_us(&batch->retry, retry_after);
    batch_push(&batch->topic->delayed, batch);
    send_activate(batch->topic);
}

// The first few failures are tried again at once; a probe is not, as it is a try already. (Late ones are
// all of one claim.)
static bool may_send_later(struct publisher *publisher, struct batch *batch) {
    return !batch->entries[0].late && batch->topic->breaker.failures == 0 &&
           retry_take(&batch->retry, &publisher->quota, RETRY_TRANSIENT);
}

// The batch that opens the breaker is tried again when that is over, as the probe; the others wait until it
// has worked.
static void fail_with(struct publisher *publisher, struct breaker *breaker, struct batch *batch,
                      const char *reason) {
    struct sns_topic *topic = batch->topic;
    int64_t now = clock_monotonic_us();
    bool opened = breaker_fail(breaker, now, reason);
    int64_t left = breaker_left(breaker, now);
    if (opened) {
        log_warn(breaker == &topic->breaker ? "publishing failed, the topic rests"
                                            : "publishing failed, everything rests",
                 LOG_TEXT("topic", topic->topic->arn), LOG_TEXT("reason", reason),
                 LOG_INT("delay_ms", left / 1000));
        figures_breakers(publisher);
        probe_expect(publisher);
    }
    const struct outcome retry = {.kind = OUTCOME_RETRY, .retry_after_us = left, .reason = reason};
    const struct outcome wait = {.kind = OUTCOME_WAIT, .reason = reason};
    publisher_settle_batch(publisher, batch, opened ? &retry : &wait);
    publisher_settle_waiting(topic, &wait);
}

static void fail_topic(struct publisher *publisher, struct batch *batch, bool outage, const char *reason) {
    batch->topic->outage = outage;
    fail_with(publisher, &batch->topic->breaker, batch, reason);
}

void judge_give_up(struct publisher *publisher, struct batch *batch) {
    const struct outcome retry = {.kind = OUTCOME_RETRY,
                                  .retry_after_us = publisher->settings->retry_base,
                                  .reason = batch->topic->failure};
    if (batch->answered) {
        publisher_settle_batch(publisher, batch, &retry);
    } else {
        fail_topic(publisher, batch, true, batch->topic->failure);
    }
}

// Nothing goes to any topic; what was to go there waits.
void judge_credentials(struct publisher *publisher, struct batch *batch, const char *reason) {
    const struct outcome wait = {.kind = OUTCOME_WAIT, .reason = reason};
    breaker_release(&batch->topic->breaker);
    fail_with(publisher, &publisher->breaker, batch, reason);
    for (struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        publisher_settle_waiting(topic, &wait);
    }
}

// What SNS has answered shows that credentials are fine, and (where it is about more than the topic) the
// topic as well.
static void note_works(struct publisher *publisher, const struct batch *batch, bool topic_works) {
    struct sns_topic *topic = batch->topic;
    identity_accepted(publisher, batch);
    bool all = breaker_succeed(&publisher->breaker);
    bool one = topic_works && breaker_succeed(&topic->breaker);
    if (all || one) {
        figures_breakers(publisher);
        log_info("publishing works again", LOG_TEXT("topic", topic->topic->arn));
        publisher->listener.recovered(publisher->listener.context);
    }
}

// A refusal for what is in the request: which entry it is shows when they are sent in halves.
static void refuse(struct publisher *publisher, struct batch *batch, enum failure_class class,
                   const char *reason) {
    if (batch->count > 1) {
        struct batch *other = publisher_batch(publisher, batch->topic);
        size_t before = batch->form.length + other->form.length;
        batch_split(batch, batch->topic->topic->arn, other);
        publisher->bytes += batch->form.length + other->form.length - before;
        log_debug("a batch is refused, its halves are tried", LOG_TEXT("topic", batch->topic->topic->arn),
                  LOG_INT("events", batch->count + other->count), LOG_TEXT("reason", reason));
        judge_send_again(other);
        judge_send_again(batch);
        return;
    }
    const struct outcome outcome = {.kind = class == FAILURE_UNKNOWN ? OUTCOME_REFUSED : OUTCOME_PARK,
                                    .reason = reason};
    publisher_settle_batch(publisher, batch, &outcome);
}

// The topic's pace follows from what it takes; where SNS says when to come back, that is heeded as well.
static void slow_down(struct batch *batch, const struct refusal *refusal) {
    int64_t wait = retry_after_us(refusal->retry_after, 0);
    if (wait > 0) {
        limiter_hold(&batch->topic->limiter, clock_monotonic_us() + wait);
    }
    note_throttled(batch, refusal->code);
    judge_send_again(batch);
}

static void judge_refusal(struct publisher *publisher, struct batch *batch, const struct refusal *refusal) {
    char reason[ERROR_TEXT_SIZE];
    enum failure_class class = refusal->class;
    snprintf(reason, sizeof reason, "SNS: %s: %s", refusal->code, refusal->message);
    if (class == FAILURE_TRANSIENT) {
        breaker_release(&publisher->breaker); // it has told nothing of the credentials
    } else if (class != FAILURE_CREDENTIALS) {
        note_works(publisher, batch, class != FAILURE_TOPIC);
    }
    switch (class) {
    case FAILURE_THROTTLED:
        slow_down(batch, refusal);
        break;
    case FAILURE_TRANSIENT:
        if (may_send_later(publisher, batch)) {
            send_later(batch, false, reason, refusal->retry_after);
        } else {
            fail_topic(publisher, batch, true, reason);
        }
        break;
    case FAILURE_CREDENTIALS:
        identity_refused(publisher, batch, refusal->code, reason);
        break;
    case FAILURE_TOPIC:
        fail_topic(publisher, batch, false, reason);
        break;
    case FAILURE_EVENT:
    case FAILURE_PACKING:
    case FAILURE_UNKNOWN:
        refuse(publisher, batch, class, reason);
        break;
    }
}

static void write_reason(const struct sns_entry *entry, char *reason, size_t size) {
    if (entry->outcome == SNS_FAILED) {
        snprintf(reason, size, "SNS: %s: %s", entry->code, entry->message);
    } else {
        snprintf(reason, size, "SNS did not say whether it accepted this event");
    }
}

// Settles an entry that was not accepted, by its class; `may_retry`: it may be sent again with this batch.
// Returns whether it is to be.
static bool judge_entry(struct publisher *publisher, struct batch *batch, int index,
                        const struct sns_entry *entry, bool may_retry) {
    char reason[SNS_CODE_SIZE + SNS_MESSAGE_SIZE + 16];
    struct outcome outcome = {
        .kind = OUTCOME_RETRY, .retry_after_us = publisher->settings->retry_base, .reason = reason};
    write_reason(entry, reason, sizeof reason);
    switch (failure_of_entry(entry)) {
    case FAILURE_THROTTLED:
        note_throttled(batch, entry->code);
        return true;
    case FAILURE_TRANSIENT:
        if (may_retry) {
            return true;
        }
        break;
    case FAILURE_CREDENTIALS:
    case FAILURE_TOPIC:
        break;
    case FAILURE_EVENT:
    case FAILURE_PACKING:
        outcome.kind = OUTCOME_PARK;
        break;
    case FAILURE_UNKNOWN:
        outcome.kind = OUTCOME_REFUSED;
        break;
    }
    publisher_settle(batch->topic, &batch->entries[index], &outcome);
    return false;
}

static int count_sent(const struct batch *batch, const struct sns_answer *answer) {
    int sent = 0;
    for (int index = 0; index < batch->count; index++) {
        sent += answer->entries[index].outcome == SNS_SENT;
    }
    return sent;
}

// The first entry that failed for a transient reason, or NULL.
static const struct sns_entry *first_transient(const struct batch *batch, const struct sns_answer *answer) {
    for (int index = 0; index < batch->count; index++) {
        const struct sns_entry *entry = &answer->entries[index];
        if (entry->outcome != SNS_SENT && failure_of_entry(entry) == FAILURE_TRANSIENT) {
            return entry;
        }
    }
    return NULL;
}

// Settles what can be. Returns whether anything is left to be sent again.
static bool settle_entries(struct publisher *publisher, struct batch *batch, const struct sns_answer *answer,
                           bool may_retry) {
    bool keep[SNS_BATCH_MAX] = {false};
    int kept = 0;
    for (int index = 0; index < batch->count; index++) {
        const struct sns_entry *entry = &answer->entries[index];
        if (entry->outcome == SNS_SENT) {
            const struct outcome outcome = {.kind = OUTCOME_SENT,
                                            .message_id = slice_of_text(entry->message_id)};
            publisher_settle(batch->topic, &batch->entries[index], &outcome);
        } else {
            figures_entry(entry);
            keep[index] = judge_entry(publisher, batch, index, entry, may_retry);
            kept += keep[index];
        }
    }
    if (kept > 0) {
        size_t before = batch->form.length;
        batch_keep(batch, batch->topic->topic->arn, keep);
        publisher->bytes += batch->form.length - before;
    }
    return kept > 0;
}

static void judge_entries(struct publisher *publisher, struct batch *batch, const struct sns_answer *answer) {
    char reason[SNS_CODE_SIZE + SNS_MESSAGE_SIZE + 16];
    const struct sns_entry *transient = first_transient(batch, answer);
    bool may_retry = transient != NULL && may_send_later(publisher, batch);
    limiter_accepted(&batch->topic->limiter, count_sent(batch, answer), clock_monotonic_us());
    if (!settle_entries(publisher, batch, answer, may_retry)) {
        publisher_recycle(publisher, batch);
    } else if (may_retry) {
        write_reason(transient, reason, sizeof reason);
        send_later(batch, true, reason, NULL);
    } else {
        judge_send_again(batch);
    }
}

// No entry was accepted, for the same kind of reason, which is no event's fault: that is a failure of the
// request. (Unless they are those that are left of a larger one. And what looks transient may be the fault of
// an event that is alone, but for an answer that does not even name it.)
static bool is_failure_of_all(const struct batch *batch, const struct sns_answer *answer,
                              enum failure_class *ret) {
    const struct sns_entry *first = &answer->entries[0];
    *ret = failure_of_entry(first);
    bool all = *ret == FAILURE_CREDENTIALS || *ret == FAILURE_TOPIC ||
               (*ret == FAILURE_TRANSIENT && (batch->count > 1 || first->outcome == SNS_UNKNOWN));
    for (int index = 0; all && index < batch->count; index++) {
        const struct sns_entry *entry = &answer->entries[index];
        all = entry->outcome != SNS_SENT && failure_of_entry(entry) == *ret;
    }
    return all && !batch->answered;
}

// A refusal that is our clock's fault says nothing of credentials or topic. Twice it is no clock's fault.
static bool is_clocks_fault(struct publisher *publisher, const struct batch *batch,
                            const struct http_answer *http, const char *code) {
    return !batch->signed_again && aws_skew_explains(&publisher->skew, batch->signed_offset_us, code,
                                                     http_answer_header(http, "Date"), clock_unix_us());
}

static void sign_again(struct publisher *publisher, struct batch *batch) {
    batch->signed_again = true;
    breaker_release(&publisher->breaker);
    breaker_release(&batch->topic->breaker);
    judge_send_again(batch);
}

static void judge_failure_of_all(struct publisher *publisher, struct batch *batch,
                                 const struct sns_entry *first, struct refusal *refusal) {
    bool is_named = first->outcome == SNS_FAILED;
    figures_entry(first);
    refusal->code = is_named ? first->code : "HTTP 200";
    refusal->message = is_named ? first->message : "the answer did not say whether it accepted the events";
    judge_refusal(publisher, batch, refusal);
}

void judge_answer(struct publisher *publisher, struct batch *batch, const struct http_answer *http) {
    struct sns_answer answer;
    struct refusal refusal = {.class = FAILURE_TRANSIENT,
                              .code = "no answer",
                              .message = http->failure,
                              .retry_after = http_answer_header(http, RETRY_AFTER_HEADER)};
    if (http->status == 0) {
        figures_refusal(http, "");
        judge_refusal(publisher, batch, &refusal);
        return;
    }
    sns_answer_parse(publisher->parser, http->status, http->body.data, http->body.length,
                     (size_t)batch->count, &answer);
    if (answer.parsed && is_failure_of_all(batch, &answer, &refusal.class)) {
        judge_failure_of_all(publisher, batch, &answer.entries[0], &refusal);
        return;
    }
    if (answer.parsed) {
        note_works(publisher, batch, true);
        retry_succeed(&batch->retry, &publisher->quota);
        judge_entries(publisher, batch, &answer);
        return;
    }
    figures_refusal(http, answer.code);
    if (is_clocks_fault(publisher, batch, http, answer.code)) {
        sign_again(publisher, batch);
        return;
    }
    refusal.class = failure_of_request(http->status, &answer);
    refusal.code = answer.code;
    refusal.message = answer.message;
    judge_refusal(publisher, batch, &refusal);
}
