// SPDX-License-Identifier: Apache-2.0
// Any text as a date of HTTP: one that is accepted is what the C library writes for that time.
#include "http/date.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    char written[64];
    int64_t unix_us;

    if (http_date_parse(text, &unix_us) &&
        strncmp(text + 23, "60", 2) != 0) { // a leap second is another's first
        time_t seconds = (time_t)(unix_us / 1000000);
        struct tm parts;
        if (gmtime_r(&seconds, &parts) == NULL ||
            strftime(written, sizeof written, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0 ||
            strcmp(written, text) != 0) {
            abort();
        }
    }
    free(text);
    return 0;
}
