// SPDX-License-Identifier: Apache-2.0
#include "handle/url.h"

#include "handle/runner.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { URL_MAX = 2048, SHOWN_MAX = 300 };

static const char *byte_beyond(const char *url) {
    while (*url > ' ' && *url <= '~') {
        url++;
    }
    return *url != '\0' ? url : NULL;
}

static CURLUcode parse(const char *url, char ret_host[URL_HOST_SIZE]) {
    CURLU *parsed = curl_url();
    char *host = NULL;
    CURLUcode code = parsed == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(parsed, CURLUPART_URL, url, 0);
    if (code == CURLUE_OK) {
        code = curl_url_get(parsed, CURLUPART_HOST, &host, 0);
    }
    snprintf(ret_host, URL_HOST_SIZE, "%s", code == CURLUE_OK ? host : "");
    curl_free(host);
    curl_url_cleanup(parsed);
    return code;
}

void url_host(const char *url, char ret[URL_HOST_SIZE]) {
    parse(url, ret);
}

// What may be a password or a token is not shown. Where there is an @, that can stand anywhere before it.
static bool fail(const char *url, const char *rule, struct error *error) {
    struct slice origin = url_origin(url);
    if (strchr(url, '@') != NULL) {
        return error_set(error, ERROR_USAGE, "the URL (not shown: it holds an @): %s", rule);
    }
    if (origin.length == 0) {
        return error_set(error, ERROR_USAGE, "the URL (not shown: it can hold a secret): %s", rule);
    }
    int shown = origin.length < SHOWN_MAX ? (int)origin.length : SHOWN_MAX;
    return error_set(error, ERROR_USAGE, "the URL at \"%.*s\": %s", shown, origin.data, rule);
}

// The first rule that is broken, or NULL.
static const char *broken_rule(const char *url) {
    char host[URL_HOST_SIZE];
    size_t scheme = url_scheme_length(url);
    size_t authority = strcspn(url + scheme, "/?#");
    if (scheme == 0) {
        return "it must begin with http:// or https://";
    }
    if (authority == 0) { // libcurl takes http:///user@host, too
        return "it names no host";
    }
    if (memchr(url + scheme, '@', authority) != NULL) {
        return "it must name no user and no password, as it stands in logs; sign the requests with "
               "OUTBOX_WEBHOOK_SECRET instead";
    }
    if (strchr(url, '#') != NULL) {
        return "it must have no fragment: what follows # is never sent";
    }
    CURLUcode code = parse(url, host);
    return code == CURLUE_OK ? NULL : curl_url_strerror(code);
}

bool http_runner_check(const char *url, struct error *error) {
    const char *beyond = byte_beyond(url);
    if (strlen(url) > URL_MAX) {
        return error_set(error, ERROR_USAGE, "the URL has %zu bytes; it may have %d", strlen(url), URL_MAX);
    }
    if (beyond != NULL) {
        return error_set(error, ERROR_USAGE,
                         "the URL holds byte 0x%02x at position %zu; only printable ASCII without blanks is "
                         "allowed: write the others as %%20, %%C3%%A4",
                         (unsigned char)*beyond, (size_t)(beyond - url) + 1);
    }
    const char *rule = broken_rule(url);
    return rule == NULL || fail(url, rule, error);
}
