// SPDX-License-Identifier: Apache-2.0
// The command `consume`: one consumer on one event loop, and signals that stop it.
#include "admin/admin.h"
#include "commands/command.h"
#include "commands/log_timer.h"
#include "commands/reload.h"
#include "commands/stop.h"
#include "commands/supervision.h"
#include "sqs/consumer.h"
#include "upkeep/upkeep.h"

#include <signal.h>

struct consume {
    struct sqs_consumer *consumer;
    struct upkeep *upkeep;
    struct supervision *supervision;
    bool stopping;
};

// The first signal stops in good order, the second at once.
static void on_stop_signal(evutil_socket_t signal_number, short kinds, void *context) {
    struct consume *consume = context;
    (void)kinds;
    if (consume->stopping) {
        stop_at_once(signal_number);
    }
    consume->stopping = true;
    upkeep_stop(consume->upkeep);
    sqs_consumer_stop(consume->consumer);
    supervision_look(consume->supervision);
}

static bool check(const struct settings *settings, struct error *error) {
    if (settings->queue_url[0] == '\0') {
        return error_set(error, ERROR_USAGE,
                         "consume needs a queue: set --queue-url or OUTBOX_QUEUE_URL, as in "
                         "https://sqs.eu-west-1.amazonaws.com/123456789012/orders");
    }
    if (settings->on[0] == '\0') {
        return error_set(error, ERROR_USAGE,
                         "consume needs a handler: set --on or OUTBOX_ON, as in "
                         "--on 'order.created=sql:shop.reserve_stock'");
    }
    return upkeep_check(settings, error);
}

static void add_health(void *context, struct health *health) {
    const struct consume *consume = context;
    sqs_consumer_health(consume->consumer, health);
}

static bool is_stopping(void *context) {
    const struct consume *consume = context;
    return consume->stopping || sqs_consumer_is_stopping(consume->consumer);
}

static struct admin_subject subject_of(struct consume *consume) {
    return (struct admin_subject){.context = consume,
                                  .owner = METRIC_OF_CONSUME,
                                  .command = "consume",
                                  .health = add_health,
                                  .is_stopping = is_stopping};
}

static bool loop(struct consume *consume, struct event_base *base, const struct settings *settings,
                 struct error *error) {
    consume->upkeep = upkeep_new(base, settings, NULL);
    struct event *terminate = evsignal_new(base, SIGTERM, on_stop_signal, consume);
    struct event *interrupt = evsignal_new(base, SIGINT, on_stop_signal, consume);
    evsignal_add(terminate, NULL);
    evsignal_add(interrupt, NULL);
    event_base_dispatch(base);
    event_free(terminate);
    event_free(interrupt);
    upkeep_free(consume->upkeep);
    return sqs_consumer_result(consume->consumer, error);
}

// Whatever looks at the consumer is made after it and freed before. (The consumer receives nothing before the
// loop turns.)
static bool consume_on(struct event_base *base, const struct settings *settings, struct error *error) {
    struct consume consume = {.consumer = sqs_consumer_new(base, settings, error)};
    if (consume.consumer == NULL) {
        return false;
    }
    const struct admin_subject subject = subject_of(&consume);
    struct admin *admin = admin_new(base, settings, &subject, error);
    consume.supervision = supervision_new(base, &subject);
    bool good = admin != NULL && loop(&consume, base, settings, error);
    supervision_free(consume.supervision);
    admin_free(admin);
    sqs_consumer_free(consume.consumer);
    return good;
}

bool command_consume(const struct settings *settings, const char *const *operands, int operand_count,
                     struct error *error) {
    (void)operands;
    (void)operand_count;
    signal(SIGPIPE, SIG_IGN);
    if (!check(settings, error)) {
        return false;
    }
    struct event_base *base = event_base_new();
    if (base == NULL) {
        return error_set(error, ERROR_INTERNAL, "the event loop cannot be made");
    }
    struct event *reload = reload_listen(base);
    struct event *log_timer = log_timer_new(base);
    bool good = consume_on(base, settings, error);
    event_free(reload);
    event_free(log_timer);
    event_base_free(base);
    return good;
}
