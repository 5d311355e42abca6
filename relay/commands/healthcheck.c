// SPDX-License-Identifier: Apache-2.0
// outbox-relay healthcheck: asks the admin port of the relay or consumer on this machine. Quick to start, for
// it may be started every few seconds: neither a database nor AWS is looked for, and no TLS is set up.
#include "admin/address.h"
#include "base/buffer.h"
#include "commands/command.h"

#include <curl/curl.h>
#include <stdio.h>

enum { TIMEOUT_MS = 3000, ANSWER_LIMIT = 16384, STATUS_GOOD = 200, STATUS_NOT_READY = 503 };

static size_t on_body(char *data, size_t size, size_t count, void *context) {
    buffer_append(context, data, size * count);
    return size * count;
}

// Returns the answer's status, or 0 with an error.
static long ask(const char *url, struct buffer *body, struct error *error) {
    long status = 0;
    CURL *curl = curl_global_init(CURL_GLOBAL_NOTHING) == CURLE_OK ? curl_easy_init() : NULL;
    if (curl == NULL) {
        error_set(error, ERROR_INTERNAL, "libcurl cannot be used");
        return 0;
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    CURLcode result = curl_easy_perform(curl);
    if (result == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    } else {
        error_set(error, ERROR_TIMEOUT,
                  "%s does not answer: %s; is the program running, and with this OUTBOX_LISTEN (--listen)?",
                  url, curl_easy_strerror(result));
    }
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return status;
}

// Another program may be listening there, so nothing that a terminal would obey is printed.
static void print(const struct buffer *body) {
    for (size_t index = 0; index < body->length; index++) {
        char character = body->data[index];
        bool plain = character == '\n' || (unsigned char)character >= ' ';
        (void)putchar(plain && character != '\x7f' ? character : '?');
    }
}

static bool judge(long status, bool ready, const char *url, const struct buffer *body, struct error *error) {
    if (status == STATUS_GOOD) {
        (void)puts("ok");
        return true;
    }
    if (ready && status == STATUS_NOT_READY) {
        print(body); // has what is not good
        return error_set(error, ERROR_FINDINGS, "not ready");
    }
    return error_set(error, ERROR_FINDINGS,
                     "%s answers with status %ld: another program may be listening there", url, status);
}

bool command_healthcheck(const struct settings *settings, const char *const *operands, int operand_count,
                         struct error *error) {
    struct address address;
    char url[ADDRESS_URL_SIZE];
    struct buffer body;
    (void)operands;
    (void)operand_count;
    if (!address_parse(&address, settings->listen, error)) {
        return false;
    }
    if (address.off || address.port == 0) {
        return error_set(
            error, ERROR_USAGE,
            "OUTBOX_LISTEN (--listen) is \"%.80s\": healthcheck asks the admin port, so give it and "
            "the program that it checks the same address with a port, as in 127.0.0.1:9465",
            settings->listen);
    }
    address_url(&address, settings->ready > 0 ? "/readyz" : "/livez", url);
    buffer_init(&body, ANSWER_LIMIT);
    long status = ask(url, &body, error);
    bool good = status > 0 && judge(status, settings->ready > 0, url, &body, error);
    buffer_free(&body);
    return good;
}
