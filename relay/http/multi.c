// SPDX-License-Identifier: Apache-2.0
#include "http/multi.h"

#include "base/memory.h"

#include <stdlib.h>

struct multi {
    struct event_base *base;
    struct event *timer;
    CURLM *handle;
    multi_done *done;
};

// The interest libcurl has in one socket.
struct watch {
    struct event *event;
    curl_socket_t socket;
    short kinds;
};

static void finish_completed(struct multi *multi) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(multi->handle, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            multi->done(message->easy_handle, message->data.result);
        }
    }
}

static void on_socket_event(evutil_socket_t socket, short kinds, void *context) {
    struct multi *multi = context;
    int running;
    int action = (kinds & EV_READ ? CURL_CSELECT_IN : 0) | (kinds & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(multi->handle, socket, action, &running);
    finish_completed(multi);
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct multi *multi = context;
    int running;
    curl_multi_socket_action(multi->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_completed(multi);
}

static int on_timer_change(CURLM *handle, long milliseconds, void *context) {
    (void)handle;
    struct multi *multi = context;
    if (milliseconds < 0) {
        evtimer_del(multi->timer);
    } else {
        const struct timeval delay = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
        evtimer_add(multi->timer, &delay);
    }
    return 0;
}

static void unwatch(struct multi *multi, struct watch *watch) {
    if (watch != NULL) {
        curl_multi_assign(multi->handle, watch->socket, NULL);
        event_free(watch->event);
        free(watch);
    }
}

static int on_interest_change(CURL *easy, curl_socket_t socket, int interest, void *context,
                              void *socket_context) {
    (void)easy;
    struct multi *multi = context;
    struct watch *watch = socket_context;
    if (interest == CURL_POLL_REMOVE) {
        unwatch(multi, watch);
        return 0;
    }
    short kinds = (short)(EV_PERSIST | (interest & CURL_POLL_IN ? EV_READ : 0) |
                          (interest & CURL_POLL_OUT ? EV_WRITE : 0));
    if (watch == NULL) {
        watch = memory_allocate(1, sizeof *watch);
        watch->socket = socket;
        watch->event = event_new(multi->base, socket, kinds, on_socket_event, multi);
        curl_multi_assign(multi->handle, socket, watch);
    } else if (watch->kinds != kinds) {
        event_del(watch->event);
        event_assign(watch->event, multi->base, socket, kinds, on_socket_event, multi);
    }
    watch->kinds = kinds;
    event_add(watch->event, NULL);
    return 0;
}

struct multi *multi_new(struct event_base *base, multi_done *done) {
    struct multi *multi = memory_allocate(1, sizeof *multi);
    multi->base = base;
    multi->done = done;
    multi->timer = evtimer_new(base, on_timer, multi);
    multi->handle = curl_multi_init();
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETFUNCTION, on_interest_change);
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERDATA, multi);
    return multi;
}

CURLM *multi_handle(const struct multi *multi) {
    return multi->handle;
}

void multi_free(struct multi *multi) {
    curl_multi_cleanup(multi->handle);
    event_free(multi->timer);
    free(multi);
}
