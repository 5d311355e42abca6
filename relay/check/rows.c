// SPDX-License-Identifier: Apache-2.0
#include "check/rows.h"

#include "settings/value.h"

#include <stdlib.h>
#include <string.h>

const char *row_text(const PGresult *rows, int row, const char *column) {
    int number = PQfnumber(rows, column);
    bool there = number >= 0 && row >= 0 && row < PQntuples(rows);
    return there ? PQgetvalue(rows, row, number) : "";
}

bool row_true(const PGresult *rows, int row, const char *column) {
    return strcmp(row_text(rows, row, column), "t") == 0;
}

int64_t row_int(const PGresult *rows, int row, const char *column) {
    const char *text = row_text(rows, row, column);
    int64_t number = 0;
    bool negative = text[0] == '-';
    return value_parse_integer(text + negative, &number) ? (negative ? -number : number) : 0;
}

double row_number(const PGresult *rows, int row, const char *column) {
    return strtod(row_text(rows, row, column), NULL);
}
