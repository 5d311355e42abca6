// SPDX-License-Identifier: Apache-2.0
// How the relay's transactions begin, and what they set. A role or a database may have settings of its own,
// meant for people and other programs, that would stop the relay or mislead it. They are set for the
// transaction only, since behind a pooler the session is somebody else's; where there is none, claims and the
// session set them once (SESSION_SETTINGS). (Not so default_transaction_read_only: whoever has it on, a full
// disk say, wants no writes.)
#pragma once

#define TRANSACTION_BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED"
#define TRANSACTION_BEGIN_READING "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"

// RELAY_SETTINGS is a list of columns; `local` is "true" or "false". A search path that somebody else can
// write to decides which operators a statement means, so it is set first, by a call that needs none. A
// policy may not hide events: with row_security off it makes an error. There are no limits on what takes
// long because the sink does, but those that the caller sets (transaction_timeout: PostgreSQL 17).
#define RELAY_SETTINGS(local)                                                                                \
    "pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', " local "),"                                \
    " pg_catalog.set_config('row_security', 'off', " local "),"                                              \
    " pg_catalog.set_config('statement_timeout', '0', " local "),"                                           \
    " pg_catalog.set_config('lock_timeout', '0', " local "),"                                                \
    " CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL"                         \
    " THEN pg_catalog.set_config('transaction_timeout', '0', " local ") END"

#define TRANSACTION_SETTINGS "SELECT " RELAY_SETTINGS("true")

// PLAN_SETTINGS, a list of columns as well: the plan must not depend on statistics, which on a queue are
// always out of date. Only index scans in order are left, and such as go to a row's place; of them those that
// read the fewest entries of an index are chosen, as if nothing else cost anything: to walk over a table of a
// few rows would be cheap, but is no plan for later.
#define PLAN_SETTINGS(local)                                                                                 \
    "pg_catalog.set_config('enable_seqscan', 'off', " local "),"                                             \
    " pg_catalog.set_config('enable_bitmapscan', 'off', " local "),"                                         \
    " pg_catalog.set_config('enable_hashjoin', 'off', " local "),"                                           \
    " pg_catalog.set_config('enable_mergejoin', 'off', " local "),"                                          \
    " pg_catalog.set_config('cpu_index_tuple_cost', '1', " local "),"                                        \
    " pg_catalog.set_config('random_page_cost', '0', " local "),"                                            \
    " pg_catalog.set_config('max_parallel_workers_per_gather', '0', " local "),"                             \
    " pg_catalog.set_config('jit', 'off', " local ")"

// SESSION_SETTINGS set all of that for the session, whose prepared statements have one plan each.
#define SESSION_SETTINGS                                                                                     \
    "SELECT " RELAY_SETTINGS("false") ", " PLAN_SETTINGS(                                                    \
        "false") ", pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false),"                  \
                 " pg_catalog.set_config('idle_session_timeout', '0', false),"                               \
                 " pg_catalog.set_config('default_transaction_isolation', 'read committed', false)"

// WATCH_WAITS is a column: the server looks whether we are still there also while a statement waits. (It can
// do that since PostgreSQL 14, on Linux.)
#define WATCH_WAITS(interval_ms, local)                                                                      \
    "CASE WHEN pg_catalog.version() OPERATOR(pg_catalog.~~) '%linux%'"                                       \
    " THEN pg_catalog.set_config('client_connection_check_interval', '" interval_ms "', " local ") END"

// WATCH_SETTINGS have the server do that, and look as well while nothing is asked: it keeps what is locked
// for a relay that is gone without a word. What it sends may stay unread for as many milliseconds as $1 says.
#define WATCH_SETTINGS                                                                                       \
    "SELECT pg_catalog.set_config('tcp_user_timeout', $1, false),"                                           \
    " pg_catalog.set_config('tcp_keepalives_idle', '10', false),"                                            \
    " pg_catalog.set_config('tcp_keepalives_interval', '5', false),"                                         \
    " pg_catalog.set_config('tcp_keepalives_count', '3', false),"                                            \
    " " WATCH_WAITS("10000", "false")
