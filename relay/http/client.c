// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANSWER_LIMIT = 1 << 20, CONNECT_TIMEOUT_MS = 5000 };

// One exchange and the libcurl handle it runs on; recycled through the client's list of idle ones.
struct transfer {
    struct transfer *next;
    struct http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    struct buffer answer;
    struct http_request request;
    char failure[CURL_ERROR_SIZE];
    bool active;
};

// The interest libcurl has in one socket.
struct watch {
    struct event *event;
    curl_socket_t socket;
    short kinds;
};

struct http_client {
    struct event_base *base;
    struct event *timer;
    CURLM *multi;
    struct http_options options;
    char *ca_bundle;
    struct transfer *idle;
    struct transfer **transfers; // all, idle or active
    size_t transfer_count;
};

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    struct transfer *transfer = context;
    buffer_append(&transfer->answer, bytes, size * count);
    return transfer->answer.overflow ? 0 : size * count;
}

const char *http_answer_header(const struct http_answer *answer, const char *name) {
    struct curl_header *header;
    bool found = answer->exchange != NULL &&
                 curl_easy_header(answer->exchange, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
    return found ? header->value : NULL;
}

static void finish(struct transfer *transfer, CURLcode code) {
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    struct http_answer answer = {.status = (int)status, .exchange = transfer->easy};
    if (code == CURLE_OK) {
        answer.body = (struct slice){transfer->answer.data, transfer->answer.length};
    } else {
        answer.status = 0;
        answer.failure = transfer->failure[0] != '\0' ? transfer->failure : curl_easy_strerror(code);
    }
    curl_multi_remove_handle(transfer->client->multi, transfer->easy);
    transfer->active = false;
    transfer->request.done(transfer->request.context, &answer);
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    transfer->next = transfer->client->idle;
    transfer->client->idle = transfer;
}

static void finish_completed(struct http_client *client) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            struct transfer *transfer = NULL;
            CURLcode code = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            finish(transfer, code);
        }
    }
}

static void on_socket_event(evutil_socket_t socket, short kinds, void *context) {
    struct http_client *client = context;
    int running;
    int action = (kinds & EV_READ ? CURL_CSELECT_IN : 0) | (kinds & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(client->multi, socket, action, &running);
    finish_completed(client);
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct http_client *client = context;
    int running;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_completed(client);
}

static int on_timer_change(CURLM *multi, long milliseconds, void *context) {
    (void)multi;
    struct http_client *client = context;
    if (milliseconds < 0) {
        evtimer_del(client->timer);
    } else {
        const struct timeval delay = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
        evtimer_add(client->timer, &delay);
    }
    return 0;
}

static void unwatch(struct http_client *client, struct watch *watch) {
    if (watch != NULL) {
        curl_multi_assign(client->multi, watch->socket, NULL);
        event_free(watch->event);
        free(watch);
    }
}

static int on_interest_change(CURL *easy, curl_socket_t socket, int interest, void *context,
                              void *socket_context) {
    (void)easy;
    struct http_client *client = context;
    struct watch *watch = socket_context;
    if (interest == CURL_POLL_REMOVE) {
        unwatch(client, watch);
        return 0;
    }
    short kinds = (short)(EV_PERSIST | (interest & CURL_POLL_IN ? EV_READ : 0) |
                          (interest & CURL_POLL_OUT ? EV_WRITE : 0));
    if (watch == NULL) {
        watch = memory_allocate(1, sizeof *watch);
        watch->socket = socket;
        watch->event = event_new(client->base, socket, kinds, on_socket_event, client);
        curl_multi_assign(client->multi, socket, watch);
    } else if (watch->kinds != kinds) {
        event_del(watch->event);
        event_assign(watch->event, client->base, socket, kinds, on_socket_event, client);
    }
    watch->kinds = kinds;
    event_add(watch->event, NULL);
    return 0;
}

struct http_client *http_client_new(struct event_base *base, const struct http_options *options,
                                    struct error *error) {
    if (options->ca_bundle[0] != '\0' && access(options->ca_bundle, R_OK) != 0) {
        error_set(error, ERROR_USAGE, "AWS_CA_BUNDLE: %s cannot be read: %s", options->ca_bundle,
                  strerror(errno));
        return NULL;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(error, ERROR_INTERNAL, "libcurl cannot be initialised");
        return NULL;
    }
    struct http_client *client = memory_allocate(1, sizeof *client);
    client->base = base;
    client->options = *options;
    client->ca_bundle = memory_copy_text(options->ca_bundle);
    client->timer = evtimer_new(base, on_timer, client);
    client->multi = curl_multi_init();
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_interest_change);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)options->connections);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)options->connections);
    return client;
}

static void free_transfer(struct http_client *client, struct transfer *transfer) {
    if (transfer->active) {
        curl_multi_remove_handle(client->multi, transfer->easy);
    }
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    buffer_free(&transfer->answer);
    free(transfer);
}

void http_client_free(struct http_client *client) {
    if (client == NULL) {
        return;
    }
    for (size_t index = 0; index < client->transfer_count; index++) {
        free_transfer(client, client->transfers[index]);
    }
    free(client->transfers);
    curl_multi_cleanup(client->multi);
    event_free(client->timer);
    free(client->ca_bundle);
    free(client);
    curl_global_cleanup();
}

static struct transfer *new_transfer(struct http_client *client) {
    struct transfer *transfer = memory_allocate(1, sizeof *transfer);
    transfer->client = client;
    transfer->easy = curl_easy_init();
    buffer_init(&transfer->answer, ANSWER_LIMIT);
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->failure);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    if (client->ca_bundle[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_bundle);
    }
    client->transfers =
        memory_resize(client->transfers, client->transfer_count + 1, sizeof(struct transfer *));
    client->transfers[client->transfer_count++] = transfer;
    return transfer;
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

void http_send(struct http_client *client, const struct http_request *request) {
    struct transfer *transfer = client->idle;
    if (transfer != NULL) {
        client->idle = transfer->next;
    } else {
        transfer = new_transfer(client);
    }
    transfer->request = *request;
    transfer->failure[0] = '\0';
    transfer->active = true;
    buffer_clear(&transfer->answer);
    for (int index = 0; index < HTTP_HEADERS_MAX && request->headers[index] != NULL; index++) {
        transfer->headers = curl_slist_append(transfer->headers, request->headers[index]);
    }
    curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url);
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    int64_t timeout_us = request->timeout_us > 0 ? request->timeout_us : client->options.timeout_us;
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)(timeout_us / 1000));
    curl_easy_setopt(transfer->easy, CURLOPT_NOPROXY, request->direct ? "*" : NULL);
    set_method(transfer);
    curl_multi_add_handle(client->multi, transfer->easy);
}
