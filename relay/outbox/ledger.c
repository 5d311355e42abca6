// SPDX-License-Identifier: Apache-2.0
#include "outbox/ledger.h"

#include "base/memory.h"
#include "outbox/followers.h"
#include "outbox/locks.h"
#include "postgres/array.h"

#include <stdlib.h>

enum { ARRAY_LIMIT = 256 << 20, MESSAGE_ID_MAX = 128 };

struct entry {
    int64_t id;
    unsigned char event_id[EVENT_ID_BYTES];
    unsigned char message_id_length;
    char message_id[MESSAGE_ID_MAX];
};

struct ledger {
    struct entry *entries;
    int count;
    int capacity;
    int sending; // the first so many are being marked
};

struct ledger *ledger_new(void) {
    return memory_allocate(1, sizeof(struct ledger));
}

void ledger_free(struct ledger *ledger) {
    if (ledger != NULL) {
        free(ledger->entries);
        free(ledger);
    }
}

void ledger_add(struct ledger *ledger, int64_t id, const unsigned char event_id[EVENT_ID_BYTES],
                struct slice message_id) {
    if (ledger->count == ledger->capacity) {
        ledger->capacity = ledger->capacity * 2 + 64;
        ledger->entries = memory_resize(ledger->entries, (size_t)ledger->capacity, sizeof(struct entry));
    }
    struct entry *entry = &ledger->entries[ledger->count++];
    size_t length = message_id.length < MESSAGE_ID_MAX ? message_id.length : MESSAGE_ID_MAX;
    entry->id = id;
    memcpy(entry->event_id, event_id, EVENT_ID_BYTES);
    memcpy(entry->message_id, message_id.data, length);
    entry->message_id_length = (unsigned char)length;
}

int ledger_count(const struct ledger *ledger) {
    return ledger->count;
}

static struct pg_parameter parameter(const struct buffer *array) {
    return (struct pg_parameter){array->data, (int)array->length};
}

static int by_id(const void *one, const void *other) {
    const struct entry *a = one;
    const struct entry *b = other;
    return (a->id > b->id) - (a->id < b->id);
}

// Under the ordered lock, which a relay that takes a turn has for about a second at most. (No limit of the
// role on waiting for locks is in the way; a relay that is frozen just then keeps it no longer than a turn
// would.)
static void send_begin(struct pg_connection *connection) {
    pg_send(connection, &(struct pg_statement){.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"});
    pg_send(connection,
            &(struct pg_statement){
                .sql = "SELECT pg_catalog.set_config('lock_timeout', '0', true),"
                       " pg_catalog.set_config('idle_in_transaction_session_timeout', '1200', true)"});
    pg_send(connection,
            &(struct pg_statement){.sql = "SELECT pg_catalog.pg_advisory_xact_lock(" ORDERED_LOCK ")"});
}

// (In the order in which claims mark theirs, so that two statements cannot wait for each other.)
void ledger_send_marks(struct ledger *ledger, struct pg_connection *connection, pg_done_fn done,
                       void *context) {
    struct buffer ids;
    struct buffer event_ids;
    struct buffer message_ids;
    buffer_init(&ids, ARRAY_LIMIT);
    buffer_init(&event_ids, ARRAY_LIMIT);
    buffer_init(&message_ids, ARRAY_LIMIT);
    ledger->sending = ledger->count;
    qsort(ledger->entries, (size_t)ledger->count, sizeof *ledger->entries, by_id);
    pg_array_begin(&ids, PG_ELEMENT_BIGINT, ledger->count);
    pg_array_begin(&event_ids, PG_ELEMENT_UUID, ledger->count);
    pg_array_begin(&message_ids, PG_ELEMENT_TEXT, ledger->count);
    for (int index = 0; index < ledger->count; index++) {
        const struct entry *entry = &ledger->entries[index];
        pg_array_append_bigint(&ids, entry->id);
        pg_array_append_bytes(&event_ids, (struct slice){(const char *)entry->event_id, EVENT_ID_BYTES});
        pg_array_append_bytes(&message_ids, (struct slice){entry->message_id, entry->message_id_length});
    }
    send_begin(connection);
    pg_send(connection,
            &(struct pg_statement){
                .sql = "UPDATE outbox.event AS e"
                       " SET sent_at = pg_catalog.statement_timestamp(), message_id = m.message_id,"
                       " due_at = NULL"
                       " FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]),"
                       " pg_catalog.unnest($2::pg_catalog.uuid[]), pg_catalog.unnest($3::pg_catalog.text[])) "
                       "AS m(id, event_id, message_id)"
                       " WHERE e.id = m.id AND e.event_id = m.event_id AND e.sent_at IS NULL",
                .parameter_count = 3,
                .parameters = {parameter(&ids), parameter(&event_ids), parameter(&message_ids)},
            });
    pg_send(connection, &(struct pg_statement){
                            .sql = FOLLOWERS_SQL("SELECT DISTINCT aggregate_id FROM outbox.event"
                                                 " WHERE id = ANY ($1::pg_catalog.int8[])"),
                            .parameter_count = 1,
                            .parameters = {parameter(&ids)},
                        });
    pg_send(connection, &(struct pg_statement){.sql = "COMMIT", .done = done, .context = context});
    pg_sync(connection);
    buffer_free(&ids);
    buffer_free(&event_ids);
    buffer_free(&message_ids);
}

void ledger_marked(struct ledger *ledger) {
    ledger->count -= ledger->sending;
    memmove(ledger->entries, ledger->entries + ledger->sending, (size_t)ledger->count * sizeof(struct entry));
    ledger->sending = 0;
}
