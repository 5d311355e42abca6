// SPDX-License-Identifier: Apache-2.0
// What differs from schema to schema; see schema.h.
#include "migrate/schema.h"

// What differs in its name only. All columns of the history are text, so that text and binary results are
// alike.
#define NAMED(schema)                                                                                        \
    .table = schema ".migration",                                                                            \
    .exists_query = "SELECT (pg_catalog.to_regclass('" schema ".migration') IS NOT NULL)::pg_catalog.text",  \
    .history_query = "SELECT version::pg_catalog.text, name, checksum, pg_catalog.concat("                   \
                     "pg_catalog.date_trunc('second', applied_at), ' by ', applied_by) FROM " schema         \
                     ".migration ORDER BY migration.version",                                                \
    .record = "INSERT INTO " schema ".migration (version, name, checksum) VALUES ($1::integer, $2, $3) "     \
              "ON CONFLICT (version) DO UPDATE SET name = excluded.name, checksum = excluded.checksum, "     \
              "applied_at = pg_catalog.clock_timestamp(), applied_by = current_user",                        \
    .forget = "DELETE FROM " schema ".migration WHERE version IN (0, $1::integer)"

// Locks the table first, so that no row comes in between the look and the end of the transaction.
#define LOSS_QUERY(table, condition)                                                                         \
    "LOCK TABLE " table " IN ACCESS EXCLUSIVE MODE;"                                                         \
    "SELECT pg_catalog.count(*) FROM (SELECT FROM " table condition " LIMIT " LOSS_MAX ") AS lost"

const struct schema schema_outbox = {
    .name = "outbox",
    NAMED("outbox"),
    .migrations_folder = "migrations/",
    .sql_folder = "sql/",
    .flag = "",
    .loss_query = LOSS_QUERY("outbox.event", " WHERE sent_at IS NULL"),
    .loss = "outbox.event holds events that are not sent",
    .loss_remedy = "and would be lost; let the relay send them (outbox-relay run --until-empty), or run "
                   "\"outbox-relay migrate down force\"",
};

const struct schema schema_inbox = {
    .name = "inbox",
    NAMED("inbox"),
    .migrations_folder = "migrations/inbox/",
    .sql_folder = "sql/inbox/",
    .flag = " --inbox",
    .loss_query = LOSS_QUERY("inbox.processed_event", ""),
    .loss = "inbox.processed_event remembers events that consumers have processed",
    .loss_remedy = "and would forget them, so that one that is delivered again takes effect again; when its "
                   "consumers are gone for good, run \"outbox-relay migrate down force --inbox\"",
};
