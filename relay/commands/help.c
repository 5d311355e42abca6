// SPDX-License-Identifier: Apache-2.0
// outbox-relay help: the commands, one command, the settings, the metrics, the exit codes.
#include "settings/help.h"

#include "base/buffer.h"
#include "commands/command.h"
#include "commands/manual.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <string.h>

enum { PAGE_SIZE_MAX = 65536 };

static void append_commands(struct buffer *out) {
    buffer_append_text(out, "Usage: outbox-relay COMMAND [OPTION...]\n\n"
                            "Publishes events from a PostgreSQL outbox table to AWS SNS, at least once.\n\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        buffer_append_format(out, "  %-11s %s\n", command->name, command->summary);
    }
    buffer_append_text(
        out, "\noutbox-relay help COMMAND explains one and lists its options; help settings has all "
             "options as a\ntable, help metrics what /metrics has, help exit-codes what an exit code "
             "means,\nhelp man the "
             "manual page.\n");
}

// As the manual shows them.
static void append_command_table(struct buffer *out) {
    buffer_append_text(out, "| command | meaning |\n| --- | --- |\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        buffer_append_format(out, "| `%s` | %s |\n", command->name, command->summary);
    }
}

static void append_exit_codes(struct buffer *out) {
    buffer_append_text(out, "| exit code | meaning |\n| --- | --- |\n");
    for (int code = 0; error_code_meaning(code) != NULL; code++) {
        buffer_append_format(out, "| %d | %s |\n", code, error_code_meaning(code));
    }
}

static void append_command(struct buffer *out, const struct command *command) {
    buffer_append_format(out, "Usage: outbox-relay %s%s%s [OPTION...]\n\n%c%s.\n", command->name,
                         command->operands[0] == '\0' ? "" : " ", command->operands,
                         command->summary[0] - 'a' + 'A', command->summary + 1);
    if (command->details[0] != '\0') {
        buffer_append_format(out, "\n%s", command->details);
    }
    help_append_options(out, command->name);
}

static bool append_topic(struct buffer *out, const char *topic, struct error *error) {
    if (strcmp(topic, "settings") == 0) {
        help_append_table(out);
    } else if (strcmp(topic, "commands") == 0) {
        append_command_table(out);
    } else if (strcmp(topic, "exit-codes") == 0) {
        append_exit_codes(out);
    } else if (strcmp(topic, "metrics") == 0) {
        metrics_append_table(out);
    } else if (strcmp(topic, "man") == 0) {
        manual_append(out);
    } else {
        const struct command *command = command_find(topic, error);
        if (command == NULL) {
            return false;
        }
        append_command(out, command);
    }
    return true;
}

bool command_help(const struct settings *settings, const char *const *operands, int operand_count,
                  struct error *error) {
    (void)settings;
    struct buffer page;
    buffer_init(&page, PAGE_SIZE_MAX);
    bool found = true;
    if (operand_count == 0) {
        append_commands(&page);
    } else {
        found = append_topic(&page, operands[0], error);
    }
    (void)fwrite(buffer_text(&page), 1, page.length, stdout);
    buffer_free(&page);
    return found;
}
