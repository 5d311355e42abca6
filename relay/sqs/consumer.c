// SPDX-License-Identifier: Apache-2.0
// Everything that happens leads to `pump`, once a turn of the loop: it looks at where things stand, and does
// what can be done now.
#include "sqs/consumer.h"

#include "base/log.h"
#include "base/memory.h"
#include "consumer/intake.h"
#include "sqs/condition.h"
#include "sqs/facts.h"
#include "sqs/holding.h"
#include "sqs/receiver.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECOND_US = 1000000,
    DECIDED_LEAST = 200, // messages that may be on their way to being deleted or given back
    LAST_US = 2000000,   // for what is given back when the time to stop is over
};

enum stage { STAGE_STARTING, STAGE_CONSUMING, STAGE_STOPPING, STAGE_GIVING_UP, STAGE_ENDED };

struct sqs_consumer {
    struct event_base *base;
    const struct settings *settings;
    struct queue *queue;
    struct facts *facts;
    struct holding *holding;
    struct receiver *receiver;
    struct intake *intake;       // NULL once it is over with handlers
    struct intake_counts counts; // the intake's at that time
    struct event *pump;
    struct event *deadline;
    enum stage stage;
    bool intake_ready;
    bool facts_known;
    bool empty; // the last answer had no messages
    int64_t received;
    struct error error;
};

static void poke(struct sqs_consumer *consumer) {
    event_active(consumer->pump, EV_TIMEOUT, 0);
}

static void set_deadline(struct sqs_consumer *consumer, int64_t us) {
    const struct timeval time = {.tv_sec = us / SECOND_US, .tv_usec = us % SECOND_US};
    evtimer_add(consumer->deadline, &time);
}

// From the loop only.
static void end_handlers(struct sqs_consumer *consumer) {
    if (consumer->intake != NULL) {
        consumer->counts = *intake_counts(consumer->intake);
        intake_free(consumer->intake);
        consumer->intake = NULL;
    }
}

static void end(struct sqs_consumer *consumer) {
    const struct intake_counts *counts = &consumer->counts;
    end_handlers(consumer);
    consumer->stage = STAGE_ENDED;
    log_info("stopped", LOG_INT("received", consumer->received), LOG_INT("handled", counts->handled),
             LOG_INT("repeated", counts->repeated), LOG_INT("without_handler", counts->without_handler),
             LOG_INT("failed", counts->failed), LOG_INT("malformed", counts->malformed),
             LOG_INT("given_back", holding_given_back(consumer->holding)));
    event_base_loopbreak(consumer->base);
}

// Nothing is stopped from here, as it may not be there yet.
static void fail(void *context, const struct error *error) {
    struct sqs_consumer *consumer = context;
    if (consumer->error.code == ERROR_NONE) {
        consumer->error = *error;
        poke(consumer);
    }
}

static int64_t room(const struct sqs_consumer *consumer) {
    int64_t concurrency = consumer->settings->concurrency;
    int64_t most_decided = concurrency > DECIDED_LEAST ? concurrency : DECIDED_LEAST;
    int undecided = holding_undecided(consumer->holding);
    if (intake_resting(consumer->intake) || holding_count(consumer->holding) - undecided > most_decided) {
        return 0;
    }
    int64_t by_count = concurrency - undecided;
    int64_t by_bytes = holding_room(consumer->holding);
    return by_count < by_bytes ? by_count : by_bytes;
}

// Handlers are lines of the setting, but for those that are blank or begin with #.
static int count_handlers(const char *text) {
    int count = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        size_t blanks = strspn(text, " \t\r");
        count += blanks < length && text[blanks] != '#' ? 1 : 0;
        text += length + (text[length] == '\n' ? 1 : 0);
    }
    return count;
}

static void announce(struct sqs_consumer *consumer) {
    const struct queue_url *url = queue_url_of(consumer->queue);
    const char *name = consumer->settings->consumer;
    consumer->stage = STAGE_CONSUMING;
    log_info("ready", LOG_TEXT("queue", url->text),
             LOG_INT("handlers", count_handlers(consumer->settings->on)),
             LOG_TEXT("consumer", name[0] != '\0' ? name : url->name));
}

static bool is_idle(const struct sqs_consumer *consumer) {
    return holding_count(consumer->holding) == 0 && receiver_under_way(consumer->receiver) == 0;
}

static void start(struct sqs_consumer *consumer) {
    if (!queue_waits(consumer->queue)) {
        facts_ask(consumer->facts);
    }
    if (consumer->intake_ready && consumer->facts_known) {
        announce(consumer);
    }
}

static void on_pump(evutil_socket_t socket, short kinds, void *context) {
    struct sqs_consumer *consumer = context;
    (void)socket;
    (void)kinds;
    if (consumer->error.code != ERROR_NONE) {
        sqs_consumer_stop(consumer);
    }
    if (consumer->stage == STAGE_STARTING) {
        start(consumer);
    }
    if (consumer->stage == STAGE_CONSUMING) {
        if (consumer->settings->until_empty != 0 && consumer->empty && is_idle(consumer)) {
            sqs_consumer_stop(consumer);
        } else {
            consumer->empty = false;
            receiver_pump(consumer->receiver, room(consumer));
        }
    }
    if (consumer->stage == STAGE_STOPPING && receiver_under_way(consumer->receiver) == 0) {
        holding_give_back_marked(consumer->holding);
    }
    if ((consumer->stage == STAGE_STOPPING && is_idle(consumer)) ||
        (consumer->stage == STAGE_GIVING_UP && holding_count(consumer->holding) == 0)) {
        end(consumer);
    }
}

// What is given back while receives are under way comes back with one of these, once for each, and each time
// counts towards the dead-letter queue. So who stops waits for those first.
static void give_back(const struct sqs_consumer *consumer, struct held *held) {
    if (consumer->stage == STAGE_STOPPING && receiver_under_way(consumer->receiver) > 0) {
        holding_give_back_later(held);
    } else {
        holding_give_back(held);
    }
}

static void on_received(void *context, const struct received *received, int64_t since) {
    struct sqs_consumer *consumer = context;
    struct held *held = holding_take(consumer->holding, received->handle, received->incoming.body.length,
                                     received->incoming.receive_count, since);
    consumer->received++;
    holding_note_sent(held, received->sent_at);
    if (consumer->stage == STAGE_CONSUMING) {
        intake_offer(consumer->intake, &received->incoming, held);
    } else {
        give_back(consumer, held);
    }
}

static void on_answered(void *context, int count) {
    struct sqs_consumer *consumer = context;
    consumer->empty = count == 0;
    poke(consumer);
}

static void on_settled(void *context, void *message, const struct intake_result *result) {
    struct sqs_consumer *consumer = context;
    switch (result->kind) {
    case INTAKE_DONE:
        holding_delete(message);
        break;
    case INTAKE_FAILED:
        holding_put_off(message, result->retry_after_us);
        break;
    case INTAKE_LET_GO:
        give_back(consumer, message);
        break;
    }
    poke(consumer);
}

static void on_freed(void *context) {
    poke(context);
}

static void on_overdue(void *context) {
    struct sqs_consumer *consumer = context;
    if (consumer->stage == STAGE_CONSUMING) {
        intake_drop(consumer->intake);
    }
}

static void on_recovered(void *context) {
    poke(context);
}

static void on_intake_ready(void *context) {
    struct sqs_consumer *consumer = context;
    consumer->intake_ready = true;
    poke(consumer);
}

static void on_known(void *context, const char *queue_arn) {
    struct sqs_consumer *consumer = context;
    consumer->facts_known = true;
    log_debug("the queue is there", LOG_TEXT("arn", queue_arn));
    poke(consumer);
}

static void on_credentials(void *context) {
    struct sqs_consumer *consumer = context;
    receiver_hurry(consumer->receiver);
    poke(consumer);
}

// Handlers that are not through by now get no more time: they are ended, so that they do not go on beside
// those of whoever receives their messages next. Then these are given back, and the answers to that are
// waited for, but not for long.
static void on_deadline(evutil_socket_t socket, short kinds, void *context) {
    struct sqs_consumer *consumer = context;
    (void)socket;
    (void)kinds;
    if (consumer->stage == STAGE_GIVING_UP) {
        end(consumer);
        return;
    }
    consumer->stage = STAGE_GIVING_UP;
    end_handlers(consumer);
    holding_hurry(consumer->holding, LAST_US);
    int unfinished = holding_give_back_all(consumer->holding);
    holding_flush(consumer->holding);
    error_set(&consumer->error, ERROR_TIMEOUT,
              "not all was done in OUTBOX_SHUTDOWN_TIMEOUT: messages given back: %d, receives without an "
              "answer: %d",
              unfinished, receiver_under_way(consumer->receiver));
    set_deadline(consumer, LAST_US);
    poke(consumer);
}

void sqs_consumer_stop(struct sqs_consumer *consumer) {
    bool consuming = consumer->stage == STAGE_CONSUMING;
    if (consumer->stage > STAGE_CONSUMING) {
        return;
    }
    consumer->stage = STAGE_STOPPING;
    log_info("stopping", LOG_INT("in_hand", holding_count(consumer->holding)),
             LOG_INT("receives", receiver_under_way(consumer->receiver)));
    receiver_stop(consumer->receiver);
    if (consuming) {
        intake_drop(consumer->intake);
    }
    holding_flush(consumer->holding);
    set_deadline(consumer, consumer->settings->shutdown_timeout);
    poke(consumer);
}

bool sqs_consumer_is_stopping(const struct sqs_consumer *consumer) {
    return consumer->stage > STAGE_CONSUMING;
}

void sqs_consumer_health(const struct sqs_consumer *consumer, struct health *health) {
    condition_tell(health, consumer->queue, consumer->facts_known,
                   consumer->facts_known ? receiver_trouble(consumer->receiver)
                                         : facts_trouble(consumer->facts));
    if (consumer->intake != NULL) {
        intake_health(consumer->intake, health);
    }
}

bool sqs_consumer_result(const struct sqs_consumer *consumer, struct error *error) {
    if (consumer->error.code != ERROR_NONE) {
        *error = consumer->error;
        return false;
    }
    return true;
}

static bool make_intake(struct sqs_consumer *consumer, struct error *error) {
    const char *name = consumer->settings->consumer;
    const struct intake_listener listener = {.context = consumer,
                                             .ready = on_intake_ready,
                                             .broken = fail,
                                             .settled = on_settled,
                                             .recovered = on_recovered};
    consumer->intake =
        intake_new(consumer->base, consumer->settings,
                   name[0] != '\0' ? name : queue_url_of(consumer->queue)->name, &listener, error);
    return consumer->intake != NULL;
}

struct sqs_consumer *sqs_consumer_new(struct event_base *base, const struct settings *settings,
                                      struct error *error) {
    struct sqs_consumer *consumer = memory_allocate(1, sizeof *consumer);
    const struct queue_listener listener = {consumer, on_credentials, fail};
    consumer->base = base;
    consumer->settings = settings;
    consumer->pump = evtimer_new(base, on_pump, consumer);
    consumer->deadline = evtimer_new(base, on_deadline, consumer);
    consumer->queue = queue_new(base, settings, &listener, error);
    if (consumer->queue == NULL || !make_intake(consumer, error)) {
        sqs_consumer_free(consumer);
        return NULL;
    }
    consumer->facts = facts_new(base, consumer->queue, &(struct facts_listener){consumer, on_known, fail});
    consumer->holding = holding_new(base, consumer->queue, settings,
                                    &(struct holding_listener){consumer, on_freed, on_overdue});
    consumer->receiver = receiver_new(base, consumer->queue, settings,
                                      &(struct receiver_listener){consumer, on_received, on_answered, fail});
    poke(consumer);
    return consumer;
}

void sqs_consumer_free(struct sqs_consumer *consumer) {
    if (consumer == NULL) {
        return;
    }
    intake_free(consumer->intake);
    queue_free(consumer->queue);
    facts_free(consumer->facts);
    holding_free(consumer->holding);
    receiver_free(consumer->receiver);
    event_free(consumer->pump);
    event_free(consumer->deadline);
    free(consumer);
}
