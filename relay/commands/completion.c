// SPDX-License-Identifier: Apache-2.0
// outbox-relay completion: scripts that complete commands, options and their values, from the same tables
// that the program reads them by.
#include "base/buffer.h"
#include "commands/command.h"
#include "commands/shells.h"

#include <stdio.h>
#include <string.h>

enum { SCRIPT_SIZE_MAX = 1 << 18 };

bool command_completion(const struct settings *settings, const char *const *operands, int operand_count,
                        struct error *error) {
    static const struct {
        const char *name;
        void (*append)(struct buffer *out);
    } shells[] = {{"bash", shells_append_bash}, {"zsh", shells_append_zsh}, {"fish", shells_append_fish}};
    (void)settings;
    (void)operand_count;
    for (size_t index = 0; index < sizeof shells / sizeof shells[0]; index++) {
        if (strcmp(operands[0], shells[index].name) == 0) {
            struct buffer script;
            buffer_init(&script, SCRIPT_SIZE_MAX);
            shells[index].append(&script);
            (void)fwrite(buffer_text(&script), 1, script.length, stdout);
            buffer_free(&script);
            return true;
        }
    }
    return error_set(error, ERROR_USAGE, "there is no completion for %.32s; write bash, zsh or fish",
                     operands[0]);
}
