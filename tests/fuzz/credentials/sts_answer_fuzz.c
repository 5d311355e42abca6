// SPDX-License-Identifier: Apache-2.0
// Any bytes as an answer of STS: what is accepted fits into a request's headers and has an end.
#include "credentials/sts_answer.h"

#include <stdint.h>
#include <stdlib.h>

static void check_header(const char *text) {
    if (*text == '\0') {
        abort();
    }
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct credentials_found found;
    struct error error = {.code = ERROR_NONE};
    struct xml *xml = xml_read((struct slice){(const char *)data, size});

    if (sts_answer_read(&found, "AssumeRole", xml != NULL ? xml_root(xml) : NULL, &error)) {
        check_header(found.credentials.access_key_id);
        check_header(found.credentials.secret_access_key);
        check_header(found.credentials.session_token);
        if (found.expires_at <= 0) {
            abort();
        }
    } else if (error.code != ERROR_CREDENTIALS) {
        abort();
    }
    xml_free(xml);
    return 0;
}
