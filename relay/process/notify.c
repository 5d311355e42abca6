// SPDX-License-Identifier: Apache-2.0
#include "process/notify.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINES_SIZE = 512 };

static struct {
    struct sockaddr_un address;
    socklen_t length; // 0: nobody listens
    int64_t watchdog_us;
    bool is_ready;
} manager;

// A path, or a name in the abstract namespace, for which "@" stands in the place of its zero byte.
static void read_address(const char *name) {
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof manager.address.sun_path) {
        return;
    }
    manager.address.sun_family = AF_UNIX;
    memcpy(manager.address.sun_path, name, length);
    if (name[0] == '@') {
        manager.address.sun_path[0] = '\0';
    }
    manager.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

// A whole number above 0; 0 for anything else.
static int64_t read_number(const char *text) {
    char *end = NULL;
    errno = 0;
    long long number = text != NULL ? strtoll(text, &end, 10) : 0;
    return end != NULL && *end == '\0' && errno == 0 && number > 0 ? number : 0;
}

static int64_t read_watchdog(void) {
    const char *pid = getenv("WATCHDOG_PID");
    bool ours = pid == NULL || read_number(pid) == getpid();
    return ours ? read_number(getenv("WATCHDOG_USEC")) : 0;
}

void notify_begin(void) {
    memset(&manager, 0, sizeof manager);
    const char *name = getenv("NOTIFY_SOCKET");
    if (name != NULL) {
        read_address(name);
    }
    if (notify_listened()) {
        manager.watchdog_us = read_watchdog();
    }
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

bool notify_listened(void) {
    return manager.length > 0;
}

int64_t notify_watchdog_us(void) {
    return manager.watchdog_us;
}

bool notify_send(const char *lines) {
    if (!notify_listened()) {
        return false;
    }
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return false;
    }
    ssize_t sent = sendto(descriptor, lines, strlen(lines), MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)&manager.address, manager.length);
    (void)close(descriptor);
    return sent >= 0;
}

void notify_ready(const char *status) {
    char lines[LINES_SIZE];
    (void)snprintf(lines, sizeof lines, "READY=1\nSTATUS=%s", status);
    manager.is_ready = manager.is_ready || notify_send(lines);
}

bool notify_is_ready(void) {
    return manager.is_ready;
}

void notify_reloading(void) {
    char lines[LINES_SIZE];
    (void)snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic_us());
    if (manager.is_ready) {
        (void)notify_send(lines);
    }
}

void notify_reloaded(void) {
    if (manager.is_ready) {
        (void)notify_send("READY=1");
    }
}
