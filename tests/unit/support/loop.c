// SPDX-License-Identifier: Apache-2.0
#include "support/loop.h"

static void on_deadline(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    *(bool *)context = true;
}

bool loop_until(struct event_base *base, bool (*done)(void *context), void *context) {
    static const struct timeval deadline = {.tv_sec = 10};
    bool late = false;
    struct event *timer = evtimer_new(base, on_deadline, &late);
    evtimer_add(timer, &deadline);
    while (!done(context) && !late) {
        event_base_loop(base, EVLOOP_ONCE);
    }
    event_free(timer);
    return done(context);
}

void loop_settle(struct event_base *base) {
    enum { ROUNDS = 50 };
    for (int round = 0; round < ROUNDS; round++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
}
