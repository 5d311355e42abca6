// SPDX-License-Identifier: Apache-2.0
// Which topics there are to look at: those of the routes in the database, that of the settings, and, where a
// prefix is set, those of the event types that were used last. The database is read before the event loop
// runs, by one connection with time-outs of its own.
#include "base/memory.h"
#include "check/state.h"
#include "migrate/migrate.h"
#include "migrate/query.h"
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

// What an event type leads to besides the routes shows with those in use.
static void add_types(struct check *check, struct subject *subject, struct routes *routes,
                      const PGresult *result) {
    char because[BECAUSE_SIZE];
    for (int row = 0; row < PQntuples(result); row++) {
        const char *type = PQgetvalue(result, row, 0);
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

static PGresult *query(PGconn *connection, const char *sql, struct error *error) {
    return query_run(connection, sql, "reading the routes", error);
}

static bool read_database(struct check *check, struct subject *subject, struct error *error) {
    PGconn *connection = query_connect(check->settings->database_url, error);
    PGresult *rows = NULL, *types = NULL, *paused = NULL;
    bool read =
        connection != NULL && migrate_require(connection, &schema_outbox, error) &&
        query_do(connection, "SET statement_timeout = '10s'", "reading the routes", error) &&
        (rows = query(connection, "SELECT pattern, topic_arn FROM outbox.topic_route ORDER BY pattern",
                      error)) != NULL &&
        (types = query(connection,
                       "SELECT DISTINCT event_type FROM (SELECT event_type FROM outbox.event ORDER BY "
                       "id DESC LIMIT " TYPES_MAX ") AS newest ORDER BY event_type",
                       error)) != NULL &&
        (paused = query(connection, "SELECT topic_arn FROM outbox.paused_topic", error)) != NULL;
    if (read) {
        struct routes *routes = routes_new(check->settings);
        add_routes(check, subject, routes, rows);
        add_types(check, subject, routes, types);
        note_paused(check, paused);
        routes_free(routes, NULL);
    }
    PQclear(rows);
    PQclear(types);
    PQclear(paused);
    PQfinish(connection);
    return read;
}

void targets_read(struct check *check, struct subject *subject) {
    const struct settings *settings = check->settings;
    struct error error = {0};
    if (settings->topic_arn[0] != '\0') {
        add(check, subject, settings->topic_arn, "OUTBOX_TOPIC_ARN");
    }
    if (!read_database(check, subject, &error)) {
        struct finding *finding = finding_add(subject, FINDING_ERROR, "routes.unknown",
                                              "the routes are not known, only what the settings name is "
                                              "looked at: %s",
                                              error.text);
        finding_remedy(finding,
                       "see DATABASE_URL in outbox-relay help check; outbox-relay migrate up makes the "
                       "schema");
    }
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
