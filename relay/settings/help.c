// SPDX-License-Identifier: Apache-2.0
// Help from the table of options; see help.h. Those that have no flag are shown apart: they are the variables
// of the AWS SDKs.
#include "settings/help.h"

#include "settings/options.h"

enum { NAME_WIDTH = 34 };

static const char *placeholder(const struct option *option) {
    static const char *const words[] = {
        [OPTION_TEXT] = " TEXT",   [OPTION_INTEGER] = " NUMBER",       [OPTION_DURATION] = " DURATION",
        [OPTION_BYTES] = " BYTES", [OPTION_BOOLEAN] = "[=true|false]", [OPTION_CHOICE] = " WORD",
    };
    return words[option->kind];
}

static void append_variables(struct buffer *out, const struct option *option, const char *quote) {
    if (option->variable == NULL) {
        return;
    }
    buffer_append_format(out, " %s%s%s", quote, option->variable, quote);
    if (option->alternative != NULL) {
        buffer_append_format(out, " or %s%s%s", quote, option->alternative, quote);
    }
    if (option->from_file) {
        buffer_append_format(out, " or %s%s_FILE%s", quote, option->variable, quote);
    }
}

static void append_flag(struct buffer *out, const struct option *option) {
    size_t start = out->length;
    buffer_append_format(out, "  --%s%s", option->flag, placeholder(option));
    while (option->variable != NULL && out->length - start < NAME_WIDTH - 1 && !out->overflow) {
        buffer_append_char(out, ' ');
    }
}

static void append_option(struct buffer *out, const struct option *option) {
    if (option->flag != NULL) {
        append_flag(out, option);
    } else {
        buffer_append_char(out, ' ');
    }
    append_variables(out, option, "");
    buffer_append_format(out, "\n      %s", option->help);
    if (option->kind != OPTION_TEXT) {
        buffer_append_text(out, " (");
        option_append_allowed(option, out);
        buffer_append_char(out, ')');
    }
    if (option->fallback[0] != '\0') {
        buffer_append_format(out, " [default: %s]", option->fallback);
    }
    buffer_append_char(out, '\n');
}

// Appends the options of some commands that have a flag, or those that have none, below `title`.
static void append_group(struct buffer *out, unsigned commands, bool flagged, const char *title) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        const struct option *option = &options[index];
        if ((option->commands & commands) != 0 && (option->flag != NULL) == flagged) {
            buffer_append_text(out, title);
            append_option(out, option);
            title = "";
        }
    }
}

void help_append_options(struct buffer *out, const char *command) {
    unsigned commands = option_command_mask(command);
    append_group(out, commands, true,
                 "\nOptions: a flag, else the variable beside it, else the default. A variable ending in "
                 "_FILE names a\nfile that holds the value.\n\n");
    append_group(out, commands, false,
                 "\nVariables without a flag: secrets, and those of the AWS SDKs; much of what is not set is "
                 "looked for in the profile.\n\n");
}

static void append_row(struct buffer *out, const struct option *option) {
    buffer_append_text(out, "|");
    if (option->flag != NULL) {
        buffer_append_format(out, " `--%s` |", option->flag);
    }
    append_variables(out, option, "`");
    buffer_append_text(out, " |");
    if (option->fallback[0] != '\0') {
        buffer_append_format(out, " `%s`", option->fallback);
    }
    buffer_append_text(out, option->kind == OPTION_TEXT ? " |" : " | ");
    option_append_allowed(option, out);
    buffer_append_format(out, " | %s |\n", option->help);
}

static void append_rows(struct buffer *out, bool flagged) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        if ((options[index].flag != NULL) == flagged) {
            append_row(out, &options[index]);
        }
    }
}

void help_append_table(struct buffer *out) {
    buffer_append_text(
        out, "| flag | variable | default | allowed | meaning |\n| --- | --- | --- | --- | --- |\n");
    append_rows(out, true);
    buffer_append_text(out, "\nVariables without a flag: secrets, and those of the AWS SDKs; much of what is "
                            "not set is looked for in the profile.\n\n"
                            "| variable | default | allowed | meaning |\n| --- | --- | --- | --- |\n");
    append_rows(out, false);
}
