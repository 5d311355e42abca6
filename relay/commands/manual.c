// SPDX-License-Identifier: Apache-2.0
#include "commands/manual.h"

#include "commands/command.h"
#include "settings/options.h"

#include <stddef.h>
#include <string.h>

// A backslash would be a command of roff, a hyphen-minus would become a typographic hyphen, and a line that
// begins with a dot or an apostrophe is a request.
static void append_text(struct buffer *out, const char *text) {
    bool line_begins = out->length == 0 || out->data[out->length - 1] == '\n';
    for (; *text != '\0'; text++) {
        if (line_begins && (*text == '.' || *text == '\'')) {
            buffer_append_text(out, "\\&");
        }
        line_begins = *text == '\n';
        if (*text == '\\') {
            buffer_append_text(out, "\\e");
        } else if (*text == '-') {
            buffer_append_text(out, "\\-");
        } else if (*text == '\'') {
            buffer_append_text(out, "\\(aq");
        } else {
            buffer_append_char(out, *text);
        }
    }
}

// A tagged paragraph's tag: words in bold, what stands for a value in italics.
static void append_tag(struct buffer *out, const char *bold, const char *italic) {
    buffer_append_text(out, ".TP\n\\fB");
    append_text(out, bold);
    buffer_append_text(out, "\\fR");
    if (italic[0] != '\0') {
        buffer_append_text(out, " \\fI");
        append_text(out, italic);
        buffer_append_text(out, "\\fR");
    }
    buffer_append_char(out, '\n');
}

static void append_commands(struct buffer *out) {
    buffer_append_text(out, ".SH COMMANDS\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        append_tag(out, command->name, command->operands);
        buffer_append_char(out, command->summary[0] - 'a' + 'A');
        append_text(out, command->summary + 1);
        buffer_append_text(out, ".\n");
        if (command->details[0] != '\0') {
            buffer_append_text(out, ".IP\n.nf\n");
            append_text(out, command->details);
            buffer_append_text(out, ".fi\n");
        }
    }
}

static void append_commands_of(struct buffer *out, const struct option *option) {
    const char *separator = "Commands: ";
    if (option->commands == COMMAND_ALL) {
        return;
    }
    for (const struct command *command = commands; command->name != NULL; command++) {
        if ((option->commands & option_command_mask(command->name)) != 0) {
            buffer_append_text(out, separator);
            append_text(out, command->name);
            separator = ", ";
        }
    }
    buffer_append_text(out, ".\n");
}

static void append_details(struct buffer *out, const struct option *option) {
    append_text(out, option->help);
    buffer_append_text(out, ".\n");
    if (option->kind != OPTION_TEXT) {
        struct buffer allowed;
        buffer_init(&allowed, 512);
        option_append_allowed(option, &allowed);
        buffer_append_text(out, "Allowed: ");
        append_text(out, buffer_text(&allowed));
        buffer_append_text(out, ".\n");
        buffer_free(&allowed);
    }
    if (option->fallback[0] != '\0') {
        buffer_append_text(out, "Default: ");
        append_text(out, option->fallback);
        buffer_append_text(out, ".\n");
    }
    append_commands_of(out, option);
    buffer_append_text(out, option->reloads ? "Read again on SIGHUP.\n" : "");
}

static void append_variables(struct buffer *out, const struct option *option) {
    if (option->variable == NULL) {
        return;
    }
    buffer_append_format(out, "\\fB%s\\fR", option->variable);
    if (option->alternative != NULL) {
        buffer_append_format(out, " or \\fB%s\\fR", option->alternative);
    }
    if (option->from_file) {
        buffer_append_format(out, " or \\fB%s_FILE\\fR", option->variable);
    }
}

static void append_flag(struct buffer *out, const struct option *option) {
    static const char *const words[] = {
        [OPTION_TEXT] = "TEXT",   [OPTION_INTEGER] = "NUMBER", [OPTION_DURATION] = "DURATION",
        [OPTION_BYTES] = "BYTES", [OPTION_BOOLEAN] = "",       [OPTION_CHOICE] = "WORD",
    };
    buffer_append_text(out, ".TP\n\\fB\\-\\-");
    append_text(out, option->flag);
    buffer_append_format(out, "\\fR \\fI%s\\fR", option->names_file ? "FILE" : words[option->kind]);
    if (option->variable != NULL) {
        buffer_append_text(out, ", ");
        append_variables(out, option);
    }
    buffer_append_char(out, '\n');
}

static void append_options(struct buffer *out, bool flagged) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        const struct option *option = &options[index];
        if ((option->flag != NULL) != flagged) {
            continue;
        }
        if (flagged) {
            append_flag(out, option);
        } else {
            buffer_append_text(out, ".TP\n");
            append_variables(out, option);
            buffer_append_char(out, '\n');
        }
        append_details(out, option);
    }
}

static void append_exit_codes(struct buffer *out) {
    buffer_append_text(out, ".SH EXIT STATUS\n");
    for (int code = 0; error_code_meaning(code) != NULL; code++) {
        buffer_append_format(out, ".TP\n.B %d\n", code);
        append_text(out, error_code_meaning(code));
        buffer_append_text(out, ".\n");
    }
}

static const char beginning[] =
    ".TH OUTBOX\\-RELAY 1 \"\" \"outbox\\-relay " RELAY_VERSION "\" \"User Commands\"\n"
    ".SH NAME\noutbox\\-relay \\- publish events from a PostgreSQL outbox table to AWS SNS\n"
    ".SH SYNOPSIS\n.B outbox\\-relay\n.I COMMAND\n.RI [ OPTION ...]\n"
    ".SH DESCRIPTION\nA service inserts events into table outbox.event in the transaction that they tell "
    "of;\n"
    "outbox\\-relay publishes every committed one, at least once, and marks its row sent. The same program "
    "consumes\n"
    "events from SQS.\n";

static const char about_options[] =
    ".SH OPTIONS\nA flag goes before the environment variable beside it, that before its line in the config "
    "file,\n"
    "that before the default. A variable ending in _FILE names a file that holds the value.\n";

static const char about_variables[] =
    ".SH ENVIRONMENT\nBesides those of the options above, and libpq\\(aqs PGHOST, PGUSER, ...:\n";

static const char ending[] =
    ".SH SIGNALS\n"
    ".TP\n.BR SIGTERM \", \" SIGINT\nStop in good order: what is in flight is finished. A second signal ends "
    "at once.\n"
    ".TP\n.B SIGHUP\n"
    ".BR run \" and \" consume\nread the config file and the files of _FILE variables again. All is checked "
    "before\n"
    "anything changes; the log says what has, and what needs a restart.\n"
    ".SH FILES\n"
    ".TP\nthe config file\nLines NAME=VALUE with the variables above, as in systemd\\(aqs EnvironmentFile; # "
    "begins a\n"
    "comment line. In single quotes a value is taken as it is; in double quotes a backslash goes before a "
    "double\n"
    "quote, a backslash, $ or a backtick only. Lines OUTBOX_ON may be repeated. Names that do not begin with "
    "OUTBOX_\n"
    "may be those of other programs.\n"
    ".TP\n.IR \\(ti/.aws/config \", \" \\(ti/.aws/credentials\nthe profiles of the AWS SDKs.\n"
    ".SH SEE ALSO\n.BR psql (1),\n.BR systemd.exec (5)\n";

void manual_append(struct buffer *out) {
    buffer_append_text(out, beginning);
    append_commands(out);
    buffer_append_text(out, about_options);
    append_options(out, true);
    buffer_append_text(out, about_variables);
    append_options(out, false);
    append_exit_codes(out);
    buffer_append_text(out, ending);
}
