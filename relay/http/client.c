// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "http/multi.h"
#include "http/trust.h"

#include <curl/curl.h>
#include <stdlib.h>

enum {
    ANSWER_LIMIT = 1 << 20,
    CONNECT_TIMEOUT_US = 5000000,
    IDLE_S = 60,  // how long a connection is kept that nobody uses
    LIFE_S = 300, // and one that is used
};

// One exchange and the libcurl handle it runs on; recycled through the client's list of idle ones.
struct transfer {
    struct transfer *next;
    struct http_client *client;
    CURL *easy;
    char *url; // that the handle has, and what it is once parsed
    CURLU *parsed_url;
    struct curl_slist *headers;
    struct buffer answer;
    struct http_request request;
    char failure[CURL_ERROR_SIZE];
    bool active;
    bool has_head; // the headers have come to their end
};

struct http_client {
    struct multi *multi;
    struct trust *trust;
    int64_t timeout_us;
    struct transfer *idle;
    struct transfer **transfers; // all, idle or active
    size_t transfer_count;
};

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    struct transfer *transfer = context;
    size_t length = size * count;
    size_t most = transfer->request.body_kept;
    size_t room = most > transfer->answer.length ? most - transfer->answer.length : 0;
    buffer_append(&transfer->answer, bytes, most > 0 && length > room ? room : length);
    return transfer->answer.overflow ? 0 : length;
}

// libcurl takes headers that are cut off for an answer without a body. There may be several heads: of a
// proxy, of "100 Continue".
static size_t on_header(char *bytes, size_t size, size_t count, void *context) {
    struct transfer *transfer = context;
    size_t length = size * count;
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        transfer->has_head = false;
    } else if (length > 0 && (bytes[0] == '\r' || bytes[0] == '\n')) {
        transfer->has_head = true;
    }
    return length;
}

const char *http_answer_header(const struct http_answer *answer, const char *name) {
    struct curl_header *header;
    bool found = answer->exchange != NULL &&
                 curl_easy_header(answer->exchange, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
    return found ? header->value : NULL;
}

// Session tokens are sent in headers, and credentials come in answers.
static void forget(struct transfer *transfer) {
    for (struct curl_slist *header = transfer->headers; header != NULL; header = header->next) {
        memory_wipe(header->data, strlen(header->data));
    }
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    memory_wipe(transfer->answer.data, transfer->answer.length);
    if (transfer->answer.capacity > ANSWER_LIMIT) {
        buffer_free(&transfer->answer); // what the next answer will seldom need
    }
    buffer_clear(&transfer->answer);
}

static const char *describe(const struct transfer *transfer, CURLcode code) {
    if (code == CURLE_OK) {
        return "the answer ended within its headers";
    }
    return transfer->failure[0] != '\0' ? transfer->failure : curl_easy_strerror(code);
}

// (When the connection that was kept ends as soon as it is used again, libcurl tries another: then there is a
// time of the first, as the request may have been what ended it.)
static bool never_connected(CURL *easy) {
    curl_off_t sent_after_us = 0;
    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sent_after_us);
    return sent_after_us == 0;
}

static void finish(CURL *easy, CURLcode code) {
    struct transfer *transfer = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    struct http_answer answer = {.status = (int)status, .exchange = easy};
    if (code == CURLE_OK && transfer->has_head) {
        answer.body = (struct slice){transfer->answer.data, transfer->answer.length};
    } else {
        answer.status = 0;
        answer.failure = describe(transfer, code);
        answer.unreached = code != CURLE_OK && never_connected(easy);
    }
    curl_multi_remove_handle(multi_handle(transfer->client->multi), easy);
    transfer->active = false;
    transfer->request.done(transfer->request.context, &answer);
    forget(transfer);
    transfer->next = transfer->client->idle;
    transfer->client->idle = transfer;
}

struct http_client *http_client_new(struct event_base *base, const struct http_options *options,
                                    struct error *error) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(error, ERROR_INTERNAL, "libcurl cannot be initialised");
        return NULL;
    }
    struct trust *trust = trust_new(options->ca_bundle, error);
    if (trust == NULL) {
        curl_global_cleanup();
        return NULL;
    }
    struct http_client *client = memory_allocate(1, sizeof *client);
    client->timeout_us = options->timeout_us;
    client->trust = trust;
    client->multi = multi_new(base, finish);
    curl_multi_setopt(multi_handle(client->multi), CURLMOPT_MAXCONNECTS, (long)options->connections);
    return client;
}

static void free_transfer(struct http_client *client, struct transfer *transfer) {
    if (transfer->active) {
        curl_multi_remove_handle(multi_handle(client->multi), transfer->easy);
    }
    curl_easy_cleanup(transfer->easy);
    curl_url_cleanup(transfer->parsed_url);
    free(transfer->url);
    forget(transfer);
    buffer_free_secret(&transfer->answer);
    free(transfer);
}

void http_client_trim(struct http_client *client) {
    size_t kept = 0;
    for (size_t index = 0; index < client->transfer_count; index++) {
        struct transfer *transfer = client->transfers[index];
        if (transfer->active) {
            client->transfers[kept++] = transfer;
        } else {
            free_transfer(client, transfer);
        }
    }
    client->transfer_count = kept;
    client->idle = NULL;
}

void http_client_free(struct http_client *client) {
    if (client == NULL) {
        return;
    }
    for (size_t index = 0; index < client->transfer_count; index++) {
        free_transfer(client, client->transfers[index]);
    }
    free(client->transfers);
    multi_free(client->multi);
    trust_free(client->trust);
    free(client);
    curl_global_cleanup();
}

// Each new connection asks for the addresses anew, and takes any of them. Otherwise libcurl remembers them
// for a minute in one order, and all connections of a full pool would go to the first.
static void set_connections(CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)LIFE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    // A request that times out while its name is looked up would else block until the lookup ends.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

static struct transfer *new_transfer(struct http_client *client) {
    struct transfer *transfer = memory_allocate(1, sizeof *transfer);
    transfer->client = client;
    transfer->easy = curl_easy_init();
    transfer->parsed_url = curl_url();
    buffer_init(&transfer->answer, ANSWER_LIMIT);
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->failure);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set_connections(easy);
    trust_prepare(client->trust, easy);
    client->transfers =
        memory_resize(client->transfers, client->transfer_count + 1, sizeof(struct transfer *));
    client->transfers[client->transfer_count++] = transfer;
    return transfer;
}

// Most requests of a client go to one URL, which then is parsed once. (What cannot be parsed libcurl is to
// refuse by itself.)
static void set_url(struct transfer *transfer) {
    const char *url = transfer->request.url;
    if (transfer->url != NULL && strcmp(transfer->url, url) == 0) {
        return;
    }
    free(transfer->url);
    transfer->url = memory_copy_text(url);
    bool good = curl_url_set(transfer->parsed_url, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
    curl_easy_setopt(transfer->easy, CURLOPT_CURLU, good ? transfer->parsed_url : NULL);
}

static void set_method(struct transfer *transfer) {
    CURL *easy = transfer->easy;
    if (transfer->request.method == HTTP_POST) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->request.body.length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->request.body.data);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->request.method == HTTP_PUT ? "PUT" : NULL);
}

// libcurl takes 0 for "without end".
static long milliseconds(int64_t us) {
    return us < 1000 ? 1 : (long)(us / 1000);
}

static void set_timeouts(struct transfer *transfer) {
    const struct http_request *request = &transfer->request;
    int64_t all_us = request->timeout_us != 0 ? request->timeout_us : transfer->client->timeout_us;
    int64_t connect_us = request->connect_timeout_us > 0 ? request->connect_timeout_us : CONNECT_TIMEOUT_US;
    bool is_endless = all_us == HTTP_FOREVER;
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, is_endless ? 0L : milliseconds(all_us));
    curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS,
                     milliseconds(is_endless || connect_us < all_us ? connect_us : all_us));
}

static void set_headers(struct transfer *transfer) {
    const struct http_request *request = &transfer->request;
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:"); // no wait for "100 Continue"
    for (int index = 0; index < HTTP_HEADERS_MAX && request->headers[index] != NULL; index++) {
        headers = curl_slist_append(headers, request->headers[index]);
    }
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, headers);
    transfer->headers = headers;
}

void http_send(struct http_client *client, const struct http_request *request) {
    struct transfer *transfer = client->idle;
    if (transfer != NULL) {
        client->idle = transfer->next;
    } else {
        transfer = new_transfer(client);
    }
    transfer->request = *request;
    transfer->answer.limit = request->answer_limit > 0 ? request->answer_limit : ANSWER_LIMIT;
    transfer->failure[0] = '\0';
    transfer->active = true;
    transfer->has_head = false;
    set_url(transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_NOPROXY, request->direct ? "*" : NULL);
    set_method(transfer);
    set_headers(transfer);
    set_timeouts(transfer);
    trust_refresh(client->trust, transfer->easy);
    curl_multi_add_handle(multi_handle(client->multi), transfer->easy);
}
