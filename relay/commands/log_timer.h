// SPDX-License-Identifier: Apache-2.0
// Lines that the logger has left out are told of in time, also when no further line of their kind comes.
#pragma once

#include <event2/event.h>

// log_timer_new has the logger look every ten seconds; event_free ends it.
struct event *log_timer_new(struct event_base *base);
