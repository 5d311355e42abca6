// SPDX-License-Identifier: Apache-2.0
// The paths of the admin port: one table, a function for each.
#pragma once

#include "admin/server.h"
#include "admin/state.h"
#include "observe/health.h"

// Writes the answer to a GET of its path into `reply`.
typedef void (*route_fn)(struct admin *admin, const struct server_request *request,
                         struct server_reply *reply);

struct route {
    const char *path;
    const char *about; // half a line
    route_fn answer;
};

extern const struct route admin_routes[]; // a NULL path ends it

// routes_answer answers any request: by its route, or with what is wrong with it (403 for a Host that is not
// ours, 404, 405). `context` is the struct admin.
void routes_answer(void *context, const struct server_request *request, struct server_reply *reply);

// readiness_read asks for every check, and adds one that is not good while the program stops. Returns whether
// it is ready.
bool readiness_read(const struct admin *admin, struct health *health);

// readiness_append writes a line for each check, "[+]database ok", "[-]sns: why", or only for those that are
// not good.
void readiness_append(const struct health *health, bool only_bad, struct buffer *out);
