// SPDX-License-Identifier: Apache-2.0
#include "postgres/array.h"

// PostgreSQL counts microseconds from 2000-01-01.
static const int64_t postgres_epoch_us = 946684800LL * 1000000;

// Before any time that PostgreSQL knows but "-infinity", so that a difference to the present can be reckoned.
static const int64_t earliest = INT64_MIN / 4;

static void append_big_endian(struct buffer *buffer, uint64_t value, int bytes) {
    char encoded[sizeof value];
    for (int index = 0; index < bytes; index++) {
        encoded[index] = (char)(value >> (8 * (bytes - 1 - index)));
    }
    buffer_append(buffer, encoded, (size_t)bytes);
}

void pg_array_begin(struct buffer *array, enum pg_element type, int count) {
    append_big_endian(array, count > 0 ? 1 : 0, 4); // dimensions
    append_big_endian(array, 0, 4);                 // no NULLs
    append_big_endian(array, type, 4);
    if (count > 0) {
        append_big_endian(array, (uint64_t)count, 4);
        append_big_endian(array, 1, 4); // lower bound
    }
}

void pg_array_append_bigint(struct buffer *array, int64_t value) {
    append_big_endian(array, 8, 4);
    append_big_endian(array, (uint64_t)value, 8);
}

void pg_array_append_bytes(struct buffer *array, struct slice bytes) {
    append_big_endian(array, bytes.length, 4);
    buffer_append(array, bytes.data, bytes.length);
}

int64_t pg_int(const PGresult *result, int row, int column) {
    const unsigned char *bytes = (const unsigned char *)PQgetvalue(result, row, column);
    int length = PQgetlength(result, row, column);
    int64_t value = length > 0 && bytes[0] & 0x80 ? -1 : 0;
    for (int index = 0; index < length; index++) {
        value = (int64_t)((uint64_t)value << 8 | bytes[index]);
    }
    return value;
}

int64_t pg_unix_us(const PGresult *result, int row, int column) {
    int64_t value = pg_int(result, row, column);
    if (value < earliest) { // "-infinity"
        return earliest;
    }
    return value < INT64_MAX - postgres_epoch_us ? value + postgres_epoch_us : INT64_MAX; // "infinity"
}

struct slice pg_bytes(const PGresult *result, int row, int column) {
    return (struct slice){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

bool pg_bool(const PGresult *result, int row, int column) {
    return PQgetlength(result, row, column) == 1 && PQgetvalue(result, row, column)[0] != 0;
}
