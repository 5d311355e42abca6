// SPDX-License-Identifier: Apache-2.0
// The statement that lets go what waits behind ordered events that are sent, or parked and passed. Whoever
// marks such an event sends it in the same transaction, and has the ordered lock meanwhile: a turn that has
// read the event before might else make others wait for it afterwards, and nobody would let them go.
#pragma once

// FOLLOWERS_SQL lets go of the followers in these aggregates: `aggregates` is a query with one column. Some
// of each aggregate come due at a time: when these are sent they make way for the next. (What is equal to
// infinity is due_at, as they are not parked; it is written so that the index by aggregate is the only way.)
// What is locked is let go by whoever has locked it: a walk, a person. Waiting for each other would be a
// deadlock.
#define FOLLOWERS_SQL(aggregates)                                                                            \
    "UPDATE outbox.event AS e SET due_at = pg_catalog.clock_timestamp()"                                     \
    " FROM (" aggregates ") AS a(id)"                                                                        \
    " CROSS JOIN LATERAL (SELECT f.id FROM outbox.event AS f"                                                \
    " WHERE f.aggregate_id = a.id AND coalesce(f.due_at, f.parked_at) = 'infinity'"                          \
    " AND f.sent_at IS NULL AND f.parked_at IS NULL"                                                         \
    " AND f.last_error IS NOT NULL ORDER BY f.id LIMIT 100"                                                  \
    " FOR NO KEY UPDATE SKIP LOCKED) AS f"                                                                   \
    " WHERE e.id = f.id"
