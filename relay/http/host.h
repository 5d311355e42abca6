// SPDX-License-Identifier: Apache-2.0
// What kind of host a URL names.
#pragma once

#include <stdbool.h>

// host_is_loopback: it is this machine itself, so that nobody is on the way: localhost, 127.0.0.0/8 or ::1
// (with or without brackets).
bool host_is_loopback(const char *host);
