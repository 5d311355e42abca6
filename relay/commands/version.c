// SPDX-License-Identifier: Apache-2.0
// outbox-relay version.
#include "commands/command.h"

#include <stdio.h>

bool command_version(const struct settings *settings, const char *const *operands, int operand_count,
                     struct error *error) {
    (void)settings;
    (void)operands;
    (void)operand_count;
    (void)error;
    (void)puts("outbox-relay " RELAY_VERSION);
    return true;
}
