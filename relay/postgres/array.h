// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's binary formats: arrays as parameters, integers and timestamps as results (array_recv, int8send
// and timestamptz_send in the server's source).
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

#include <libpq-fe.h>
#include <stdint.h>

// The element types in use, by their fixed OIDs (pg_type.dat).
enum pg_element { PG_ELEMENT_BIGINT = 20, PG_ELEMENT_TEXT = 25, PG_ELEMENT_TID = 27, PG_ELEMENT_UUID = 2950 };

// pg_array_begin starts a one-dimensional array of `count` elements, which the caller then appends one by
// one.
void pg_array_begin(struct buffer *array, enum pg_element type, int count);
void pg_array_append_bigint(struct buffer *array, int64_t value);
void pg_array_append_bytes(struct buffer *array, struct slice bytes); // text, tid or uuid

// What a column of a binary result holds; a NULL is 0 or an empty slice.
int64_t pg_int(const PGresult *result, int row, int column);     // smallint, integer or bigint
int64_t pg_unix_us(const PGresult *result, int row, int column); // "-infinity" is INT64_MIN / 4
struct slice pg_bytes(const PGresult *result, int row, int column);
bool pg_bool(const PGresult *result, int row, int column);
