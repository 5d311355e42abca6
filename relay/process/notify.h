// SPDX-License-Identifier: Apache-2.0
// Telling systemd how this process is (sd_notify(3)): datagrams of NAME=VALUE lines to the socket that
// NOTIFY_SOCKET names. Where there is no such socket nothing is sent.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// notify_begin reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment, so
// that no child speaks in our name. Before there are threads; calling it again begins anew.
void notify_begin(void);

// notify_listened tells whether anybody listens.
bool notify_listened(void);

// notify_watchdog_us is within how many microseconds WATCHDOG=1 has to be sent again and again; 0: never.
int64_t notify_watchdog_us(void);

// notify_send sends lines, as "READY=1\nSTATUS=published 5". Never waits. False when nobody listens or it
// could not be sent; it may be tried again.
bool notify_send(const char *lines);

// notify_ready sends READY=1 with a status, once.
void notify_ready(const char *status);
bool notify_is_ready(void); // it has been sent

// notify_reloading and notify_reloaded go around a reload. Before the process is ready they send nothing: a
// READY=1 would say that it is.
void notify_reloading(void);
void notify_reloaded(void);
