// SPDX-License-Identifier: Apache-2.0
// The Host header, which is whatever a client sends, and OUTBOX_LISTEN, with the same text.
#include "admin/address.h"
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct address address, here;
    struct error error = {0};
    char url[ADDRESS_URL_SIZE];
    char *text = memory_allocate(size + 1, 1);
    if (size > 0) {
        memcpy(text, data, size);
    }
    if (!address_parse(&here, "127.0.0.1:9465", &error)) {
        abort();
    }
    (void)address_answers_to(&here, text);
    if (address_parse(&address, text, &error) && !address.off) {
        address_url(&address, "/readyz", url);
        // What is on loopback, and written as a client would, answers to its own name.
        if (address.loopback && !address_answers_to(&address, address.text)) {
            abort();
        }
    }
    free(text);
    return 0;
}
