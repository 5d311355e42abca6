// SPDX-License-Identifier: Apache-2.0
// outbox-relay prune: deletes what is old, step by step, each in a transaction of its own.
#include "base/clock.h"
#include "commands/command.h"
#include "migrate/migrate.h"
#include "migrate/query.h"
#include "outbox/locks.h"
#include "settings/arguments.h"
#include "upkeep/steps.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SQL_SIZE = 512 };

struct pruning {
    PGconn *connection;
    int64_t older_than;
    bool inbox;
    bool force;
    int most;      // rows of the next step
    int64_t after; // where it begins
    int64_t total;
    bool finished;
};

static volatile sig_atomic_t is_told_to_stop;

static void on_signal(int number) {
    (void)number;
    is_told_to_stop = 1;
}

// What is under way is finished: libpq goes on waiting for its answer.
static void watch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

// A relay that prunes at this moment is waited for; outbox.prune_step by itself would leave it to the relay.
static void write_outbox_step(const struct pruning *pruning, char sql[SQL_SIZE]) {
    snprintf(sql, SQL_SIZE,
             "SELECT pg_catalog.pg_advisory_xact_lock(" PRUNE_LOCK ");"
             " SELECT pruned, finished, last_id FROM outbox.prune_step('%" PRId64 " microseconds', %" PRId64
             ", %d)",
             pruning->older_than, pruning->after, pruning->most);
}

static void write_inbox_step(const struct pruning *pruning, char sql[SQL_SIZE]) {
    snprintf(sql, SQL_SIZE,
             "SELECT pruned, pruned OPERATOR(pg_catalog.<) %d, 0 FROM inbox.prune('%" PRId64
             " microseconds', %d, %s) AS pruned",
             pruning->most, pruning->older_than, pruning->most, pruning->force ? "true" : "false");
}

static bool take_step(struct pruning *pruning, struct error *error) {
    char sql[SQL_SIZE];
    if (pruning->inbox) {
        write_inbox_step(pruning, sql);
    } else {
        write_outbox_step(pruning, sql);
    }
    PGresult *result = query_run(pruning->connection, sql, "pruning", error);
    if (result == NULL) {
        return false;
    }
    pruning->total += strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    pruning->finished = strcmp(PQgetvalue(result, 0, 1), "t") == 0;
    pruning->after = strtoll(PQgetvalue(result, 0, 2), NULL, 10);
    PQclear(result);
    return true;
}

// As long as the step took: at most half of the time of one of the server's processes.
static void rest(int64_t took_us) {
    const struct timespec wait = {.tv_sec = took_us / 1000000, .tv_nsec = took_us % 1000000 * 1000};
    (void)nanosleep(&wait, NULL);
}

static bool take_steps(struct pruning *pruning, struct error *error) {
    while (!pruning->finished && is_told_to_stop == 0) {
        int64_t began_at = clock_monotonic_us();
        if (!take_step(pruning, error)) {
            return pruning->total > 0
                       ? error_prefix(error, "%" PRId64 " events are deleted, then", pruning->total)
                       : false;
        }
        int64_t took = clock_monotonic_us() - began_at;
        pruning->most = steps_next(pruning->most, took);
        if (!pruning->finished && is_told_to_stop == 0) {
            rest(took);
        }
    }
    return true;
}

// Looks at the first events above the floor, among which those are that were sent first: there can be
// millions.
static bool keeps_older(const struct pruning *pruning, bool *ret, struct error *error) {
    char sql[SQL_SIZE];
    snprintf(sql, SQL_SIZE,
             "SELECT EXISTS (SELECT FROM (SELECT e.sent_at FROM outbox.event AS e WHERE e.id"
             " OPERATOR(pg_catalog.>) (SELECT s.floor FROM outbox.state AS s) ORDER BY e.id LIMIT 1000) AS o"
             " WHERE o.sent_at OPERATOR(pg_catalog.<) (pg_catalog.clock_timestamp()"
             " OPERATOR(pg_catalog.-) '%" PRId64 " microseconds'::pg_catalog.interval))",
             pruning->older_than);
    PGresult *result = query_run(pruning->connection, sql, "looking above the floor", error);
    if (result != NULL) {
        *ret = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    }
    PQclear(result);
    return result != NULL;
}

// Older events may be there all the same: above the floor, and the newest one.
static bool print_nothing(const struct pruning *pruning, struct error *error) {
    bool keeps = false;
    if (pruning->inbox) {
        (void)puts("no processed event is older than that");
        return true;
    }
    if (!keeps_older(pruning, &keeps, error)) {
        return false;
    }
    (void)printf("no event is deleted%s\n",
                 keeps ? "; older sent ones above the floor are kept (see outbox.blockers)" : "");
    return true;
}

static bool print(const struct pruning *pruning, struct error *error) {
    const char *kind = pruning->inbox ? "processed" : "sent";
    if (pruning->total == 0 && pruning->finished) {
        return print_nothing(pruning, error);
    }
    (void)printf("%" PRId64 " %s event%s deleted%s\n", pruning->total, kind,
                 pruning->total == 1 ? " is" : "s are",
                 pruning->finished ? "" : ", then stopped by a signal: call it again for the rest");
    return true;
}

static bool prune(const struct settings *settings, struct pruning *pruning, struct error *error) {
    pruning->connection = query_connect(settings->database_url, "outbox-relay prune", error);
    bool done =
        pruning->connection != NULL &&
        migrate_require(pruning->connection, pruning->inbox ? &schema_inbox : &schema_outbox, error) &&
        take_steps(pruning, error) && print(pruning, error);
    PQfinish(pruning->connection);
    return done;
}

bool command_prune(const struct settings *settings, const char *const *operands, int operand_count,
                   struct error *error) {
    struct pruning pruning = {.older_than = settings->older_than,
                              .inbox = settings->inbox != 0,
                              .force = operand_count > 0,
                              .most = STEPS_FIRST};
    if (settings->older_than == SETTING_UNSET) {
        return error_set(error, ERROR_USAGE,
                         "prune needs --older-than, as in --older-than %s; see outbox-relay help prune",
                         pruning.inbox ? "30d" : "7d");
    }
    if (pruning.force && strcmp(operands[0], "force") != 0) {
        return error_set(error, ERROR_USAGE, "unexpected argument %.64s; see outbox-relay help prune",
                         arguments_shown(operands[0]));
    }
    if (pruning.force && !pruning.inbox) {
        return error_set(error, ERROR_USAGE, "force is for --inbox: no sent event is needed again");
    }
    watch_signals();
    return prune(settings, &pruning, error);
}
