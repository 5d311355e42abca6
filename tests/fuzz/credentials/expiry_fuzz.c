// SPDX-License-Identifier: Apache-2.0
// Any text as a time: one that is accepted is within the years 0 to 10000, and reads the same when it is
// written again.
#include "base/clock.h"
#include "credentials/expiry.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int64_t first = -62167219200000000, last = 253402300799999999;
    char *text = strndup((const char *)data, size);
    char written[CLOCK_ISO8601_SIZE];
    int64_t time = 0, again = 0;

    if (expiry_parse(text, &time)) {
        clock_format_iso8601(time, written);
        bool in_range = time >= first + 366 * INT64_C(86400000000) && time <= last;
        if (in_range &&
            (!expiry_parse(written, &again) || again / 1000 != (time - (time < 0 ? 999 : 0)) / 1000)) {
            abort();
        }
        if (time < first || time > last + INT64_C(86400000000)) {
            abort();
        }
    }
    free(text);
    return 0;
}
