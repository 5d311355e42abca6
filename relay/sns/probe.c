// SPDX-License-Identifier: Apache-2.0
// An event to probe with. The batch that has opened a breaker comes due when that is half open, but another
// relay may take it; what this relay has made wait would then wait on, though the topic works. So it asks for
// some of what waits.
#include "base/clock.h"
#include "sns/state.h"

enum { PAUSED_US = 1000000 }; // how often to look whether a paused topic is resumed

static int64_t earlier(int64_t one, int64_t other) {
    return one < other ? one : other;
}

static int64_t next_in(const struct publisher *publisher, int64_t now) {
    int64_t next = breaker_ask_in(&publisher->breaker, now);
    for (const struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        int64_t wait = breaker_ask_in(&topic->breaker, now);
        next = earlier(next, wait < PAUSED_US && topic->topic->paused ? PAUSED_US : wait);
    }
    return next;
}

void probe_expect(struct publisher *publisher) {
    int64_t wait = next_in(publisher, clock_monotonic_us());
    if (wait != INT64_MAX) {
        const struct timeval delay = {.tv_sec = wait / 1000000, .tv_usec = wait % 1000000};
        evtimer_add(publisher->probe_timer, &delay);
    }
}

static int ask(struct breaker *breaker, int64_t now) {
    return breaker_ask_in(breaker, now) == 0 ? breaker_ask(breaker, now) : 0;
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct publisher *publisher = context;
    int64_t now = clock_monotonic_us();
    int events = ask(&publisher->breaker, now);
    for (struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        events += topic->topic->paused ? 0 : ask(&topic->breaker, now);
    }
    if (events > 0) {
        publisher->listener.probing(publisher->listener.context, events);
    }
    probe_expect(publisher);
}

void probe_init(struct publisher *publisher, struct event_base *base) {
    publisher->probe_timer = evtimer_new(base, on_timer, publisher);
}
