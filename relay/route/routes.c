// SPDX-License-Identifier: Apache-2.0
#include "route/routes.h"

#include "base/memory.h"
#include "route/ordered.h"
#include "route/pattern.h"

#include <stdlib.h>

// Far above what an account may have (100,000 topics, but one relay's event types are hundreds): bounds what
// hostile event types can make the relay remember.
enum { TOPICS_MAX = 10000, CACHE_SLOTS = 4096, EVENT_TYPE_MAX = 256 };

// Topic ARNs.
struct names {
    char **items;
    size_t count;
};

// The last answer for an event type; a hash picks the slot, a newcomer takes it over.
struct cached {
    char *event_type;
    struct topic *topic;
    const char *reason;
};

struct routes {
    const struct settings *settings;
    struct topic **topics;
    size_t topic_count;
    struct rules current;
    struct rules incoming;
    struct names paused;
    struct names incoming_paused;
    bool orders_all;
    char *ordered_sql; // NULL when no topic is FIFO
    struct cached cache[CACHE_SLOTS];
};

static void clear_names(struct names *names) {
    for (size_t index = 0; index < names->count; index++) {
        free(names->items[index]);
    }
    free(names->items);
    *names = (struct names){0};
}

static bool has_name(const struct names *names, const char *name) {
    bool has = false;
    for (size_t index = 0; !has && index < names->count; index++) {
        has = strcmp(names->items[index], name) == 0;
    }
    return has;
}

static bool same_names(const struct names *one, const struct names *other) {
    bool same = one->count == other->count;
    for (size_t index = 0; same && index < one->count; index++) {
        same = has_name(other, one->items[index]);
    }
    return same;
}

char *routes_ordered_sql_without(const struct routes *routes, topic_filter left_out, void *context) {
    if (routes->orders_all) {
        return memory_copy_text("true");
    }
    return ordered_sql(&routes->current, routes->settings->topic_arn, left_out, context);
}

static void renew_ordered_sql(struct routes *routes) {
    free(routes->ordered_sql);
    routes->ordered_sql = routes_ordered_sql_without(routes, NULL, NULL);
}

void routes_order_all(struct routes *routes) {
    routes->orders_all = true;
    renew_ordered_sql(routes);
}

struct routes *routes_new(const struct settings *settings) {
    struct routes *routes = memory_allocate(1, sizeof *routes);
    routes->settings = settings;
    renew_ordered_sql(routes);
    return routes;
}

static void clear_rules(struct rules *rules) {
    for (size_t index = 0; index < rules->count; index++) {
        free(rules->items[index].pattern);
    }
    free(rules->items);
    *rules = (struct rules){0};
}

static void clear_cache(struct routes *routes) {
    for (size_t slot = 0; slot < CACHE_SLOTS; slot++) {
        free(routes->cache[slot].event_type);
        routes->cache[slot] = (struct cached){0};
    }
}

void routes_free(struct routes *routes, void (*free_sink_state)(void *sink_state)) {
    if (routes == NULL) {
        return;
    }
    for (size_t index = 0; index < routes->topic_count; index++) {
        struct topic *topic = routes->topics[index];
        if (free_sink_state != NULL && topic->sink_state != NULL) {
            free_sink_state(topic->sink_state);
        }
        free(topic->arn);
        free(topic);
    }
    free(routes->topics);
    clear_rules(&routes->current);
    clear_rules(&routes->incoming);
    clear_names(&routes->paused);
    clear_names(&routes->incoming_paused);
    clear_cache(routes);
    free(routes->ordered_sql);
    free(routes);
}

static bool same_topic(const struct topic *topic, const char *arn, bool message_group,
                       enum message_format format) {
    return topic->message_group == message_group && topic->format == format && strcmp(topic->arn, arn) == 0;
}

// Returns the one topic object for these properties, made at first sight; NULL when there are too many.
static struct topic *intern_topic(struct routes *routes, const char *arn, bool message_group,
                                  enum message_format format, struct error *error) {
    for (size_t index = 0; index < routes->topic_count; index++) {
        if (same_topic(routes->topics[index], arn, message_group, format)) {
            return routes->topics[index];
        }
    }
    struct aws_topic_arn parts;
    if (!aws_topic_arn_parse(&parts, arn, error)) {
        return NULL;
    }
    if (routes->topic_count == TOPICS_MAX) {
        error_set(error, ERROR_USAGE,
                  "there are more than %d topics; use fewer routes or no OUTBOX_TOPIC_ARN_PREFIX",
                  TOPICS_MAX);
        return NULL;
    }
    struct topic *topic = memory_allocate(1, sizeof *topic);
    topic->arn = memory_copy_text(arn);
    topic->parts = parts;
    topic->message_group = message_group;
    topic->format = format;
    topic->paused = has_name(&routes->paused, arn);
    routes->topics = memory_resize(routes->topics, routes->topic_count + 1, sizeof(struct topic *));
    routes->topics[routes->topic_count++] = topic;
    return topic;
}

static bool parse_format(const struct routes *routes, const char *text, enum message_format *ret) {
    static const char *const names[] = {
        [FORMAT_DOMAIN_EVENT] = "domain-event", [FORMAT_CLOUDEVENTS] = "cloudevents", [FORMAT_DATA] = "data"};
    if (text == NULL) {
        *ret = (enum message_format)routes->settings->format;
        return true;
    }
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        if (strcmp(text, names[index]) == 0) {
            *ret = (enum message_format)index;
            return true;
        }
    }
    return false;
}

void routes_begin(struct routes *routes) {
    clear_rules(&routes->incoming);
    clear_names(&routes->incoming_paused);
}

void routes_add_paused(struct routes *routes, const char *topic_arn) {
    struct names *names = &routes->incoming_paused;
    names->items = memory_resize(names->items, names->count + 1, sizeof(char *));
    names->items[names->count++] = memory_copy_text(topic_arn);
}

bool routes_add(struct routes *routes, const char *pattern, const char *topic_arn, const char *format,
                bool message_group, struct error *error) {
    enum message_format parsed;
    if (!pattern_valid(pattern, error)) {
        return false;
    }
    if (!parse_format(routes, format, &parsed)) {
        return error_set(error, ERROR_USAGE,
                         "format \"%.40s\" is not known: use domain-event, cloudevents or data", format);
    }
    struct topic *topic = intern_topic(routes, topic_arn, message_group, parsed, error);
    if (topic == NULL) {
        return false;
    }
    struct rules *rules = &routes->incoming;
    rules->items = memory_resize(rules->items, rules->count + 1, sizeof(struct rule));
    rules->items[rules->count++] = (struct rule){memory_copy_text(pattern), topic};
    return true;
}

static bool same_rules(const struct rules *one, const struct rules *other) {
    bool same = one->count == other->count;
    for (size_t index = 0; same && index < one->count; index++) {
        same = one->items[index].topic == other->items[index].topic &&
               strcmp(one->items[index].pattern, other->items[index].pattern) == 0;
    }
    return same;
}

static bool take_over_rules(struct routes *routes) {
    bool changed = !same_rules(&routes->current, &routes->incoming);
    clear_rules(&routes->current);
    routes->current = routes->incoming;
    routes->incoming = (struct rules){0};
    if (changed) {
        clear_cache(routes);
        renew_ordered_sql(routes);
    }
    return changed;
}

static bool take_over_paused(struct routes *routes) {
    bool changed = !same_names(&routes->paused, &routes->incoming_paused);
    clear_names(&routes->paused);
    routes->paused = routes->incoming_paused;
    routes->incoming_paused = (struct names){0};
    for (size_t index = 0; index < routes->topic_count; index++) {
        routes->topics[index]->paused = has_name(&routes->paused, routes->topics[index]->arn);
    }
    return changed;
}

bool routes_finish(struct routes *routes) {
    bool rules = take_over_rules(routes);
    bool paused = take_over_paused(routes);
    return rules || paused;
}

bool routes_lead_to_one_topic(const struct routes *routes) {
    return routes->current.count == 0 && routes->settings->topic_arn[0] != '\0';
}

const char *routes_ordered_sql(const struct routes *routes) {
    return routes->ordered_sql;
}

static struct topic *match_rules(const struct routes *routes, const char *event_type) {
    const struct rule *best = NULL;
    for (size_t index = 0; index < routes->current.count; index++) {
        const struct rule *rule = &routes->current.items[index];
        if (pattern_matches(rule->pattern, event_type) &&
            (best == NULL || pattern_compare_specificity(rule->pattern, best->pattern) > 0)) {
            best = rule;
        }
    }
    return best != NULL ? best->topic : NULL;
}

static struct topic *find_topic(struct routes *routes, const char *event_type, const char **reason) {
    const struct settings *settings = routes->settings;
    enum message_format format = (enum message_format)settings->format;
    struct topic *topic = match_rules(routes, event_type);
    *reason = "no topic: no route matches this event type and OUTBOX_TOPIC_ARN is not set; add one with "
              "outbox.route()";
    if (topic == NULL && settings->topic_arn[0] != '\0') {
        topic = intern_topic(routes, settings->topic_arn, false, format, NULL);
        *reason = "no topic: OUTBOX_TOPIC_ARN cannot be used";
    } else if (topic == NULL && settings->topic_arn_prefix[0] != '\0') {
        char arn[AWS_TOPIC_ARN_SIZE];
        *reason = "no topic: OUTBOX_TOPIC_ARN_PREFIX and this event type make no valid topic ARN";
        if (aws_topic_arn_from_prefix(settings->topic_arn_prefix, event_type, arn, sizeof arn, NULL)) {
            *reason = "no topic: there are too many topics; use fewer routes or no OUTBOX_TOPIC_ARN_PREFIX";
            topic = intern_topic(routes, arn, false, format, NULL);
        }
    }
    return topic;
}

static size_t cache_slot(struct slice text) {
    uint32_t hash = 2166136261U; // FNV-1a
    for (size_t index = 0; index < text.length; index++) {
        hash = (hash ^ (unsigned char)text.data[index]) * 16777619U;
    }
    return hash % CACHE_SLOTS;
}

struct topic *routes_topic(struct routes *routes, struct slice event_type, const char **reason) {
    struct cached *cached = &routes->cache[cache_slot(event_type)];
    bool hit = cached->event_type != NULL && strlen(cached->event_type) == event_type.length &&
               memcmp(cached->event_type, event_type.data, event_type.length) == 0;
    if (!hit) {
        char text[EVENT_TYPE_MAX + 1];
        size_t length = event_type.length < EVENT_TYPE_MAX ? event_type.length : EVENT_TYPE_MAX;
        memcpy(text, event_type.data, length);
        text[length] = '\0';
        free(cached->event_type);
        cached->event_type = memory_copy_text(text);
        cached->topic = find_topic(routes, text, &cached->reason);
    }
    *reason = cached->reason;
    return cached->topic;
}
