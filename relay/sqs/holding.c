// SPDX-License-Identifier: Apache-2.0
#include "sqs/holding.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "observe/metrics.h"
#include "sqs/batches.h"
#include "sqs/trouble.h"
#include "sqs/visibility.h"

#include <assert.h>
#include <stdlib.h>

enum {
    SECOND_US = 1000000,
    AGAIN_BASE_US = 250000,
    AGAIN_MAX_US = 10000000,
    ATTEMPTS_LEAST = 3, // of a deletion, also where it comes too late for the visibility timeout
    ATTEMPT_LEAST_US = 250000,
    // Of undecided messages' bodies: with so many no more are wanted. Each costs two to three times its body
    // on its way to handlers, and what receives under way bring comes on top.
    BYTES_FULL = 32 << 20,
    USUAL_SHARE = 8, // each message moves what is usual by this part of the difference
};

enum wish { WISH_KEEP, WISH_DELETE, WISH_GIVE_BACK };

struct held {
    struct held *next;
    struct held *previous;
    struct holding *holding;
    char *handle;
    struct event *timer;
    int64_t bytes;    // of its body
    int64_t sent_at;  // by the wall clock; 0: not known
    int64_t since;    // hidden, at the latest
    int64_t deadline; // visible again, at the earliest
    int receive_count;
    enum wish wish;
    int seconds;  // WISH_GIVE_BACK: how long it is to be hidden from now
    int extended; // for so many seconds, when the extension that is under way succeeds; 0: none is
    int attempts; // in vain: of keeping it, then of what was wished
    bool asking;  // a request about it is collected or under way
    bool gone;    // SQS does not know it as ours any more
    bool marked;  // to be given back, later
};

struct holding {
    struct event_base *base;
    struct holding_listener listener;
    struct batches *deletions;
    struct batches *hidings;
    struct held *first;
    const struct settings *settings;
    int visibility_s;
    int count;
    int undecided;
    int64_t bytes;       // of those that are undecided
    int64_t usual_bytes; // of a message, as they have come of late; 0: none has
    int64_t given_back;
    struct trouble deleting, hiding;
};

static void on_deleted(void *context, void *item, const struct entry_result *result);
static void on_hidden(void *context, void *item, const struct entry_result *result);

// A lost answer must not cost so much of the visibility that there is no time for another attempt.
static int64_t attempt_us(int visibility_s, int64_t request_timeout_us) {
    int64_t part = (int64_t)visibility_s * SECOND_US / 8;
    part = part > ATTEMPT_LEAST_US ? part : ATTEMPT_LEAST_US;
    return part < request_timeout_us ? part : request_timeout_us;
}

struct holding *holding_new(struct event_base *base, struct queue *queue, const struct settings *settings,
                            const struct holding_listener *listener) {
    struct holding *holding = memory_allocate(1, sizeof *holding);
    holding->base = base;
    holding->listener = *listener;
    holding->settings = settings;
    holding->visibility_s = visibility_seconds(settings->visibility_timeout);
    holding->deletions = batches_new(base, queue, BATCHES_DELETE, settings->request_timeout,
                                     &(struct batches_listener){holding, on_deleted});
    holding->hidings =
        batches_new(base, queue, BATCHES_HIDE, attempt_us(holding->visibility_s, settings->request_timeout),
                    &(struct batches_listener){holding, on_hidden});
    return holding;
}

static void free_held(struct held *held) {
    event_free(held->timer);
    free(held->handle);
    free(held);
}

void holding_free(struct holding *holding) {
    if (holding == NULL) {
        return;
    }
    while (holding->first != NULL) {
        struct held *held = holding->first;
        holding->first = held->next;
        free_held(held);
    }
    batches_free(holding->deletions);
    batches_free(holding->hidings);
    free(holding);
}

int holding_count(const struct holding *holding) {
    return holding->count;
}

int holding_undecided(const struct holding *holding) {
    return holding->undecided;
}

// What is asked for may be as large as what came before it. When all is decided there is room for one that is
// larger than all that may be held, or nothing would ever come again.
int64_t holding_room(const struct holding *holding) {
    int64_t usual = holding->usual_bytes > 0 ? holding->usual_bytes : 1;
    int64_t room = (BYTES_FULL - holding->bytes) / usual;
    int64_t least = holding->undecided == 0 ? 1 : 0;
    return room > least ? room : least;
}

void holding_flush(struct holding *holding) {
    batches_flush(holding->deletions);
    batches_flush(holding->hidings);
}

static void finish(struct held *held) {
    struct holding *holding = held->holding;
    *(held->previous != NULL ? &held->previous->next : &holding->first) = held->next;
    if (held->next != NULL) {
        held->next->previous = held->previous;
    }
    holding->count--;
    metric_gauge(METRIC_HELD_MESSAGES, holding->count);
    free_held(held);
    holding->listener.freed(holding->listener.context);
}

static void wake_at(struct held *held, int64_t at) {
    int64_t wait = at - clock_boot_us();
    wait = wait > 0 ? wait : 0;
    const struct timeval time = {.tv_sec = wait / SECOND_US, .tv_usec = wait % SECOND_US};
    evtimer_add(held->timer, &time);
}

// While a request is under way the next thing to happen by time is that the message comes into view.
static void extend(struct held *held, int64_t now) {
    struct holding *holding = held->holding;
    assert(!held->asking);
    held->extended = visibility_extension(held->since, held->deadline, now, holding->visibility_s);
    if (held->extended > 0) {
        held->asking = true;
        batches_add(holding->hidings, held->handle, held->extended, held);
    }
    wake_at(held, held->deadline);
}

static void pass_by(struct held *held) {
    struct holding *holding = held->holding;
    held->gone = true;
    log_debug("a message could not be kept hidden", LOG_INT("receives", held->receive_count));
    holding->listener.overdue(holding->listener.context);
}

// Does what is wished. What others can see already needs no giving back.
static void fulfil(struct held *held) {
    struct holding *holding = held->holding;
    event_del(held->timer);
    if (held->wish == WISH_DELETE) {
        held->asking = true;
        batches_add(holding->deletions, held->handle, 0, held);
    } else if (held->gone || clock_boot_us() >= held->deadline) {
        finish(held);
    } else {
        held->asking = true;
        batches_add(holding->hidings, held->handle, held->seconds, held);
    }
}

// A timer may run some milliseconds early, so that with an extension under way the time says nothing: nothing
// else than the deadline is waited for then, and a second request for the same message must not be asked.
static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    struct held *held = context;
    int64_t now = clock_boot_us();
    (void)socket;
    (void)kinds;
    if (held->wish != WISH_KEEP) {
        fulfil(held);
    } else if (held->asking || now >= held->deadline) {
        pass_by(held);
    } else {
        extend(held, now);
    }
}

static void wake_for_extension(struct held *held) {
    wake_at(held, held->deadline - (int64_t)held->holding->visibility_s * SECOND_US / 2);
}

// An average, for messages of one queue can differ: one that is large must not keep small ones from coming.
static void count_bytes(struct holding *holding, int64_t bytes) {
    int64_t usual = holding->usual_bytes > 0 ? holding->usual_bytes : bytes;
    holding->bytes += bytes;
    holding->usual_bytes = usual + (bytes - usual) / USUAL_SHARE;
}

struct held *holding_take(struct holding *holding, const char *handle, size_t bytes, int receive_count,
                          int64_t since) {
    struct held *held = memory_allocate(1, sizeof *held);
    *held = (struct held){.holding = holding,
                          .next = holding->first,
                          .handle = memory_copy_text(handle),
                          .bytes = (int64_t)bytes,
                          .since = since,
                          .deadline = since + (int64_t)holding->visibility_s * SECOND_US,
                          .receive_count = receive_count};
    held->timer = evtimer_new(holding->base, on_timer, held);
    if (held->next != NULL) {
        held->next->previous = held;
    }
    holding->first = held;
    holding->count++;
    metric_gauge(METRIC_HELD_MESSAGES, holding->count);
    holding->undecided++;
    count_bytes(holding, held->bytes);
    wake_for_extension(held);
    return held;
}

void holding_note_sent(struct held *held, int64_t sent_at) {
    held->sent_at = sent_at;
}

// What is asked of SQS about one message is asked one after the other: an extension that overtakes what was
// wished after it would hide the message again.
static void decide(struct held *held, enum wish wish, int seconds) {
    metric_count(METRIC_RETURNED, wish == WISH_GIVE_BACK ? 1 : 0);
    held->wish = wish;
    held->seconds = seconds;
    held->attempts = 0;
    held->holding->undecided--;
    held->holding->bytes -= held->bytes;
    event_del(held->timer);
    if (!held->asking) {
        fulfil(held);
    }
}

void holding_delete(struct held *held) {
    decide(held, WISH_DELETE, 0);
}

void holding_put_off(struct held *held, int64_t retry_after_us) {
    const struct holding *holding = held->holding;
    decide(held, WISH_GIVE_BACK,
           visibility_backoff(held->receive_count, holding->settings->retry_base,
                              holding->settings->retry_max, retry_after_us, held->since, clock_boot_us()));
}

void holding_give_back(struct held *held) {
    held->holding->given_back++;
    decide(held, WISH_GIVE_BACK, 0);
}

void holding_give_back_later(struct held *held) {
    held->marked = true;
}

static int give_back_each(struct holding *holding, bool marked_only) {
    int given_back = 0;
    for (struct held *held = holding->first, *next; held != NULL; held = next) {
        next = held->next;
        if (held->wish == WISH_KEEP && (held->marked || !marked_only)) {
            holding_give_back(held);
            given_back++;
        }
    }
    return given_back;
}

void holding_give_back_marked(struct holding *holding) {
    (void)give_back_each(holding, true);
}

int holding_give_back_all(struct holding *holding) {
    return give_back_each(holding, false);
}

int64_t holding_given_back(const struct holding *holding) {
    return holding->given_back;
}

void holding_hurry(struct holding *holding, int64_t left_us) {
    batches_limit(holding->deletions, left_us / 2);
    batches_limit(holding->hidings, left_us / 2);
    for (struct held *held = holding->first, *next; held != NULL; held = next) {
        next = held->next;
        if (held->wish != WISH_KEEP && !held->asking) {
            fulfil(held);
        }
    }
}

static void try_again(struct held *held) {
    held->attempts++;
    wake_at(held, clock_boot_us() + backoff_us(held->attempts, AGAIN_BASE_US, AGAIN_MAX_US));
}

static void note(struct trouble *trouble, const char *action, const struct entry_result *result) {
    if (result->outcome == ENTRY_AGAIN) {
        trouble_fail(trouble, action, result->failure, result->reason);
    } else {
        trouble_end(trouble, action);
    }
}

static void count_deleted(const struct held *held) {
    metric_count(METRIC_DELETED, 1);
    if (held->sent_at > 0) {
        metric_record(METRIC_MESSAGE_AGE, clock_unix_us() - held->sent_at);
    }
}

// A message that cannot be deleted comes again, and is recognised then by its event's id.
static void on_deleted(void *context, void *item, const struct entry_result *result) {
    struct holding *holding = context;
    struct held *held = item;
    held->asking = false;
    note(&holding->deleting, "DeleteMessageBatch", result);
    if (result->outcome == ENTRY_AGAIN &&
        (held->attempts + 1 < ATTEMPTS_LEAST || clock_boot_us() < held->deadline)) {
        try_again(held);
        return;
    }
    if (result->outcome == ENTRY_DONE) {
        count_deleted(held);
    } else {
        log_debug("a handled message is not deleted, so it comes again", LOG_TEXT("reason", result->reason));
    }
    finish(held);
}

// The answer to an extension, of a message that nobody has done with. It may be decided, and released, when
// it has been passed by.
static void on_extended(struct held *held, const struct entry_result *result) {
    if (result->outcome == ENTRY_REFUSED) {
        event_del(held->timer);
        log_debug("a message is not ours any more", LOG_TEXT("reason", result->reason));
        pass_by(held);
    } else if (result->outcome == ENTRY_AGAIN && !held->gone) {
        int64_t now = clock_boot_us();
        int64_t again = now + backoff_us(++held->attempts, AGAIN_BASE_US, AGAIN_MAX_US);
        wake_at(held, again < held->deadline ? again : held->deadline);
    } else if (result->outcome == ENTRY_DONE) {
        held->attempts = 0;
        held->gone = false; // late, but in time
        wake_for_extension(held);
    }
}

static void on_hidden(void *context, void *item, const struct entry_result *result) {
    struct holding *holding = context;
    struct held *held = item;
    int extended = held->extended;
    held->asking = false;
    held->extended = 0;
    note(&holding->hiding, "ChangeMessageVisibilityBatch", result);
    if (extended > 0) {
        if (result->outcome == ENTRY_DONE) {
            held->deadline = result->asked_at + (int64_t)extended * SECOND_US;
        }
        if (held->wish == WISH_KEEP) {
            on_extended(held, result);
        } else {
            fulfil(held);
        }
    } else if (result->outcome == ENTRY_AGAIN && clock_boot_us() < held->deadline) {
        try_again(held);
    } else {
        finish(held);
    }
}
