// SPDX-License-Identifier: Apache-2.0
// Which topics there are to look at: those of the routes in the database, that of the settings, and, where a
// prefix is set, those of the event types that were used last. The database is read before the event loop
// runs.
#include "base/memory.h"
#include "check/state.h"
#include "route/routes.h"

#include <stdio.h>
#include <stdlib.h>

enum { TARGETS_MAX = 500, BECAUSE_SIZE = 512 };

#define TYPES_MAX "1000" // of the newest events

static struct target *find(const struct check *check, const char *arn) {
    struct target *target = check->targets;
    while (target != NULL && strcmp(target->arn, arn) != 0) {
        target = target->next;
    }
    return target;
}

static size_t count(const struct check *check) {
    size_t number = 0;
    for (const struct target *target = check->targets; target != NULL; target = target->next) {
        number++;
    }
    return number;
}

static void append(struct check *check, struct target *target) {
    struct target **link = &check->targets;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = target;
}

// A topic that is named twice is looked at once.
static void add(struct check *check, struct subject *subject, const char *arn, const char *because) {
    struct aws_topic_arn parts;
    struct error error = {0};
    if (!aws_topic_arn_parse(&parts, arn, &error)) {
        struct finding *finding =
            finding_add(subject, FINDING_ERROR, "route.arn", "%s: %s", because, error.text);
        finding_remedy(finding, "set the right one: OUTBOX_TOPIC_ARN, or select outbox.route(PATTERN, ARN)");
        return;
    }
    struct target *known = find(check, arn);
    char both[BECAUSE_SIZE];
    snprintf(both, sizeof both, "%s%s%s", known != NULL ? known->because : "", known != NULL ? ", " : "",
             because);
    if (known != NULL) {
        free(known->because);
        known->because = memory_copy_text(both);
    } else if (count(check) < TARGETS_MAX) {
        struct target *target = memory_allocate(1, sizeof *target);
        *target =
            (struct target){.arn = memory_copy_text(arn), .parts = parts, .because = memory_copy_text(both)};
        append(check, target);
    }
}

static void add_routes(struct check *check, struct subject *subject, struct routes *routes,
                       const PGresult *result) {
    char because[BECAUSE_SIZE];
    routes_begin(routes);
    for (int row = 0; row < PQntuples(result); row++) {
        const char *pattern = PQgetvalue(result, row, 0);
        const char *arn = PQgetvalue(result, row, 1);
        snprintf(because, sizeof because, "route %s", pattern);
        add(check, subject, arn, because);
        (void)routes_add(routes, pattern, arn, NULL, false, NULL);
    }
    routes_finish(routes);
    finding_add(subject, FINDING_OK, "routes", "%d route%s in the database", PQntuples(result),
                PQntuples(result) == 1 ? "" : "s");
}

static bool has_type(const PGresult *types, const char *type) {
    for (int row = 0; row < PQntuples(types); row++) {
        if (strcmp(PQgetvalue(types, row, 0), type) == 0) {
            return true;
        }
    }
    return false;
}

// What an event type leads to besides the routes shows with those in use. `known` were looked at before.
static void add_types(struct check *check, struct subject *subject, struct routes *routes,
                      const PGresult *result, const PGresult *known) {
    char because[BECAUSE_SIZE];
    for (int row = 0; row < PQntuples(result); row++) {
        const char *type = PQgetvalue(result, row, 0);
        if (has_type(known, type)) {
            continue;
        }
        const char *reason = NULL;
        const struct topic *topic = routes_topic(routes, slice_of_text(type), &reason);
        if (topic == NULL) {
            struct finding *finding =
                finding_add(subject, FINDING_ERROR, "route.none", "events of type %s: %s", type, reason);
            finding_remedy(finding, "select outbox.route('%s', 'arn:aws:sns:REGION:ACCOUNT:TOPIC')",
                           finding_pasteable(type, "PATTERN"));
        } else if (find(check, topic->arn) == NULL) {
            snprintf(because, sizeof because, "OUTBOX_TOPIC_ARN_PREFIX and event type %s", type);
            add(check, subject, topic->arn, because);
        }
    }
}

static void note_paused(struct check *check, const PGresult *result) {
    for (int row = 0; row < PQntuples(result); row++) {
        struct target *target = find(check, PQgetvalue(result, row, 0));
        if (target != NULL) {
            target->paused = true;
        }
    }
}

static const char types_sql[] = "SELECT DISTINCT e.event_type FROM (SELECT event_type FROM outbox.event"
                                " ORDER BY id DESC LIMIT " TYPES_MAX ") AS e ORDER BY e.event_type";
// Those that wait may be older than the newest events.
static const char waiting_types_sql[] = "SELECT b.event_type FROM outbox.backlog() AS b"
                                        " WHERE b.pending + b.retrying + b.waiting + b.scheduled > 0"
                                        " ORDER BY b.event_type";

static bool read_routes(struct check *check, struct subject *subject, PGconn *connection,
                        struct error *error) {
    static const char what[] = "reading the routes";
    PGresult *types = NULL, *paused = NULL;
    PGresult *rows = database_ask(
        connection, "SELECT pattern, topic_arn FROM outbox.topic_route ORDER BY pattern", what, error);
    bool read =
        rows != NULL && (types = database_ask(connection, types_sql, what, error)) != NULL &&
        (paused = database_ask(connection, "SELECT topic_arn FROM outbox.paused_topic", what, error)) != NULL;
    if (read) {
        struct error unknown = {0};
        PGresult *waiting = database_ask(connection, waiting_types_sql, what, &unknown);
        struct routes *routes = routes_new(check->settings);
        add_routes(check, subject, routes, rows);
        add_types(check, subject, routes, types, NULL);
        add_types(check, subject, routes, waiting, types);
        note_paused(check, paused);
        routes_free(routes, NULL);
        PQclear(waiting);
    }
    PQclear(rows);
    PQclear(types);
    PQclear(paused);
    return read;
}

static void read_database(struct check *check, struct subject *subject, const struct database *database) {
    struct error error = {0};
    if (!database->usable) {
        error_set(&error, ERROR_DATABASE, "see above");
    }
    if (!database->usable || !read_routes(check, subject, database->connection, &error)) {
        finding_add(subject, FINDING_NOTE, "routes.unknown",
                    "the routes are not known, only what the settings name is looked at: %s", error.text);
    }
}

void targets_read(struct check *check, struct subject *subject, const struct database *database) {
    const struct settings *settings = check->settings;
    if (settings->topic_arn[0] != '\0') {
        add(check, subject, settings->topic_arn, "OUTBOX_TOPIC_ARN");
    }
    read_database(check, subject, database);
    if (count(check) == TARGETS_MAX) {
        finding_add(subject, FINDING_NOTE, "routes.more", "only the first %d topics are looked at",
                    TARGETS_MAX);
    }
    if (check->targets == NULL) {
        struct finding *finding = finding_add(subject, FINDING_WARNING, "routes.none",
                                              "no topic is named, so there is none to look at");
        finding_remedy(finding, "set OUTBOX_TOPIC_ARN, or add a route:\n"
                                "select outbox.route('**', 'arn:aws:sns:REGION:ACCOUNT:TOPIC')");
    }
}

void targets_free(struct target *targets) {
    while (targets != NULL) {
        struct target *target = targets;
        targets = target->next;
        free(target->arn);
        free(target->because);
        free(target);
    }
}
