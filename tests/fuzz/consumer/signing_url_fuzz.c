// SPDX-License-Identifier: Apache-2.0
// Any bytes as the address of a certificate: libcurl, which fetches it, sees the same host in what is
// accepted, and nothing that could lead elsewhere.
#include "consumer/signature.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>

static void check(bool holds) {
    if (!holds) {
        abort();
    }
}

static bool ends_in(const char *text, const char *ending) {
    size_t length = strlen(text), ending_length = strlen(ending);
    return length >= ending_length && strcmp(text + length - ending_length, ending) == 0;
}

static void check_absent(CURLU *url, CURLUPart part) {
    char *value = NULL;
    check(curl_url_get(url, part, &value, 0) != CURLUE_OK);
    curl_free(value);
}

static void check_parts(CURLU *url) {
    char *scheme = NULL, *host = NULL, *path = NULL;
    check(curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && strcmp(scheme, "https") == 0);
    check(curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK && strncmp(host, "sns.", 4) == 0 &&
          (ends_in(host, ".amazonaws.com") || ends_in(host, ".amazonaws.com.cn")));
    check(curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK && ends_in(path, ".pem"));
    check_absent(url, CURLUPART_PORT);
    check_absent(url, CURLUPART_USER);
    check_absent(url, CURLUPART_PASSWORD);
    check_absent(url, CURLUPART_QUERY);
    check_absent(url, CURLUPART_FRAGMENT);
    curl_free(scheme);
    curl_free(host);
    curl_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct slice bytes = {(const char *)data, size};
    if (signing_url_valid(bytes)) {
        char text[SIGNING_URL_MAX + 1] = {0};
        CURLU *url = curl_url();
        memcpy(text, bytes.data, bytes.length);
        check(strlen(text) == size);
        check(curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK);
        check_parts(url);
        curl_url_cleanup(url);
    }
    return 0;
}
