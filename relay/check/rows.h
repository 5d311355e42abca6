// SPDX-License-Identifier: Apache-2.0
// Reading text results by the names of their columns. A column that is not there, a row that is not, NULL and
// what is no number read as "", false or 0: a database that is not as expected must not stop the check.
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

const char *row_text(const PGresult *rows, int row, const char *column); // lives as long as the rows
bool row_true(const PGresult *rows, int row, const char *column);        // "t", as PostgreSQL writes booleans
int64_t row_int(const PGresult *rows, int row, const char *column);
double row_number(const PGresult *rows, int row, const char *column);
