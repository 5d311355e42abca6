// SPDX-License-Identifier: Apache-2.0
#include "lambda/lambda.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "lambda/batch.h"
#include "lambda/runtime.h"
#include "lambda/trace.h"

#include <stdlib.h>

enum {
    SECOND_US = 1000000,
    START_US = 5 * SECOND_US,  // of the ten seconds that Lambda gives a process to start
    STOP_US = 300000,          // of the 500 ms between SIGTERM and SIGKILL
    MARGIN_US = SECOND_US,     // before the deadline; a tenth of the time, if that is less
    OUTAGE_LOOK_US = 100000,   // how often it is looked whether an outage goes on
    OUTAGE_LOOKS = 20,         // then what is aside fails
    ANSWER_SIZE_MAX = 2 << 20, // all identifiers of the largest batch
};

enum phase {
    PHASE_STARTING,  // until the handlers can be run
    PHASE_WAITING,   // for an invocation: this is when Lambda freezes the process
    PHASE_HANDLING,  // `batch`
    PHASE_ANSWERING, // and then waiting again, or, when `ending`, over
    PHASE_OVER,
};

struct lambda {
    struct event_base *base;
    struct runtime *runtime;
    struct intake *intake;
    struct event *alarm;
    struct event *patience; // with an outage, while messages are aside
    int looks;
    enum phase phase;
    bool ready;  // the intake
    bool ending; // after the answer
    bool hurried;
    int64_t cut_us; // from the first alarm of an invocation to the second
    int64_t begun_us;
    struct lambda_batch *batch;
    struct lambda_batch *late; // those answered while handlers still ran
    struct error error;        // what it ends with
};

static void arm(struct event *timer, int64_t us) {
    const struct timeval delay = {.tv_sec = us / SECOND_US, .tv_usec = us % SECOND_US};
    evtimer_add(timer, &delay);
}

static void end(struct lambda *lambda) {
    lambda->phase = PHASE_OVER;
    evtimer_del(lambda->alarm);
    event_base_loopbreak(lambda->base);
}

static void wait_for_invocation(struct lambda *lambda) {
    lambda->phase = PHASE_WAITING;
    evtimer_del(lambda->alarm);
    runtime_next(lambda->runtime);
}

// No alarm may be left for the time in which the process is frozen.
static void begin_answer(struct lambda *lambda) {
    lambda->phase = PHASE_ANSWERING;
    evtimer_del(lambda->alarm);
    evtimer_del(lambda->patience);
}

static void log_answer(const struct lambda *lambda, const struct lambda_batch_counts *counts) {
    int64_t took_us = clock_monotonic_us() - lambda->begun_us;
    log_info("invocation answered", LOG_TEXT("request_id", runtime_request_id(lambda->runtime)),
             LOG_INT("messages", counts->messages), LOG_INT("failed", counts->failed + counts->unsettled),
             LOG_INT("unsettled", counts->unsettled), LOG_INT("took_ms", took_us / 1000));
}

static void answer(struct lambda *lambda) {
    const struct lambda_batch_counts counts = lambda_batch_counts(lambda->batch);
    struct buffer json;
    buffer_init(&json, ANSWER_SIZE_MAX);
    lambda_batch_append_answer(lambda->batch, &json);
    begin_answer(lambda);
    log_answer(lambda, &counts);
    runtime_respond(lambda->runtime, (struct slice){json.data, json.length});
    buffer_free(&json);
    lambda_batch_leave(lambda->batch, &lambda->late);
    lambda->batch = NULL;
}

static void go_on(struct lambda *lambda) {
    const struct lambda_batch_counts counts = lambda_batch_counts(lambda->batch);
    if (!lambda_batch_is_offered(lambda->batch)) {
        return;
    }
    if (counts.unsettled + counts.aside == 0) {
        answer(lambda);
    } else if (counts.aside > 0 && !evtimer_pending(lambda->patience, NULL)) {
        lambda->looks = 0;
        arm(lambda->patience, OUTAGE_LOOK_US);
    }
}

static void offer_again(struct lambda *lambda) {
    evtimer_del(lambda->patience);
    log_info("messages that failed by an outage, or were let go, are tried again",
             LOG_INT("messages", lambda_batch_counts(lambda->batch).aside));
    lambda_batch_offer_again(lambda->batch, lambda->intake);
    go_on(lambda);
}

// Where nothing rests, nobody will say that the outage is over: of two connections one may be dead while the
// other works. So it is tried; how often is bounded (batch.c).
static void on_patience(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct lambda *lambda = context;
    if (lambda_batch_counts(lambda->batch).aside == 0) {
        return;
    }
    if (!intake_resting(lambda->intake)) {
        offer_again(lambda);
    } else if (++lambda->looks < OUTAGE_LOOKS) {
        arm(lambda->patience, OUTAGE_LOOK_US);
    } else {
        lambda_batch_give_up(lambda->batch);
        go_on(lambda);
    }
}

static void offer(struct lambda *lambda) {
    lambda_batch_offer(lambda->batch, lambda->intake);
    go_on(lambda);
}

// Nothing is begun any more, and what has been begun has `left_us` to come to its end.
static void hurry(struct lambda *lambda, int64_t left_us) {
    lambda->hurried = true;
    if (!lambda_batch_is_offered(lambda->batch)) {
        answer(lambda);
        return;
    }
    lambda_batch_give_up(lambda->batch);
    intake_drop(lambda->intake);
    if (lambda->phase == PHASE_HANDLING) { // else that was the last of it
        arm(lambda->alarm, left_us);
        go_on(lambda);
    }
}

static void on_alarm(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct lambda *lambda = context;
    if (lambda->phase == PHASE_STARTING) {
        log_warn("the handlers are not ready yet; invocations are taken all the same",
                 LOG_INT("seconds", START_US / SECOND_US));
        wait_for_invocation(lambda);
    } else if (!lambda->hurried) {
        hurry(lambda, lambda->cut_us);
    } else {
        answer(lambda);
    }
}

// The deadline is told by the wall clock, and kept by the other. One that is over before anything has begun
// says more about the wall clock than about the time that is left.
static void arm_for_deadline(struct lambda *lambda, int64_t deadline_unix_us) {
    int64_t left_us = deadline_unix_us - clock_unix_us();
    lambda->hurried = false;
    if (deadline_unix_us == 0 || left_us <= 0) {
        log_warn("the deadline of the invocation is not known, or over by the clock of this machine",
                 LOG_INT("deadline_ms", deadline_unix_us / 1000));
        return;
    }
    int64_t margin_us = left_us / 10 < MARGIN_US ? left_us / 10 : MARGIN_US;
    lambda->cut_us = margin_us / 2;
    arm(lambda->alarm, left_us - margin_us);
}

static void on_invoked(void *context, const struct invocation *invocation) {
    struct lambda *lambda = context;
    struct records records;
    struct error error;
    trace_set(invocation->trace_id);
    lambda->begun_us = clock_monotonic_us();
    if (!records_parse(&records, invocation->event, &error)) {
        log_error("an invocation was refused", LOG_TEXT("request_id", invocation->request_id),
                  LOG_TEXT("reason", error.text));
        begin_answer(lambda);
        runtime_fail(lambda->runtime, "Runtime.BadEvent", error.text);
        return;
    }
    lambda->phase = PHASE_HANDLING;
    lambda->batch = lambda_batch_new(&records);
    arm_for_deadline(lambda, invocation->deadline_unix_us);
    if (lambda->ready) {
        offer(lambda);
    }
}

static void on_answered(void *context) {
    struct lambda *lambda = context;
    if (lambda->ending) {
        end(lambda);
    } else {
        wait_for_invocation(lambda);
    }
}

// The reason why it ends anyway goes before.
static void on_runtime_broken(void *context, const struct error *error) {
    struct lambda *lambda = context;
    if (lambda->error.code != ERROR_NONE) {
        log_error("the runtime API has failed", LOG_TEXT("reason", error->text));
    } else {
        lambda->error = *error;
    }
    end(lambda);
}

static void on_ready(void *context) {
    struct lambda *lambda = context;
    lambda->ready = true;
    if (lambda->phase == PHASE_STARTING) {
        wait_for_invocation(lambda);
    } else if (lambda->phase == PHASE_HANDLING) {
        offer(lambda);
    }
}

static void on_intake_broken(void *context, const struct error *error) {
    struct lambda *lambda = context;
    const char *type = "Runtime.BadConfiguration";
    lambda->error = *error;
    lambda->ending = true;
    if (lambda->phase == PHASE_STARTING) {
        begin_answer(lambda);
        runtime_fail_start(lambda->runtime, type, error->text);
    } else if (lambda->phase == PHASE_HANDLING) {
        begin_answer(lambda);
        runtime_fail(lambda->runtime, type, error->text);
    } else if (lambda->phase == PHASE_WAITING) {
        end(lambda);
    }
}

static void on_settled(void *context, void *message, const struct intake_result *result) {
    struct lambda *lambda = context;
    if (lambda_batch_settle(message, result)) {
        go_on(lambda);
    }
}

static void on_recovered(void *context) {
    struct lambda *lambda = context;
    if (lambda->phase == PHASE_HANDLING && lambda_batch_counts(lambda->batch).aside > 0) {
        offer_again(lambda);
    }
}

static const char *consumer_of(const struct settings *settings) {
    if (settings->consumer[0] != '\0') {
        return settings->consumer;
    }
    return settings->aws_lambda_function_name[0] != '\0' ? settings->aws_lambda_function_name : "lambda";
}

// Without a handler each message would be deleted, and nobody would notice.
static bool check_handlers(const struct settings *settings, struct error *error) {
    return settings->on[0] != '\0' ||
           error_set(error, ERROR_USAGE,
                     "OUTBOX_ON is not set, so that there is no handler for any event: set it to lines such "
                     "as order.created=sql:shop.reserve_stock");
}

static void start_intake(struct lambda *lambda, const struct settings *settings) {
    const char *consumer = consumer_of(settings);
    const struct intake_listener listener = {.context = lambda,
                                             .ready = on_ready,
                                             .broken = on_intake_broken,
                                             .settled = on_settled,
                                             .recovered = on_recovered};
    struct error error = {0};
    if (check_handlers(settings, &error)) {
        lambda->intake = intake_new(lambda->base, settings, consumer, &listener, &error);
    }
    if (lambda->intake == NULL && !lambda->ending) {
        on_intake_broken(lambda, &error);
    } else if (!lambda->ending) {
        log_info("started", LOG_TEXT("consumer", consumer));
    }
}

struct lambda *lambda_new(struct event_base *base, const struct settings *settings, struct error *error) {
    struct lambda *lambda = memory_allocate(1, sizeof *lambda);
    const struct runtime_listener listener = {
        .context = lambda, .invoked = on_invoked, .answered = on_answered, .broken = on_runtime_broken};
    lambda->base = base;
    lambda->runtime = runtime_new(base, settings, &listener, error);
    if (lambda->runtime == NULL) {
        free(lambda);
        return NULL;
    }
    trace_begin();
    lambda->alarm = evtimer_new(base, on_alarm, lambda);
    lambda->patience = evtimer_new(base, on_patience, lambda);
    arm(lambda->alarm, START_US);
    start_intake(lambda, settings);
    return lambda;
}

void lambda_free(struct lambda *lambda) {
    if (lambda == NULL) {
        return;
    }
    intake_free(lambda->intake);
    runtime_free(lambda->runtime);
    lambda_batch_free_late(&lambda->late);
    lambda_batch_free(lambda->batch);
    event_free(lambda->alarm);
    event_free(lambda->patience);
    free(lambda);
}

void lambda_stop(struct lambda *lambda) {
    lambda->ending = true;
    if (lambda->phase == PHASE_STARTING || lambda->phase == PHASE_WAITING) {
        end(lambda);
    } else if (lambda->phase == PHASE_HANDLING && !lambda->hurried) {
        hurry(lambda, STOP_US);
    }
}

bool lambda_result(const struct lambda *lambda, struct error *error) {
    *error = lambda->error;
    return lambda->error.code == ERROR_NONE;
}
