// SPDX-License-Identifier: Apache-2.0
// A report, at any width: whatever the database holds, nothing reaches the terminal but text and line breaks.
#include "status/status.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *report = malloc(size + 1);
    struct buffer out;
    if (report == NULL) {
        return 0;
    }
    memcpy(report, data, size);
    report[size] = '\0';
    buffer_init(&out, 1 << 22);
    (void)status_append(report, size % 200, &out, NULL);
    for (size_t index = 0; index < out.length; index++) {
        unsigned char byte = (unsigned char)out.data[index];
        if ((byte < 0x20 && byte != '\n') || byte == 0x7F) {
            abort();
        }
    }
    buffer_free(&out);
    free(report);
    return 0;
}
