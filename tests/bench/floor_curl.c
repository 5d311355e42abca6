// SPDX-License-Identifier: Apache-2.0
#include "bench.h"
#include "floor_http.h"
#include "http/multi.h"

#include <stdio.h>

struct transfer {
    CURL *easy;
    void *context; // of the request that is on its way
    struct transfer *next_idle;
};

static floor_answered *answered;
static struct multi *multi;
static struct transfer *idle;

// NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's
static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes;
    (void)context;
    return size * count;
}

static void on_done(CURL *easy, CURLcode code) {
    struct transfer *transfer = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) {
        bench_die("no success", curl_easy_strerror(code));
    }
    curl_multi_remove_handle(multi_handle(multi), easy);
    transfer->next_idle = idle;
    idle = transfer;
    answered(transfer->context);
}

static void prepare(const struct floor_http *http) {
    char url[64];
    struct transfer *transfer = bench_allocate(1, sizeof *transfer);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "%s://%s/", http->ca_file != NULL ? "https" : "http", http->host);
    for (int index = 0; index < FLOOR_HEADERS; index++) {
        headers = curl_slist_append(headers, http->request->headers[index]);
    }
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)http->request->body_length);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, http->request->body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    transfer->easy = easy;
    transfer->next_idle = idle;
    idle = transfer;
}

static void open_all(const struct floor_http *http) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    answered = http->answered;
    multi = multi_new(http->base, on_done);
    curl_multi_setopt(multi_handle(multi), CURLMOPT_MAXCONNECTS, (long)http->connections);
    for (size_t index = 0; index < http->connections; index++) {
        prepare(http);
    }
}

static bool send_one(void *context) {
    struct transfer *transfer = idle;
    if (transfer == NULL) {
        return false;
    }
    idle = transfer->next_idle;
    transfer->context = context;
    curl_multi_add_handle(multi_handle(multi), transfer->easy);
    return true;
}

const struct floor_client floor_curl = {open_all, send_one};
