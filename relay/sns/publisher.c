// SPDX-License-Identifier: Apache-2.0
#include "sns/publisher.h"

#include "base/clock.h"
#include "base/memory.h"
#include "sns/form.h"
#include "sns/state.h"

#include <stdlib.h>

enum {
    LATE_MARGIN_US = 500000, // after the end of a late request, before its events are tried again
};

static const char reason_late[] = "SNS has not answered yet; it may have accepted this event";
static const struct outcome let_go = {.kind = OUTCOME_LET_GO};

struct batch *publisher_batch(struct publisher *publisher, struct sns_topic *topic) {
    struct batch *batch = publisher->spare;
    if (batch != NULL) {
        publisher->spare = batch->next;
    } else {
        batch = batch_new();
        batch->made_before = publisher->made_last;
        publisher->made_last = batch;
    }
    batch_begin(batch, topic, topic->topic->arn);
    publisher->bytes += batch->form.length;
    return batch;
}

void publisher_recycle(struct publisher *publisher, struct batch *batch) {
    publisher->bytes -= batch->form.length;
    batch->next = publisher->spare;
    publisher->spare = batch;
}

static void settle_delivery(struct sns_topic *topic, struct delivery delivery,
                            const struct outcome *outcome) {
    struct publisher *publisher = topic->publisher;
    topic->events--;
    publisher->events--;
    publisher->listener.settled(publisher->listener.context, delivery, outcome);
}

static void let_go_held(void *context, struct held *held) {
    struct sns_topic *topic = context;
    topic->publisher->bytes -= held->encoded.length;
    settle_delivery(topic, held->entry.delivery, &let_go);
    held_free(held);
}

// A late event's claim has written down that it is tried again; the topic has waited for this.
static void settle_late(struct sns_topic *topic) {
    struct publisher *publisher = topic->publisher;
    if (--topic->late == 0) {
        publisher->listener.recovered(publisher->listener.context);
    }
}

void publisher_settle(struct sns_topic *topic, const struct batch_entry *entry,
                      const struct outcome *outcome) {
    if (entry->group != NULL && outcome->kind == OUTCOME_SENT) {
        groups_done(topic->groups, entry->group);
        send_activate(topic);
    } else if (entry->group != NULL) {
        groups_fail(topic->groups, entry->group, let_go_held, topic);
    }
    settle_delivery(topic, entry->delivery, outcome);
    if (entry->late) {
        settle_late(topic);
    }
}

void publisher_settle_batch(struct publisher *publisher, struct batch *batch, const struct outcome *outcome) {
    for (int index = 0; index < batch->count; index++) {
        publisher_settle(batch->topic, &batch->entries[index], outcome);
    }
    publisher_recycle(publisher, batch);
}

static bool is_of_claim(const struct batch *batch, const void *claim) {
    bool is = claim == NULL;
    for (int index = 0; !is && index < batch->count; index++) {
        is = batch->entries[index].delivery.claim == claim;
    }
    return is;
}

static void settle_queue(struct publisher *publisher, struct batch_queue *queue, const void *claim,
                         const struct outcome *outcome) {
    struct batch_queue kept = {0};
    while (queue->first != NULL) {
        struct batch *batch = batch_pop(queue);
        if (is_of_claim(batch, claim)) {
            publisher_settle_batch(publisher, batch, outcome);
        } else {
            batch_push(&kept, batch);
        }
    }
    *queue = kept;
}

// What has failed and is cut off before it could be tried again has failed all the same.
static void give_up_delayed(struct sns_topic *topic, const void *claim) {
    struct batch_queue delayed = topic->delayed;
    topic->delayed = (struct batch_queue){0};
    while (delayed.first != NULL) {
        struct batch *batch = batch_pop(&delayed);
        if (is_of_claim(batch, claim)) {
            judge_give_up(topic->publisher, batch);
        } else {
            batch_push(&topic->delayed, batch);
        }
    }
}

static void settle_not_under_way(struct sns_topic *topic, const void *claim, const struct outcome *outcome) {
    struct publisher *publisher = topic->publisher;
    if (topic->open != NULL && is_of_claim(topic->open, claim)) {
        publisher_settle_batch(publisher, topic->open, outcome);
        topic->open = NULL;
    }
    settle_queue(publisher, &topic->queue, claim, outcome);
    if (claim == NULL) {
        settle_queue(publisher, &topic->delayed, NULL, outcome);
    } else {
        give_up_delayed(topic, claim);
    }
    if (topic->groups != NULL) {
        groups_drop(topic->groups, claim, let_go_held, topic);
    }
}

void publisher_settle_waiting(struct sns_topic *topic, const struct outcome *outcome) {
    settle_not_under_way(topic, NULL, outcome);
}

static void seal(struct publisher *publisher, struct sns_topic *topic) {
    struct batch *batch = topic->open;
    topic->open = NULL;
    batch_push(&topic->queue, batch);
    send_activate(topic);
    send_waiting(publisher);
}

// Topics of one ARN share the state: the order of a group, and what is wrong with the topic, are the same for
// all.
static struct sns_topic *find_state(const struct publisher *publisher, const char *arn) {
    struct sns_topic *state = publisher->topics;
    while (state != NULL && strcmp(state->topic->arn, arn) != 0) {
        state = state->next;
    }
    return state;
}

static struct sns_topic *topic_state(struct publisher *publisher, struct topic *topic, struct error *error) {
    if (topic->sink_state != NULL) {
        return topic->sink_state;
    }
    struct sns_topic *shared = find_state(publisher, topic->arn);
    if (shared != NULL) {
        shared->users++;
        topic->sink_state = shared;
        return shared;
    }
    struct aws_endpoint endpoint;
    if (!aws_endpoint_resolve(&endpoint, publisher->settings, publisher->config, "sns", topic->parts.region,
                              error)) {
        return NULL;
    }
    struct sns_topic *state = memory_allocate(1, sizeof *state);
    state->publisher = publisher;
    state->topic = topic;
    state->users = 1;
    state->endpoint = endpoint;
    state->groups = topic->parts.is_fifo ? groups_new() : NULL;
    breaker_init(&state->breaker, publisher->settings->retry_base, publisher->settings->retry_max);
    limiter_init(&state->limiter, 0, clock_monotonic_us());
    figures_topic(state);
    state->next = publisher->topics;
    publisher->topics = state;
    topic->sink_state = state;
    return state;
}

void sns_publisher_free_topic(void *sink_state) {
    struct sns_topic *topic = sink_state;
    if (topic != NULL && --topic->users == 0) {
        groups_free(topic->groups);
        free(topic);
    }
}

// Adds the composed message to the topic's open batch, after sealing that if it has no room.
static void pack(struct publisher *publisher, struct sns_topic *topic, const char *group_id,
                 struct delivery delivery) {
    const struct message *message = &publisher->message;
    if (topic->open != NULL &&
        topic->open->size + message->size > (size_t)publisher->settings->max_message_bytes) {
        seal(publisher, topic);
    }
    if (topic->open == NULL) {
        topic->open = publisher_batch(publisher, topic);
    }
    struct batch *batch = topic->open;
    size_t before = batch->form.length;
    batch_add(batch, delivery, message, group_id, NULL);
    publisher->bytes += batch->form.length - before;
    if (batch->count == SNS_BATCH_MAX) {
        seal(publisher, topic);
    }
}

// Keeps the composed message until the events of its group before it are sent.
static void hold(struct publisher *publisher, struct sns_topic *topic, const char *group_id,
                 struct delivery delivery) {
    const struct message *message = &publisher->message;
    struct held *held = memory_allocate(1, sizeof *held);
    buffer_init(&held->encoded, 3 * message->size + (1 << 16));
    sns_form_add(&held->encoded, 0, message, group_id, message->event_id);
    held->entry = (struct batch_entry){.delivery = delivery, .size = message->size};
    publisher->bytes += held->encoded.length;
    if (groups_hold(topic->groups, group_id, held)) {
        send_activate(topic);
    } else {
        let_go_held(topic, held);
    }
}

// A half-open breaker lets through as many as its probe can take.
static bool holds_back(const struct breaker *breaker, const struct sns_topic *topic) {
    if (breaker_is_closed(breaker)) {
        return false; // as nearly always: then the time need not be asked for
    }
    enum breaker_state state = breaker_state(breaker, clock_monotonic_us());
    return state != BREAKER_HALF_OPEN || topic->events >= PROBE_EVENTS;
}

// Why the topic takes no event now; NULL when it does.
static const char *reason_to_wait(const struct publisher *publisher, const struct sns_topic *topic,
                                  const void *claim) {
    if (topic->topic->paused) {
        return TOPIC_PAUSED;
    }
    if (topic->late > 0) {
        return TOPIC_LATE;
    }
    if (holds_back(&publisher->breaker, topic)) {
        return publisher->breaker.reason;
    }
    if (holds_back(&topic->breaker, topic)) {
        return topic->breaker.reason;
    }
    return topic->shut == claim && !topic->shut_for_pace ? "waits for an earlier event of its topic" : NULL;
}

static void settle_offered(struct publisher *publisher, struct delivery delivery,
                           const struct outcome *outcome) {
    publisher->listener.settled(publisher->listener.context, delivery, outcome);
}

// What follows an event of a FIFO topic that will not be sent must not be sent either, for now.
static void refuse_later(struct sns_topic *topic, const struct outbox_event *event, const void *claim) {
    char group_id[SNS_GROUP_ID_MAX + 1];
    if (topic->groups != NULL) {
        sns_group_id(event->aggregate_id, group_id);
        groups_refuse(topic->groups, group_id, claim);
    }
}

static void take_in(struct publisher *publisher, struct sns_topic *topic, bool message_group,
                    const struct outbox_event *event, struct delivery delivery) {
    char group_id[SNS_GROUP_ID_MAX + 1];
    bool grouped = topic->groups != NULL || message_group;
    if (grouped) {
        sns_group_id(event->aggregate_id, group_id);
    }
    topic->events++;
    publisher->events++;
    if (topic->groups != NULL) {
        hold(publisher, topic, group_id, delivery);
    } else {
        pack(publisher, topic, grouped ? group_id : NULL, delivery);
    }
}

// What follows an event of a FIFO topic that is not taken must not overtake it.
static void turn_away(struct publisher *publisher, struct sns_topic *topic, struct delivery delivery,
                      const struct outcome *outcome) {
    topic->shut = topic->groups != NULL ? delivery.claim : NULL;
    topic->shut_for_pace = outcome->kind == OUTCOME_RETRY;
    settle_offered(publisher, delivery, outcome);
}

static void offer(void *self, const struct outbox_event *event, struct topic *topic,
                  struct delivery delivery) {
    struct publisher *publisher = self;
    const struct settings *settings = publisher->settings;
    struct error error = {0};
    struct outcome outcome = {.kind = OUTCOME_WAIT, .reason = error.text};
    struct sns_topic *state = topic_state(publisher, topic, &error);
    if (state == NULL) {
        settle_offered(publisher, delivery, &outcome);
        return;
    }
    outcome.reason = reason_to_wait(publisher, state, delivery.claim);
    if (outcome.reason == NULL && (room_has_too_many(state) || state->shut == delivery.claim)) {
        outcome = room_put_off(state);
    }
    if (outcome.reason != NULL) {
        turn_away(publisher, state, delivery, &outcome);
        return;
    }
    message_compose(&publisher->message, topic->format, settings->source, event);
    if (publisher->message.size > (size_t)settings->max_message_bytes) {
        error_set(
            &error, ERROR_PUBLISH,
            "the message has %zu bytes with its attributes, allowed are %lld (OUTBOX_MAX_MESSAGE_BYTES)",
            publisher->message.size, (long long)settings->max_message_bytes);
        outcome = (struct outcome){.kind = OUTCOME_PARK, .reason = error.text};
        refuse_later(state, event, delivery.claim);
        settle_offered(publisher, delivery, &outcome);
        return;
    }
    take_in(publisher, state, topic->message_group, event, delivery);
}

static void flush(void *self, const void *claim) {
    struct publisher *publisher = self;
    for (struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        topic->shut = topic->shut == claim ? NULL : topic->shut;
        if (topic->open != NULL) {
            seal(publisher, topic);
        }
        if (topic->groups != NULL) {
            groups_offered(topic->groups, claim);
        }
    }
    send_waiting(publisher);
}

static bool full(void *self) {
    struct publisher *publisher = self;
    if (publisher->bytes >= BYTES_FULL && !publisher->was_full) {
        publisher->was_full = true;
        for (struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
            if (topic->open != NULL) {
                seal(publisher, topic);
            }
        }
        send_waiting(publisher);
    }
    return publisher->was_full;
}

static void drop(void *self, const void *claim) {
    struct publisher *publisher = self;
    for (struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        settle_not_under_way(topic, claim, &let_go);
        if (claim == NULL) {
            topic->shut = NULL; // the claims are gone
        }
    }
    room_check(publisher);
}

// What goes on has its own time-out.
static void leave_batch(struct publisher *publisher, struct batch *batch, const void *claim, int64_t now) {
    int64_t ends_in_us = batch->sent_at + publisher->settings->request_timeout + LATE_MARGIN_US - now;
    ends_in_us = ends_in_us > 0 ? ends_in_us : 0;
    for (int index = 0; index < batch->count; index++) {
        struct batch_entry *entry = &batch->entries[index];
        if (entry->delivery.claim == claim) {
            entry->delivery = publisher->listener.left(publisher->listener.context, entry->delivery,
                                                       reason_late, ends_in_us);
            entry->late = true;
            batch->topic->late++;
        }
    }
}

static void leave(void *self, const void *claim) {
    struct publisher *publisher = self;
    int64_t now = clock_monotonic_us();
    for (struct batch *batch = publisher->made_last; batch != NULL; batch = batch->made_before) {
        if (batch->sent_at > 0) {
            leave_batch(publisher, batch, claim, now);
        }
    }
}

static bool is_late(void *self, const char *topic_arn) {
    const struct sns_topic *state = find_state(self, topic_arn);
    return state != NULL && state->late > 0;
}

static bool is_closed_enough(enum breaker_state state) {
    return state == BREAKER_CLOSED || state == BREAKER_HALF_OPEN;
}

static bool admits(void *self, struct topic *topic) {
    struct publisher *publisher = self;
    const struct sns_topic *state = topic->sink_state;
    int64_t now = clock_monotonic_us();
    return !topic->paused && is_closed_enough(breaker_state(&publisher->breaker, now)) &&
           (state == NULL || (state->late == 0 && is_closed_enough(breaker_state(&state->breaker, now))));
}

void publisher_renew(struct publisher *publisher) {
    const struct settings *settings = publisher->settings;
    if (publisher->generation == settings->generation) {
        return;
    }
    publisher->generation = settings->generation;
    limiter_limit(&publisher->limiter, settings->rate_limit);
    breaker_limit(&publisher->breaker, settings->retry_base, settings->retry_max);
    for (struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        breaker_limit(&topic->breaker, settings->retry_base, settings->retry_max);
    }
}

static void trim(void *self) {
    struct publisher *publisher = self;
    for (struct batch *batch = publisher->spare; batch != NULL; batch = batch->next) {
        batch_trim(batch);
    }
    http_client_trim(publisher->http);
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    send_waiting(context);
}

static void free_batches(struct publisher *publisher) {
    while (publisher->made_last != NULL) {
        struct batch *batch = publisher->made_last;
        publisher->made_last = batch->made_before;
        batch_free(batch);
    }
}

static void free_publisher(void *self) {
    struct publisher *publisher = self;
    http_client_free(publisher->http);
    free_batches(publisher);
    if (publisher->timer != NULL) {
        event_free(publisher->timer);
        event_free(publisher->probe_timer);
    }
    sns_answer_parser_free(publisher->parser);
    sigv4_signer_free(publisher->signer);
    credentials_free(publisher->credentials);
    message_free(&publisher->message);
    aws_config_free(publisher->config);
    free(publisher);
}

// The settings that every topic shares are checked at the start, not at the first event.
static bool check_settings(const struct settings *settings, const struct aws_config *config,
                           struct error *error) {
    struct aws_endpoint endpoint;
    struct aws_topic_arn arn;
    char region[AWS_REGION_SIZE];
    char prefixed[AWS_TOPIC_ARN_SIZE];
    const char *known = settings->topic_arn[0] != '\0' ? settings->topic_arn : settings->topic_arn_prefix;
    bool has_region = known[0] != '\0' || aws_config_text(config, settings->aws_region, "region")[0] != '\0';
    return (settings->topic_arn[0] == '\0' || aws_topic_arn_parse(&arn, settings->topic_arn, error)) &&
           (settings->topic_arn_prefix[0] == '\0' ||
            aws_topic_arn_from_prefix(settings->topic_arn_prefix, "event.type", prefixed, sizeof prefixed,
                                      error)) &&
           (!has_region || (aws_region_resolve(region, settings, config, known, error) &&
                            aws_endpoint_resolve(&endpoint, settings, config, "sns", region, error)));
}

static struct http_client *new_http_client(struct event_base *base, const struct settings *settings,
                                           const struct aws_config *config, struct error *error) {
    const struct http_options options = {.ca_bundle =
                                             aws_config_text(config, settings->aws_ca_bundle, "ca_bundle"),
                                         .timeout_us = settings->request_timeout,
                                         .connections = (int)settings->max_in_flight};
    return http_client_new(base, &options, error);
}

bool sns_publisher_new(struct sink *ret, struct event_base *base, const struct settings *settings,
                       const struct sink_listener *listener, struct error *error) {
    struct publisher *publisher = memory_allocate(1, sizeof *publisher);
    publisher->listener = *listener;
    publisher->settings = settings;
    publisher->generation = settings->generation;
    publisher->timer = evtimer_new(base, on_timer, publisher);
    probe_init(publisher, base);
    breaker_init(&publisher->breaker, settings->retry_base, settings->retry_max);
    limiter_init(&publisher->limiter, settings->rate_limit, clock_monotonic_us());
    retry_quota_init(&publisher->quota);
    message_init(&publisher->message);
    bool ready = (publisher->config = aws_config_load(settings, error)) != NULL &&
                 check_settings(settings, publisher->config, error) &&
                 identity_init(publisher, base, error) &&
                 (publisher->signer = sigv4_signer_create(error)) != NULL &&
                 (publisher->parser = sns_answer_parser_create(error)) != NULL &&
                 (publisher->http = new_http_client(base, settings, publisher->config, error)) != NULL;
    if (!ready) {
        free_publisher(publisher);
        return false;
    }
    *ret = (struct sink){.self = publisher,
                         .needs_topic = true,
                         .full = full,
                         .room = room_for,
                         .offer = offer,
                         .flush = flush,
                         .drop = drop,
                         .leave = leave,
                         .is_late = is_late,
                         .resting_us = room_resting_us,
                         .admits = admits,
                         .health = publisher_health,
                         .trim = trim,
                         .free = free_publisher};
    return true;
}
