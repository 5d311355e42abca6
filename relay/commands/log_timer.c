// SPDX-License-Identifier: Apache-2.0
#include "commands/log_timer.h"

#include "base/log.h"

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    (void)context;
    log_flush_suppressed(false);
}

struct event *log_timer_new(struct event_base *base) {
    static const struct timeval interval = {.tv_sec = 10};
    struct event *timer = event_new(base, -1, EV_PERSIST, on_timer, NULL);
    event_add(timer, &interval);
    return timer;
}
