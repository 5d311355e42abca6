// SPDX-License-Identifier: Apache-2.0
#include "check/installed.h"

#include "check/database.h"
#include "check/rows.h"

#include <stdio.h>
#include <string.h>

// Asked of the catalogs, as to_regclass is itself refused where the right to the schema is missing.
static bool is_hidden(PGconn *connection, const struct schema *schema) {
    char sql[256];
    struct error error = {0};
    snprintf(sql, sizeof sql,
             "SELECT NOT has_schema_privilege(n.oid, 'USAGE') AS hidden FROM pg_namespace AS n WHERE "
             "n.nspname = '%s'",
             schema->name);
    PGresult *rows = database_ask(connection, sql, "looking for the schema", &error);
    bool hidden = row_true(rows, 0, "hidden");
    PQclear(rows);
    return hidden;
}

static void judge(struct subject *subject, const struct schema *schema, enum schema_state state,
                  const char *why) {
    static const struct {
        enum finding_level level;
        const char *names[2]; // of outbox and of inbox
        const char *remedy;   // with the schema's flag behind it
    } states[] = {
        [SCHEMA_CURRENT] = {FINDING_OK, {"schema", "inbox"}, NULL},
        [SCHEMA_MISSING] = {FINDING_ERROR, {"schema.missing", "inbox.missing"}, "outbox-relay migrate up"},
        [SCHEMA_OLDER] = {FINDING_ERROR, {"schema.older", "inbox.older"}, "outbox-relay migrate up"},
        [SCHEMA_NEWER] = {FINDING_ERROR, {"schema.newer", "inbox.newer"}, NULL},
        [SCHEMA_OTHER] = {FINDING_ERROR, {"schema.other", "inbox.other"}, NULL},
        [SCHEMA_OLD_FUNCTIONS] = {FINDING_WARNING,
                                  {"schema.functions", "inbox.functions"},
                                  "outbox-relay migrate up"},
    };
    const char *name = states[state].names[schema == &schema_inbox ? 1 : 0];
    if (state == SCHEMA_CURRENT) {
        finding_add(subject, FINDING_OK, name, "is what this program needs");
        return;
    }
    struct finding *finding = finding_add(subject, states[state].level, name, "%s", why);
    if (states[state].remedy != NULL) {
        finding_remedy(finding, "%s%s", states[state].remedy, schema->flag);
    } else {
        finding_remedy(finding, "install the release of outbox-relay that the schema is of, or a newer one");
    }
}

enum installed installed_check(struct findings *findings, PGconn *connection, const struct schema *schema,
                               bool optional) {
    char about[64];
    struct error why = {0};
    struct error error = {0};
    enum schema_state state = SCHEMA_MISSING;
    if (is_hidden(connection, schema)) {
        return INSTALLED_HIDDEN;
    }
    bool known = migrate_look(connection, schema, &state, &why, &error);
    if (known && state == SCHEMA_MISSING && optional) {
        return INSTALLED_NOT;
    }
    snprintf(about, sizeof about, "Schema %s", schema->name);
    struct subject *subject = findings_subject(findings, NULL, about);
    if (!known) {
        finding_add(subject, FINDING_ERROR, schema == &schema_inbox ? "inbox.unknown" : "schema.unknown",
                    "its version is not known: %s", error.text);
        return INSTALLED_UNUSABLE;
    }
    judge(subject, schema, state, why.text);
    return state == SCHEMA_MISSING ? INSTALLED_NOT : INSTALLED;
}
