// SPDX-License-Identifier: Apache-2.0
#include "commands/shells.h"

#include "commands/command.h"
#include "settings/options.h"

#include <stddef.h>

// Those with a flag that a command takes, of the kind wanted.
static bool is_flag_of(const struct option *option, const struct command *command) {
    return option->flag != NULL && (option->commands & option_command_mask(command->name)) != 0;
}

static bool takes_value(const struct option *option) {
    return option->flag != NULL && option->kind != OPTION_BOOLEAN;
}

static bool is_free(const struct option *option) {
    return takes_value(option) && option->kind != OPTION_CHOICE && !option->names_file;
}

static bool is_of_files(const struct option *option) {
    return takes_value(option) && option->names_file;
}

static void append_command_names(struct buffer *out) {
    for (const struct command *command = commands; command->name != NULL; command++) {
        buffer_append_format(out, "%s%s", command == commands ? "" : " ", command->name);
    }
}

static void append_choices(struct buffer *out, const struct option *option) {
    for (int index = 0; option->choices[index] != NULL; index++) {
        buffer_append_format(out, "%s%s", index == 0 ? "" : " ", option->choices[index]);
    }
}

// What may stand where a command's operands do.
static void append_words(struct buffer *out, const struct command *command) {
    buffer_append_text(out, command->words != NULL ? command->words : "");
    if (command->run == command_help) {
        buffer_append_char(out, ' ');
        append_command_names(out);
    }
}

// A case pattern: --config|--aws-ca-bundle.
static void append_pattern(struct buffer *out, bool (*is_wanted)(const struct option *option)) {
    const char *separator = "";
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (is_wanted(&options[index])) {
            buffer_append_format(out, "%s--%s", separator, options[index].flag);
            separator = "|";
        }
    }
}

// A text within single quotes; `escaped` is a character that gets a backslash as well (0: none). fish has \'
// there, the others leave the quotes for it.
static void append_quoted(struct buffer *out, const char *text, char escaped, const char *quote) {
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            buffer_append_text(out, quote);
        } else {
            buffer_append_text(out, escaped != '\0' && *text == escaped ? "\\" : "");
            buffer_append_char(out, *text);
        }
    }
}

static void append_bash_command(struct buffer *out, const struct command *command) {
    buffer_append_format(out, "        %s)\n            flags='", command->name);
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (is_flag_of(&options[index], command)) {
            buffer_append_format(out, "--%s ", options[index].flag);
        }
    }
    buffer_append_text(out, "--help' words='");
    append_words(out, command);
    buffer_append_text(out, "' ;;\n");
}

// bash takes --flag=value apart into three words.
void shells_append_bash(struct buffer *out) {
    buffer_append_text(out, "# outbox-relay: completion for bash\n"
                            "_outbox_relay() {\n"
                            "    local word=$2 flag=$3 flags='' words=''\n"
                            "    COMPREPLY=()\n"
                            "    if ((COMP_CWORD == 1)); then\n"
                            "        mapfile -t COMPREPLY < <(compgen -W '");
    append_command_names(out);
    buffer_append_text(
        out, " --help --version' -- \"$word\")\n"
             "        return\n"
             "    fi\n"
             "    [[ $word != '=' ]] || word=''\n"
             "    [[ ${COMP_WORDS[COMP_CWORD]} != '=' ]] || flag=${COMP_WORDS[COMP_CWORD - 1]}\n"
             "    [[ ${COMP_WORDS[COMP_CWORD - 1]} != '=' ]] || flag=${COMP_WORDS[COMP_CWORD - 2]}\n"
             "    case $flag in\n");
    for (int index = 0; index < OPTION_COUNT; index++) {
        const struct option *option = &options[index];
        if (option->flag != NULL && option->kind == OPTION_CHOICE) {
            buffer_append_format(out, "        --%s) words='", option->flag);
            append_choices(out, option);
            buffer_append_text(out, "' ;;\n");
        }
    }
    buffer_append_text(out, "        ");
    append_pattern(out, is_of_files);
    buffer_append_text(out, ")\n"
                            "            compopt -o filenames 2>/dev/null\n"
                            "            mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                            "            return ;;\n        ");
    append_pattern(out, is_free);
    buffer_append_text(out, ") return ;;\n"
                            "    esac\n"
                            "    if [[ $words ]]; then\n"
                            "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                            "        return\n"
                            "    fi\n"
                            "    case ${COMP_WORDS[1]} in\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        append_bash_command(out, command);
    }
    buffer_append_text(out, "    esac\n"
                            "    [[ $word != -* ]] || words=$flags\n"
                            "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                            "}\n"
                            "complete -F _outbox_relay outbox-relay\n");
}

static void append_zsh_command(struct buffer *out, const struct command *command) {
    buffer_append_format(out, "        %s)\n            words_of=(", command->name);
    append_words(out, command);
    buffer_append_text(out, ")\n            flags=(\n");
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (is_flag_of(&options[index], command)) {
            buffer_append_format(out, "                '--%s:", options[index].flag);
            append_quoted(out, options[index].help, ':', "'\\''");
            buffer_append_text(out, "'\n");
        }
    }
    buffer_append_text(out, "                '--help:explain it') ;;\n");
}

static void append_zsh_values(struct buffer *out) {
    buffer_append_text(out, "    case $flag in\n");
    for (int index = 0; index < OPTION_COUNT; index++) {
        const struct option *option = &options[index];
        if (option->flag != NULL && option->kind == OPTION_CHOICE) {
            buffer_append_format(out, "        --%s) compadd -- ", option->flag);
            append_choices(out, option);
            buffer_append_text(out, "; return ;;\n");
        }
    }
    buffer_append_text(out, "        ");
    append_pattern(out, is_of_files);
    buffer_append_text(out, ") _files; return ;;\n        ");
    append_pattern(out, is_free);
    buffer_append_text(out, ") return ;;\n    esac\n");
}

void shells_append_zsh(struct buffer *out) {
    buffer_append_text(out, "#compdef outbox-relay\n"
                            "# outbox-relay: completion for zsh\n"
                            "_outbox_relay() {\n"
                            "    local flag=${words[CURRENT-1]}\n"
                            "    local -a commands_of flags words_of\n"
                            "    commands_of=(\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        buffer_append_format(out, "        '%s:", command->name);
        append_quoted(out, command->summary, ':', "'\\''");
        buffer_append_text(out, "'\n");
    }
    buffer_append_text(out, "    )\n"
                            "    if (( CURRENT == 2 )); then\n"
                            "        _describe command commands_of\n"
                            "        return\n"
                            "    fi\n"
                            "    if [[ $PREFIX == --*=* ]]; then\n"
                            "        flag=${PREFIX%%=*}\n"
                            "        compset -P '*='\n"
                            "    fi\n");
    append_zsh_values(out);
    buffer_append_text(out, "    case ${words[2]} in\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        append_zsh_command(out, command);
    }
    buffer_append_text(out, "    esac\n"
                            "    if [[ $PREFIX == -* ]]; then\n"
                            "        _describe -o option flags\n"
                            "    else\n"
                            "        compadd -- $words_of\n"
                            "    fi\n"
                            "}\n"
                            "if [[ ${funcstack[1]-} == _outbox_relay ]]; then\n"
                            "    _outbox_relay \"$@\"\n"
                            "else\n"
                            "    compdef _outbox_relay outbox-relay\n"
                            "fi\n");
}

static void append_fish_option(struct buffer *out, const struct option *option) {
    buffer_append_text(out, "complete -c outbox-relay -n '__fish_seen_subcommand_from");
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (is_flag_of(option, command)) {
            buffer_append_format(out, " %s", command->name);
        }
    }
    buffer_append_format(out, "' -l %s", option->flag);
    if (option->kind == OPTION_CHOICE) {
        buffer_append_text(out, " -x -a '");
        append_choices(out, option);
        buffer_append_char(out, '\'');
    } else if (option->names_file) {
        buffer_append_text(out, " -r -F");
    } else if (takes_value(option)) {
        buffer_append_text(out, " -x");
    }
    buffer_append_text(out, " -d '");
    append_quoted(out, option->help, '\\', "\\'");
    buffer_append_text(out, "'\n");
}

static void append_fish_command(struct buffer *out, const struct command *command) {
    buffer_append_format(out, "complete -c outbox-relay -n __fish_use_subcommand -a %s -d '", command->name);
    append_quoted(out, command->summary, '\\', "\\'");
    buffer_append_text(out, "'\n");
    if (command->words != NULL) {
        buffer_append_format(out, "complete -c outbox-relay -n '__fish_seen_subcommand_from %s' -a '",
                             command->name);
        append_words(out, command);
        buffer_append_text(out, "'\n");
    }
}

void shells_append_fish(struct buffer *out) {
    buffer_append_text(out, "# outbox-relay: completion for fish\n"
                            "complete -c outbox-relay -f\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        append_fish_command(out, command);
    }
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (options[index].flag != NULL) {
            append_fish_option(out, &options[index]);
        }
    }
}
