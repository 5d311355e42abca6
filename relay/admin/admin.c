// SPDX-License-Identifier: Apache-2.0
#include "admin/admin.h"

#include "admin/routes.h"
#include "admin/state.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>

static void on_sample(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct admin *admin = context;
    history_take(&admin->history, clock_monotonic_us(), clock_unix_us());
}

static void begin_history(struct admin *admin, struct event_base *base) {
    const struct timeval interval = {.tv_sec = HISTORY_INTERVAL_SECONDS};
    history_begin(&admin->history, admin->subject.owner, clock_monotonic_us());
    admin->sampling = event_new(base, -1, EV_PERSIST, on_sample, admin);
    event_add(admin->sampling, &interval);
}

static bool listen_and_serve(struct admin *admin, struct event_base *base, struct error *error) {
    char text[ADDRESS_TEXT_SIZE];
    int socket = address_listen(&admin->address, error);
    if (socket < 0) {
        return false;
    }
    address_of_socket(socket, text);
    admin->server = server_new(base, socket, routes_answer, admin, error);
    if (admin->server == NULL) {
        return false;
    }
    begin_history(admin, base);
    log_info("listening", LOG_TEXT("address", text));
    if (!admin->address.loopback) {
        log_info("the admin port is open to the network: it shows what goes on, and only reads",
                 LOG_TEXT("address", text));
    }
    return true;
}

struct admin *admin_new(struct event_base *base, const struct settings *settings,
                        const struct admin_subject *subject, struct error *error) {
    struct admin *admin = memory_allocate(1, sizeof *admin);
    admin->settings = settings;
    admin->subject = *subject;
    admin->started_at = clock_unix_us();
    if (!address_parse(&admin->address, settings->listen, error) ||
        (!admin->address.off && !listen_and_serve(admin, base, error))) {
        free(admin);
        return NULL;
    }
    return admin;
}

void admin_free(struct admin *admin) {
    if (admin != NULL) {
        server_free(admin->server);
        if (admin->sampling != NULL) {
            event_free(admin->sampling);
        }
        free(admin);
    }
}
