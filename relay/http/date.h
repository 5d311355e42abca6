// SPDX-License-Identifier: Apache-2.0
// The time of an HTTP header, such as Date. Source: RFC 9110, section 5.6.7.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// http_date_parse reads "Sun, 06 Nov 1994 08:49:37 GMT", the one form that a server may send today, and
// nothing else: no blanks around it, no other letter case, no day that is not in the calendar, or not that
// day of the week, no year before 1970. `ret` is in microseconds since 1970-01-01 UTC; it is left as it was
// when `text`, which may be NULL, is not such a time.
bool http_date_parse(const char *text, int64_t *ret_unix_us);
