// SPDX-License-Identifier: Apache-2.0
#include "handle/environment.h"

#include "base/memory.h"
#include "base/traceparent.h"
#include "settings/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// What an event brings, or another event would have brought.
static const char *const event_names[] = {"OUTBOX_EVENT_ID", "OUTBOX_EVENT_TYPE", "OUTBOX_AGGREGATE_ID",
                                          "OUTBOX_DELIVERIES", "TRACEPARENT"};

enum { EVENT_NAMES = sizeof event_names / sizeof event_names[0] };

static bool is_named(const char *entry, const char *name) {
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool is_inherited(const char *entry) {
    for (size_t index = 0; index < EVENT_NAMES; index++) {
        if (is_named(entry, event_names[index])) {
            return false;
        }
    }
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (options[index].secret && is_named(entry, options[index].variable)) {
            return false;
        }
    }
    return true;
}

static bool add(struct environment *environment, const char *name, struct slice value, struct error *error) {
    if (value.length > ENVIRONMENT_VALUE_MAX) {
        return error_set(error, ERROR_USAGE, "%s would have %zu bytes; at most %d are handed to a program",
                         name, value.length, ENVIRONMENT_VALUE_MAX);
    }
    if (value.length > 0 && memchr(value.data, '\0', value.length) != NULL) {
        return error_set(error, ERROR_USAGE, "%s would hold a zero byte, which no environment can", name);
    }
    size_t size = strlen(name) + 1 + value.length + 1;
    char *entry = memory_allocate(size, 1);
    snprintf(entry, size, "%s=%.*s", name, (int)value.length, value.length > 0 ? value.data : "");
    environment->entries[environment->owned++] = entry;
    return true;
}

static bool add_all(struct environment *environment, const struct domain_event *event, struct error *error) {
    char deliveries[16];
    snprintf(deliveries, sizeof deliveries, "%d", event->deliveries);
    return add(environment, event_names[0], slice_of_text(event->event_id), error) &&
           add(environment, event_names[1], event->event_type, error) &&
           add(environment, event_names[2], event->aggregate_id, error) &&
           (event->deliveries <= 0 || add(environment, event_names[3], slice_of_text(deliveries), error)) &&
           (!traceparent_is_valid(event->traceparent) ||
            add(environment, event_names[4], event->traceparent, error));
}

bool environment_make(struct environment *ret, const struct domain_event *event, struct error *error) {
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    *ret = (struct environment){.entries = memory_allocate(count + EVENT_NAMES + 1, sizeof(char *))};
    if (!add_all(ret, event, error)) {
        environment_free(ret);
        return false;
    }
    size_t place = (size_t)ret->owned;
    for (size_t index = 0; index < count; index++) {
        if (is_inherited(environ[index])) {
            ret->entries[place++] = environ[index];
        }
    }
    return true;
}

void environment_free(struct environment *environment) {
    for (int index = 0; index < environment->owned; index++) {
        free(environment->entries[index]);
    }
    free(environment->entries);
    *environment = (struct environment){0};
}
