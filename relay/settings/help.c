// SPDX-License-Identifier: Apache-2.0
// Help from the table of options; see help.h.
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
    if (option->secret) {
        buffer_append_format(out, " or %s%s_FILE%s", quote, option->variable, quote);
    }
}

static void append_option(struct buffer *out, const struct option *option) {
    size_t start = out->length;
    if (option->flag != NULL) {
        buffer_append_format(out, "  --%s%s", option->flag, placeholder(option));
    }
    while (option->variable != NULL && out->length - start < NAME_WIDTH - 1 && !out->overflow) {
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

void help_append_options(struct buffer *out, const char *command) {
    unsigned commands = option_command_mask(command);
    if (commands == 0) {
        return;
    }
    buffer_append_text(
        out, "\nOptions: a flag, else the variable beside it, else the default. A variable ending in "
             "_FILE names a\nfile that holds the value.\n\n");
    for (int index = 0; index < OPTION_COUNT; index++) {
        if ((options[index].commands & commands) != 0) {
            append_option(out, &options[index]);
        }
    }
}

static void append_row(struct buffer *out, const struct option *option) {
    buffer_append_text(out, "|");
    if (option->flag != NULL) {
        buffer_append_format(out, " `--%s`", option->flag);
    }
    buffer_append_text(out, " |");
    append_variables(out, option, "`");
    buffer_append_text(out, " |");
    if (option->fallback[0] != '\0') {
        buffer_append_format(out, " `%s`", option->fallback);
    }
    buffer_append_text(out, option->kind == OPTION_TEXT ? " |" : " | ");
    option_append_allowed(option, out);
    buffer_append_format(out, " | %s |\n", option->help);
}

void help_append_table(struct buffer *out) {
    buffer_append_text(
        out, "| flag | variable | default | allowed | meaning |\n| --- | --- | --- | --- | --- |\n");
    for (int index = 0; index < OPTION_COUNT; index++) {
        append_row(out, &options[index]);
    }
}
