// SPDX-License-Identifier: Apache-2.0
// The commands of outbox-relay: what a user can call, and the functions behind it.
#pragma once

#include "base/error.h"
#include "settings/settings.h"

#include <stdbool.h>

enum { OPERANDS_MAX = 1000 };

// A command's function gets the settings and what was no option, as many as `operands_least` to
// `operands_most` say. Results go to standard output; an error's code is the exit code.
typedef bool (*command_fn)(const struct settings *settings, const char *const *operands, int operand_count,
                           struct error *error);

struct command {
    const char *name;
    const char *summary;  // one line
    const char *operands; // as the usage line shows them; "" for none
    const char *details;  // further help, ending in a line break; "" for none
    const char *words;    // what an operand may be, with blanks between; NULL: no words
    const char *role;     // what its own role must be a member of; NULL: a refusal has its remedy already
    int operands_least, operands_most;
    command_fn run;
};

extern const struct command commands[]; // a NULL name ends it

// command_find returns the command of that name, or NULL with an ERROR_USAGE error.
const struct command *command_find(const char *name, struct error *error);

// command_main is the whole program: finds the command, reads its settings, runs it, prints an error once on
// standard error. Returns the exit code. Called as "bootstrap", without arguments, it is `lambda`: that is
// how AWS Lambda starts a custom runtime.
int command_main(int argc, char **argv);

// command_run publishes events until it is told to stop (or, with until_empty, until none is left).
bool command_run(const struct settings *settings, const char *const *operands, int operand_count,
                 struct error *error);

// command_consume receives from a queue and runs handlers until it is told to stop (or, with until_empty,
// until the queue is empty).
bool command_consume(const struct settings *settings, const char *const *operands, int operand_count,
                     struct error *error);

bool command_migrate(const struct settings *settings, const char *const *operands, int operand_count,
                     struct error *error);
bool command_publish(const struct settings *settings, const char *const *operands, int operand_count,
                     struct error *error);
bool command_retry(const struct settings *settings, const char *const *operands, int operand_count,
                   struct error *error);
bool command_park(const struct settings *settings, const char *const *operands, int operand_count,
                  struct error *error);
bool command_pause(const struct settings *settings, const char *const *operands, int operand_count,
                   struct error *error);
bool command_resume(const struct settings *settings, const char *const *operands, int operand_count,
                    struct error *error);
bool command_check(const struct settings *settings, const char *const *operands, int operand_count,
                   struct error *error);
bool command_status(const struct settings *settings, const char *const *operands, int operand_count,
                    struct error *error);
bool command_prune(const struct settings *settings, const char *const *operands, int operand_count,
                   struct error *error);
bool command_lambda(const struct settings *settings, const char *const *operands, int operand_count,
                    struct error *error);
bool command_healthcheck(const struct settings *settings, const char *const *operands, int operand_count,
                         struct error *error);
bool command_help(const struct settings *settings, const char *const *operands, int operand_count,
                  struct error *error);
bool command_completion(const struct settings *settings, const char *const *operands, int operand_count,
                        struct error *error);
bool command_version(const struct settings *settings, const char *const *operands, int operand_count,
                     struct error *error);
