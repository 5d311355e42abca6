// SPDX-License-Identifier: Apache-2.0
// Checks a connection string before libpq sees it.
#pragma once

#include "base/error.h"

#include <stdbool.h>

// conninfo_check: "" (libpq's PG* variables rule), a URL or a list of keyword=value. What libpq would misread
// in a way that shows part of a password in its own errors is refused (ERROR_USAGE); the text itself is never
// shown. Source: PostgreSQL, "Connection Strings" in the chapter on libpq.
bool conninfo_check(const char *conninfo, struct error *error);

// conninfo_same_database: two connection strings that are valid lead to the same database, with the same
// options: they differ in nothing but who connects (user, password, the files of certificate and password).
bool conninfo_same_database(const char *one, const char *other);
