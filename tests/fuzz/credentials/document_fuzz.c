// SPDX-License-Identifier: Apache-2.0
// Any bytes as a document of credentials; the first one chooses the kind. What is accepted fits into a
// request's headers; what is not is described in one printable line.
#include "base/memory.h"
#include "credentials/document.h"

#include <stdint.h>
#include <stdlib.h>

static void check_header(const char *text, bool needed) {
    if (needed && *text == '\0') {
        abort();
    }
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            abort();
        }
    }
}

static void check_parsed(enum document_kind kind, struct slice text) {
    static struct credentials_found found;
    struct error error = {.code = ERROR_NONE};

    if (!document_parse(&found, kind, text, &error)) {
        if (error.code != ERROR_CREDENTIALS || error.text[0] == '\0') {
            abort();
        }
        return;
    }
    check_header(found.credentials.access_key_id, true);
    check_header(found.credentials.secret_access_key, true);
    check_header(found.credentials.session_token, kind != DOCUMENT_PROCESS);
    if (found.expires_at < 0 || (found.expires_at == 0 && kind != DOCUMENT_PROCESS)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char line[DOCUMENT_ERROR_SIZE];
    int64_t expires_at;

    if (size == 0) {
        return 0;
    }
    const struct slice text = {(const char *)data + 1, size - 1};
    check_parsed((enum document_kind)(data[0] % 3), text);
    memory_free_secret(document_token(text, &expires_at, NULL));
    document_error(text, line);
    for (const char *byte = line; *byte != '\0'; byte++) {
        if (*byte < ' ' || *byte > '~') {
            abort();
        }
    }
    return 0;
}
