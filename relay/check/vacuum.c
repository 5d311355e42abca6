// SPDX-License-Identifier: Apache-2.0
// Whether marks are HOT, dead rows are cleared away, and transaction ids are far from their end.
#include "check/look.h"
#include "check/rows.h"

#include <stdio.h>

enum {
    UPDATES_ENOUGH = 1000,      // to tell a share from
    DEAD_ENOUGH = 10000,        // rows
    DAY_SECONDS = 86400,        //
    AGE_DANGEROUS = 1000000000, // of 2^31; PostgreSQL itself warns 40 million before the end
};

#define HOT_ENOUGH 0.95

const char vacuum_sql[] =
    "SELECT s.n_tup_upd AS updates, s.n_tup_hot_upd AS hot, s.n_live_tup AS live, s.n_dead_tup AS dead,"
    " floor(extract(epoch FROM now() - greatest(s.last_vacuum, s.last_autovacuum)))::bigint AS seconds,"
    " s.last_vacuum IS NULL AND s.last_autovacuum IS NULL AS never,"
    " age(c.relfrozenxid) AS age, current_setting('autovacuum_freeze_max_age') AS freeze,"
    " mxid_age(c.relminmxid) AS multixact_age,"
    " current_setting('autovacuum_multixact_freeze_max_age') AS multixact_freeze,"
    " age(d.datfrozenxid) AS database_age"
    " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'outbox'"
    " LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid"
    " LEFT JOIN pg_database AS d ON d.datname = current_database()"
    " WHERE c.relname = 'event'";

static void judge_hot(struct subject *subject, const PGresult *rows) {
    double updates = row_number(rows, 0, "updates");
    double ratio = updates > 0 ? row_number(rows, 0, "hot") / updates : 1;
    if (updates < UPDATES_ENOUGH) {
        return;
    }
    if (ratio >= HOT_ENOUGH) {
        finding_add(subject, FINDING_OK, "vacuum.hot", "%.1f %% of %.0f marks were HOT", ratio * 100,
                    updates);
        return;
    }
    finding_remedy(finding_add(subject, FINDING_WARNING, "vacuum.hot",
                               "only %.1f %% of %.0f marks were HOT: the others wrote all indexes anew",
                               ratio * 100, updates),
                   "-- first what else is found about indexes, fillfactor, and transactions that hold the "
                   "vacuum back; then\n"
                   "-- room for marks, and the count from now on:\n"
                   "ALTER TABLE outbox.event SET (fillfactor = 40);\n"
                   "VACUUM outbox.event;\n"
                   "SELECT pg_stat_reset_single_table_counters('outbox.event'::regclass);");
}

static void judge_dead(struct subject *subject, const PGresult *rows) {
    double dead = row_number(rows, 0, "dead");
    bool many = dead > DEAD_ENOUGH && dead > row_number(rows, 0, "live") / 2;
    bool never = row_true(rows, 0, "never");
    if (many && (never || row_int(rows, 0, "seconds") > DAY_SECONDS)) {
        char when[64] = "never";
        if (!never) {
            snprintf(when, sizeof when, "%lld hours ago", (long long)row_int(rows, 0, "seconds") / 3600);
        }
        finding_remedy(finding_add(subject, FINDING_WARNING, "vacuum.dead",
                                   "%.0f rows are dead beside %.0f live ones; last vacuum: %s", dead,
                                   row_number(rows, 0, "live"), when),
                       "VACUUM outbox.event;");
    }
}

// Autovacuum begins at the limit by itself, so an age well beyond it says that it cannot.
static void judge_age(struct subject *subject, const PGresult *rows) {
    double age = row_number(rows, 0, "age"), freeze = row_number(rows, 0, "freeze");
    double multixact_age = row_number(rows, 0, "multixact_age");
    double multixact_freeze = row_number(rows, 0, "multixact_freeze");
    if (age > freeze * 1.1 || multixact_age > multixact_freeze * 1.1) {
        finding_remedy(
            finding_add(subject, FINDING_WARNING, "vacuum.wraparound",
                        "autovacuum should have frozen outbox.event long ago: its oldest transaction is %.0f "
                        "transactions old, its oldest multixact %.0f (limits %.0f and %.0f)",
                        age, multixact_age, freeze, multixact_freeze),
            "VACUUM (FREEZE) outbox.event;");
    }
    if (row_number(rows, 0, "database_age") > AGE_DANGEROUS) {
        finding_remedy(
            finding_add(subject, FINDING_WARNING, "vacuum.database",
                        "the database's oldest transaction is %.0f transactions old: at 2 billion PostgreSQL "
                        "takes no more writes",
                        row_number(rows, 0, "database_age")),
            "VACUUM (FREEZE);");
    }
}

void vacuum_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    (void)context;
    judge_hot(subject, rows);
    judge_dead(subject, rows);
    judge_age(subject, rows);
}
