// SPDX-License-Identifier: Apache-2.0
// The SQL files that are part of the program; the table is written by embed.cmake.
#pragma once

struct embedded_file {
    const char *name; // "migrations/0001_outbox.up.sql", "sql/inbox/prune.sql"; NULL ends the table
    const char *text;
};

extern const struct embedded_file embedded_files[]; // in order of their names
