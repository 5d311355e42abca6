// SPDX-License-Identifier: Apache-2.0
// What the answers of the admin port are made from. Nobody outside of this module includes this.
#pragma once

#include "admin/address.h"
#include "admin/admin.h"
#include "admin/server.h"
#include "observe/history.h"

#include <stdint.h>

struct admin {
    const struct settings *settings;
    struct admin_subject subject;
    struct address address;
    int64_t started_at; // clock_unix_us
    struct server *server;
    struct history history;
    struct event *sampling; // the next sample of history; NULL when nobody can ask for it
};
