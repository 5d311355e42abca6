// SPDX-License-Identifier: Apache-2.0
#include "outbox/ledger.h"

#include "base/memory.h"
#include "observe/metrics.h"
#include "outbox/followers.h"
#include "outbox/locks.h"
#include "outbox/rows.h"
#include "outbox/transaction.h"
#include "postgres/array.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARRAY_LIMIT = 256 << 20, MESSAGE_ID_MAX = 128, FAILED_COLUMNS = 5 };

struct entry {
    int64_t id;
    unsigned char event_id[EVENT_ID_BYTES];
    bool ordered;
    bool is_locked; // by somebody else, when it was to be marked
    unsigned char message_id_length;
    char message_id[MESSAGE_ID_MAX];
};

struct failure {
    struct failed_event event; // its reason is the text below
    char reason[REASON_MAX + 1];
};

struct ledger {
    struct entry *entries;
    int count;
    int capacity;
    int sending; // the first so many are being marked
    struct failure *failures;
    int failure_count;
    int failure_capacity;
    int failures_sending;
};

struct ledger *ledger_new(void) {
    return memory_allocate(1, sizeof(struct ledger));
}

void ledger_free(struct ledger *ledger) {
    if (ledger != NULL) {
        free(ledger->entries);
        free(ledger->failures);
        free(ledger);
    }
}

void ledger_add(struct ledger *ledger, int64_t id, const unsigned char event_id[EVENT_ID_BYTES],
                struct slice message_id, bool ordered) {
    if (ledger->count == ledger->capacity) {
        ledger->capacity = ledger->capacity * 2 + 64;
        ledger->entries = memory_resize(ledger->entries, (size_t)ledger->capacity, sizeof(struct entry));
    }
    struct entry *entry = &ledger->entries[ledger->count++];
    size_t length = message_id.length < MESSAGE_ID_MAX ? message_id.length : MESSAGE_ID_MAX;
    entry->id = id;
    entry->ordered = ordered;
    entry->is_locked = false;
    memcpy(entry->event_id, event_id, EVENT_ID_BYTES);
    memcpy(entry->message_id, message_id.data, length);
    entry->message_id_length = (unsigned char)length;
}

void ledger_add_failed(struct ledger *ledger, const struct failed_event *event) {
    if (ledger->failure_count == ledger->failure_capacity) {
        ledger->failure_capacity = ledger->failure_capacity * 2 + 16;
        ledger->failures =
            memory_resize(ledger->failures, (size_t)ledger->failure_capacity, sizeof(struct failure));
    }
    struct failure *failure = &ledger->failures[ledger->failure_count++];
    failure->event = *event;
    snprintf(failure->reason, sizeof failure->reason, "%s", event->reason);
    reason_make_ascii(failure->reason, strlen(failure->reason));
}

void ledger_forget_failed(struct ledger *ledger) {
    ledger->failure_count = ledger->failures_sending = 0;
}

int ledger_count(const struct ledger *ledger) {
    return ledger->count + ledger->failure_count;
}

int ledger_untried(const struct ledger *ledger) {
    int count = ledger->failure_count;
    for (int index = 0; index < ledger->count; index++) {
        count += !ledger->entries[index].is_locked;
    }
    return count;
}

static struct entry *find(const struct ledger *ledger, int64_t id,
                          const unsigned char event_id[EVENT_ID_BYTES]) {
    for (int index = 0; index < ledger->count; index++) {
        struct entry *entry = &ledger->entries[index];
        if (entry->id == id && memcmp(entry->event_id, event_id, EVENT_ID_BYTES) == 0) {
            return entry;
        }
    }
    return NULL;
}

bool ledger_find(const struct ledger *ledger, int64_t id, const unsigned char event_id[EVENT_ID_BYTES],
                 struct slice *ret_message_id) {
    const struct entry *entry = find(ledger, id, event_id);
    if (entry != NULL) {
        *ret_message_id = (struct slice){entry->message_id, entry->message_id_length};
    }
    return entry != NULL;
}

static struct pg_parameter parameter(const struct buffer *array) {
    return (struct pg_parameter){array->data, (int)array->length};
}

// Those without order first.
static int by_order_and_id(const void *one, const void *other) {
    const struct entry *a = one;
    const struct entry *b = other;
    return a->ordered != b->ordered ? a->ordered - b->ordered : (a->id > b->id) - (a->id < b->id);
}

static int by_failed_id(const void *one, const void *other) {
    const struct failure *a = one;
    const struct failure *b = other;
    return (a->event.id > b->event.id) - (a->event.id < b->event.id);
}

static void send_begin(struct pg_connection *connection) {
    pg_send(connection, &(struct pg_statement){.sql = TRANSACTION_BEGIN});
    pg_send(connection, &(struct pg_statement){.sql = TRANSACTION_SETTINGS});
}

// Under the ordered lock, which a relay that takes a turn has for about a second at most. (A relay that is
// frozen just then keeps it no longer than a turn would.)
static void send_lock(struct pg_connection *connection) {
    pg_send(connection,
            &(struct pg_statement){
                .sql = "SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', '1200', true)"});
    pg_send(connection,
            &(struct pg_statement){.sql = "SELECT pg_catalog.pg_advisory_xact_lock(" ORDERED_LOCK ")",
                                   .label = "ordered_lock"});
}

static void append_uuid(struct buffer *array, const unsigned char event_id[EVENT_ID_BYTES]) {
    pg_array_append_bytes(array, (struct slice){(const char *)event_id, EVENT_ID_BYTES});
}

// (Its COMMIT, sent with it, is as good as done.)
static void on_sent_marked(void *context, int64_t affected) {
    (void)context;
    metric_count(METRIC_DUPLICATES_AVOIDED, affected);
}

static void on_locked_row(void *context, const PGresult *result, int row) {
    struct ledger *ledger = context;
    struct entry *entry =
        find(ledger, pg_int(result, row, 0), (const unsigned char *)pg_bytes(result, row, 1).data);
    if (entry != NULL) {
        entry->is_locked = true;
    }
}

#define SENT_ARRAYS                                                                                          \
    "ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.uuid[])"
#define UNSENT " JOIN outbox.event AS l ON l.id = a.id AND l.event_id = a.event_id AND l.sent_at IS NULL"

// What is locked is passed over, as a person may keep it so for long, and as another relay publishes it.
static void send_sent(struct ledger *ledger, struct pg_connection *connection, const struct entry *entries,
                      int count) {
    struct buffer ids;
    struct buffer event_ids;
    struct buffer message_ids;
    buffer_init(&ids, ARRAY_LIMIT);
    buffer_init(&event_ids, ARRAY_LIMIT);
    buffer_init(&message_ids, ARRAY_LIMIT);
    pg_array_begin(&ids, PG_ELEMENT_BIGINT, count);
    pg_array_begin(&event_ids, PG_ELEMENT_UUID, count);
    pg_array_begin(&message_ids, PG_ELEMENT_TEXT, count);
    for (int index = 0; index < count; index++) {
        const struct entry *entry = &entries[index];
        pg_array_append_bigint(&ids, entry->id);
        append_uuid(&event_ids, entry->event_id);
        pg_array_append_bytes(&message_ids, (struct slice){entry->message_id, entry->message_id_length});
    }
    pg_send(connection,
            &(struct pg_statement){
                .sql = "UPDATE outbox.event AS e"
                       " SET sent_at = pg_catalog.statement_timestamp(), message_id = m.message_id,"
                       " due_at = NULL FROM (SELECT a.* FROM " SENT_ARRAYS
                       ", pg_catalog.unnest($3::pg_catalog.text[])) AS a(id, event_id, message_id)" UNSENT
                       " FOR NO KEY UPDATE OF l SKIP LOCKED) AS m WHERE e.id = m.id",
                .parameter_count = 3,
                .parameters = {parameter(&ids), parameter(&event_ids), parameter(&message_ids)},
                .done = on_sent_marked,
                .label = "mark",
            });
    pg_send(connection, &(struct pg_statement){.sql = "SELECT l.id, l.event_id FROM " SENT_ARRAYS
                                                      ") AS a(id, event_id)" UNSENT,
                                               .parameter_count = 2,
                                               .parameters = {parameter(&ids), parameter(&event_ids)},
                                               .row = on_locked_row,
                                               .context = ledger});
    buffer_free(&ids);
    buffer_free(&event_ids);
    buffer_free(&message_ids);
}

// What has come due meanwhile is tried again already, by whoever it may be; what is locked will be when it is
// due.
static void send_failed(const struct ledger *ledger, struct pg_connection *connection) {
    struct buffer arrays[FAILED_COLUMNS];
    for (int index = 0; index < FAILED_COLUMNS; index++) {
        buffer_init(&arrays[index], ARRAY_LIMIT);
    }
    pg_array_begin(&arrays[0], PG_ELEMENT_BIGINT, ledger->failure_count);
    pg_array_begin(&arrays[1], PG_ELEMENT_UUID, ledger->failure_count);
    pg_array_begin(&arrays[2], PG_ELEMENT_BIGINT, ledger->failure_count);
    pg_array_begin(&arrays[3], PG_ELEMENT_TEXT, ledger->failure_count);
    pg_array_begin(&arrays[4], PG_ELEMENT_BIGINT, ledger->failure_count);
    for (int index = 0; index < ledger->failure_count; index++) {
        const struct failure *failure = &ledger->failures[index];
        pg_array_append_bigint(&arrays[0], failure->event.id);
        append_uuid(&arrays[1], failure->event.event_id);
        pg_array_append_bigint(&arrays[2], failure->event.parked ? -1 : failure->event.retry_after_us);
        pg_array_append_bytes(&arrays[3], slice_of_text(failure->reason));
        pg_array_append_bigint(&arrays[4], failure->event.counts ? 1 : 0);
    }
    pg_send(
        connection,
        &(struct pg_statement){
            .sql =
                "UPDATE outbox.event AS e"
                " SET due_at = CASE WHEN m.delay >= 0 THEN pg_catalog.clock_timestamp()"
                " + m.delay * interval '1 microsecond' END,"
                " parked_at = CASE WHEN m.delay < 0 THEN pg_catalog.clock_timestamp() END,"
                " attempts = (CASE WHEN e.attempts < 32767 THEN e.attempts + m.counts ELSE 32767 END)::int2,"
                " last_error = m.reason"
                " FROM (SELECT a.* FROM " SENT_ARRAYS ", pg_catalog.unnest($3::pg_catalog.int8[]),"
                " pg_catalog.unnest($4::pg_catalog.text[]), pg_catalog.unnest($5::pg_catalog.int8[]))"
                " AS a(id, event_id, delay, reason, counts)" UNSENT
                " AND l.parked_at IS NULL AND l.due_at > pg_catalog.clock_timestamp()"
                " FOR NO KEY UPDATE OF l SKIP LOCKED) AS m WHERE e.id = m.id",
            .parameter_count = FAILED_COLUMNS,
            .parameters = {parameter(&arrays[0]), parameter(&arrays[1]), parameter(&arrays[2]),
                           parameter(&arrays[3]), parameter(&arrays[4])},
            .label = "put_off",
        });
    for (int index = 0; index < FAILED_COLUMNS; index++) {
        buffer_free(&arrays[index]);
    }
}

static int count_making_way(const struct ledger *ledger, int first) {
    int count = ledger->count - first;
    for (int index = 0; index < ledger->failure_count; index++) {
        count += ledger->failures[index].event.makes_way;
    }
    return count;
}

static void send_followers(const struct ledger *ledger, struct pg_connection *connection, int first) {
    struct buffer ids;
    int count = count_making_way(ledger, first);
    if (count == 0) {
        return;
    }
    buffer_init(&ids, ARRAY_LIMIT);
    pg_array_begin(&ids, PG_ELEMENT_BIGINT, count);
    for (int index = first; index < ledger->count; index++) {
        pg_array_append_bigint(&ids, ledger->entries[index].id);
    }
    for (int index = 0; index < ledger->failure_count; index++) {
        if (ledger->failures[index].event.makes_way) {
            pg_array_append_bigint(&ids, ledger->failures[index].event.id);
        }
    }
    pg_send(connection, &(struct pg_statement){
                            .sql = FOLLOWERS_SQL("SELECT DISTINCT aggregate_id FROM outbox.event"
                                                 " WHERE id = ANY ($1::pg_catalog.int8[])"),
                            .parameter_count = 1,
                            .parameters = {parameter(&ids)},
                            .label = "followers",
                        });
    buffer_free(&ids);
}

static int count_unordered(const struct ledger *ledger) {
    int count = 0;
    while (count < ledger->count && !ledger->entries[count].ordered) {
        count++;
    }
    return count;
}

static void send_ordered(struct ledger *ledger, struct pg_connection *connection, int first) {
    send_lock(connection);
    if (ledger->count > first) {
        send_sent(ledger, connection, ledger->entries + first, ledger->count - first);
    }
    if (ledger->failure_count > 0) {
        qsort(ledger->failures, (size_t)ledger->failure_count, sizeof *ledger->failures, by_failed_id);
        send_failed(ledger, connection);
    }
    send_followers(ledger, connection, first);
}

// (Those without order have a transaction of their own, without the ordered lock.)
void ledger_send_marks(struct ledger *ledger, struct pg_connection *connection, pg_done_fn done,
                       void *context) {
    ledger->sending = ledger->count;
    ledger->failures_sending = ledger->failure_count;
    if (ledger->count > 0) {
        qsort(ledger->entries, (size_t)ledger->count, sizeof(struct entry), by_order_and_id);
    }
    for (int index = 0; index < ledger->count; index++) {
        ledger->entries[index].is_locked = false;
    }
    int unordered = count_unordered(ledger);
    send_begin(connection);
    if (unordered > 0) {
        send_sent(ledger, connection, ledger->entries, unordered);
    }
    if (ledger->count > unordered || ledger->failure_count > 0) {
        pg_send(connection, &(struct pg_statement){.sql = "COMMIT"});
        send_begin(connection);
        send_ordered(ledger, connection, unordered);
    }
    pg_send(connection,
            &(struct pg_statement){.sql = "COMMIT", .done = done, .context = context, .label = "commit"});
    pg_sync(connection);
}

static int forget_marked(struct ledger *ledger) {
    int kept = 0;
    for (int index = 0; index < ledger->count; index++) {
        if (index >= ledger->sending || ledger->entries[index].is_locked) {
            ledger->entries[kept++] = ledger->entries[index];
        }
    }
    int forgotten = ledger->count - kept;
    ledger->count = kept;
    return forgotten;
}

int ledger_marked(struct ledger *ledger) {
    int forgotten = forget_marked(ledger) + ledger->failures_sending;
    int left = ledger->failure_count - ledger->failures_sending;
    if (left > 0) {
        memmove(ledger->failures, ledger->failures + ledger->failures_sending,
                (size_t)left * sizeof(struct failure));
    }
    ledger->failure_count = left;
    ledger->sending = ledger->failures_sending = 0;
    return forgotten;
}
