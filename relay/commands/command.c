// SPDX-License-Identifier: Apache-2.0
// The table of commands and the way from the command line to one of them; see command.h.
#include "commands/command.h"

#include "commands/reload.h"
#include "observe/metrics.h"
#include "process/notify.h"

#include <stdio.h>
#include <string.h>

// clang-format off
const struct command commands[] = {
    {.name = "run", .summary = "publish events until told to stop", .operands = "",
     .details = "Claims committed events from table outbox.event, publishes them, and marks them sent. SIGTERM or SIGINT:\n"
                "stops claiming, finishes what is in flight, marks it, exits 0. A second signal exits at once.\n",
     .run = command_run},
    {.name = "consume", .summary = "receive events from an SQS queue and run handlers for them", .operands = "",
     .details = "Receives messages of --queue-url, runs the handlers that --on names for their events, and deletes what was\n"
                "handled. What fails comes again later, until the queue's redrive policy moves it to the dead-letter queue.\n"
                "An event that no handler is for is deleted. SIGTERM or SIGINT: receives nothing more, finishes what is\n"
                "being handled, gives back the rest, exits 0. A second signal exits at once.\n",
     .run = command_consume},
    {.name = "migrate", .summary = "create, update, inspect or remove schema outbox, or inbox",
     .operands = "up | down [force] | status | print", .words = "up down status print", .operands_least = 1, .operands_most = 2,
     .details = "  up          apply what is missing; changes nothing on an up-to-date database\n"
                "  down        take back the newest migration; the first, with which the table goes, is refused while\n"
                "              events are not sent, or processed events are remembered\n"
                "  down force  the same, whatever is lost\n"
                "  status      list what is applied and what is missing; exit code 4 when the schema is not up to date\n"
                "  print       write all SQL to standard output, for a migration tool of your own\n"
                "\nSchema outbox belongs to a service that publishes; --inbox is about schema inbox, of a service that\n"
                "consumes. Both may be in one database. The role needs the right to create the schema. Connect to\n"
                "PostgreSQL itself, not to a pooler.\n",
     .run = command_migrate},
    {.name = "publish", .summary = "insert one event, for trying things out", .operands = "TYPE AGGREGATE DATA",
     .operands_least = 3, .operands_most = 3,
     .details = "TYPE is the event type (order.created), AGGREGATE what order is kept within (order-1), DATA a JSON\n"
                "value ('{\"total\":5}'; write -- before one that begins with a dash). Prints the event's id.\n",
     .role = "outbox_writer", .run = command_publish},
    {.name = "retry", .summary = "try events again that are parked or put off",
     .operands = "ID... | --pattern PATTERN", .operands_most = OPERANDS_MAX,
     .details = "ID is an event's id (column id of outbox.parked and outbox.pending, \"sequence\" in the message). PATTERN is\n"
                "a pattern of event types: * is one word, ** any number. Parked events come back into line as if they had\n"
                "never failed; those to be retried later are due at once. Prints what it did.\n",
     .role = "outbox_relay", .run = command_retry},
    {.name = "park", .summary = "take events out of line that are not sent", .operands = "ID...",
     .operands_least = 1, .operands_most = OPERANDS_MAX,
     .details = "ID is an event's id. View outbox.parked shows what is parked; retry brings it back. Waits for events that\n"
                "are being published. Prints what it did.\n",
     .role = "outbox_relay", .run = command_park},
    {.name = "pause", .summary = "stop publishing to a topic until it is resumed", .operands = "TOPIC",
     .operands_least = 1, .operands_most = 1,
     .details = "TOPIC is the topic's ARN. Its events wait; table outbox.paused_topic shows what is paused. Prints what it\n"
                "did.\n",
     .role = "outbox_relay", .run = command_pause},
    {.name = "resume", .summary = "publish to a paused topic again", .operands = "TOPIC",
     .operands_least = 1, .operands_most = 1, .details = "TOPIC is the topic's ARN. Prints what it did.\n",
     .role = "outbox_relay", .run = command_resume},
    {.name = "prune", .summary = "delete sent events, or the memory of processed ones, that are old",
     .operands = "[force]", .operands_most = 1,
     .details = "Deletes events that were sent longer ago than --older-than, in small transactions with rests between them;\n"
                "what is not sent or is parked stays. The relay does so by itself after --retention. With --inbox: what\n"
                "was processed longer ago, of all consumers; less than 15d is refused without force, as SQS can still\n"
                "deliver it. SIGINT or SIGTERM ends it after the step that is under way; calling it again goes on. Prints\n"
                "how many.\n",
     .role = "outbox_relay", .run = command_prune},
    {.name = "status", .summary = "show what waits, who publishes, and what needs a person", .operands = "",
     .details = "Shows function outbox.report(): what needs attention, the events that are not sent, by type as well, which\n"
                "relays are connected and which of them leads, what events wait for, what is parked, which topics are\n"
                "paused, what holds back the outbox or vacuum, and the table. Figures with \"about\" are estimates. --json\n"
                "prints the report as it is. Needs role outbox_reader or outbox_relay.\n\n"
                "Exit code 8 when something needs a person: no relay is connected while events are to be published, an\n"
                "event is parked, a topic is paused, an event has been pending or has waited for 5 minutes, or something\n"
                "has held back the outbox or vacuum for 15 minutes. --watch ends with 0 when it is interrupted.\n",
     .role = "outbox_reader", .run = command_status},
    {.name = "check", .summary = "say what is wrong between the outbox and its consumers, and what to do", .operands = "",
     .details = "Looks, as the relay would and changing nothing: at the database (server, schema, rights, settings, table, what\n"
                "holds it back, what waits); and, where events go to SNS, which credentials from where, and whose they are; each\n"
                "topic that events go to, what is subscribed to it, and whether each queue's policy, key and kind let\n"
                "the topic send. Each finding is ok, a note, a warning or an error, with what to do about it. A look\n"
                "that the permissions do not allow is a note. Exit code 8 when there are warnings or errors.\n",
     .run = command_check},
    {.name = "lambda", .summary = "handle the messages of a queue as an AWS Lambda function", .operands = "",
     .details = "The consumer as a custom runtime of AWS Lambda: for a function whose event source is an SQS queue, with\n"
                "FunctionResponseTypes ReportBatchItemFailures. Settings come from the function's environment. It is what the\n"
                "program does when it is called as bootstrap, the name Lambda wants. Messages that have failed, and those\n"
                "that no handler has finished when the function's time-out is near, come again.\n",
     .run = command_lambda},
    {.name = "healthcheck", .summary = "ask a running relay or consumer whether it lives, or is ready", .operands = "",
     .details = "Asks the admin port at --listen, of a program on this machine, for /livez, or with --ready for /readyz, and\n"
                "waits three seconds at most. Exit code 0: good; 7: no answer; 8: not ready, and what is not good is printed.\n",
     .run = command_healthcheck},
    {.name = "completion", .summary = "print a script that completes commands and options in a shell",
     .operands = "bash | zsh | fish", .words = "bash zsh fish", .operands_least = 1, .operands_most = 1,
     .details = "For this shell alone: source <(outbox-relay completion bash). To stay, the script goes where the shell looks\n"
                "for it, which cmake --install has done.\n",
     .run = command_completion},
    {.name = "help", .summary = "explain a command, the settings, the metrics or the exit codes",
     .operands = "[COMMAND | settings | commands | metrics | exit-codes | man]", .words = "settings commands metrics exit-codes man", .operands_most = 1, .details = "", .run = command_help},
    {.name = "version", .summary = "print the version", .operands = "", .details = "", .run = command_version},
    {.name = NULL},
};
// clang-format on

const struct command *command_find(const char *name, struct error *error) {
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    error_set(error, ERROR_USAGE, "unknown command %.64s; outbox-relay help lists them", name);
    return NULL;
}

// Those that run on, and read their settings again on SIGHUP.
static bool is_service(const struct command *command) {
    return command->run == command_run || command->run == command_consume;
}

// PostgreSQL says what is denied, but not what grants it. (Of the same code is what a policy denies.)
static void name_role(const struct command *command, const struct settings *settings, struct error *error) {
    bool inbox = command->run == command_prune && settings->inbox != 0;
    if (command->role != NULL && strcmp(error->sqlstate, "42501") == 0 && // insufficient_privilege
        strstr(error->text, "row-level security") == NULL) {
        error_set(error, error->code, "%s; the role needs: GRANT %s TO ...", error->text,
                  inbox ? "inbox_operator" : command->role);
    }
}

static bool run_command(const struct command *command, int argc, char **argv, struct error *error) {
    const char *operands[OPERANDS_MAX] = {NULL};
    int count = command->operands_most;
    struct settings settings;
    bool is_read = settings_read(&settings, command->name, argc, argv, operands, &count, error);
    settings_forget_environment();
    if (!is_read) {
        return false;
    }
    log_configure((enum log_level)settings.log_level, (enum log_format)settings.log_format);
    settings_remark(&settings);
    if (is_service(command)) {
        reload_prepare(&settings);
        notify_begin();
    }
    bool done = false;
    if (count < command->operands_least) {
        error_set(error, ERROR_USAGE, "%s needs %s; see outbox-relay help %s", command->name,
                  command->operands, command->name);
    } else {
        done = command->run(&settings, operands, count, error);
    }
    if (!done) {
        name_role(command, &settings, error);
    }
    log_flush_suppressed(true);
    metrics_free();
    settings_free(&settings);
    return done;
}

static bool is_help_flag(const char *argument) {
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

// Looks for --help anywhere among the arguments, so that it works while a command line is being written.
static bool asks_for_help(int argc, char **argv) {
    for (int index = 0; index < argc && strcmp(argv[index], "--") != 0; index++) {
        if (is_help_flag(argv[index])) {
            return true;
        }
    }
    return false;
}

static bool is_bootstrap(const char *path) {
    const char *slash = strrchr(path, '/');
    return strcmp(slash != NULL ? slash + 1 : path, "bootstrap") == 0;
}

static bool dispatch(int argc, char **argv, struct error *error) {
    if (argc == 1 && is_bootstrap(argv[0])) {
        return run_command(command_find("lambda", error), 0, argv + 1, error);
    }
    if (argc < 2) {
        return error_set(error, ERROR_USAGE, "no command given; outbox-relay help lists them");
    }
    if (is_help_flag(argv[1])) {
        return command_help(NULL, NULL, 0, error);
    }
    if (strcmp(argv[1], "--version") == 0) {
        return command_version(NULL, NULL, 0, error);
    }
    const struct command *command = command_find(argv[1], error);
    if (command == NULL) {
        return false;
    }
    if (asks_for_help(argc - 2, argv + 2)) {
        return command_help(NULL, (const char *const *)&argv[1], 1, error);
    }
    return run_command(command, argc - 2, argv + 2, error);
}

int command_main(int argc, char **argv) {
    struct error error = {.code = ERROR_NONE};
    bool done = dispatch(argc, argv, &error);
    // Output that did not get out is a failure too: a full disk, a closed pipe.
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && done) {
        done = error_set(&error, ERROR_INTERNAL, "standard output cannot be written");
    }
    if (!done) {
        (void)fprintf(stderr, "outbox-relay: %s\n", error.text);
    }
    return done ? ERROR_NONE : (int)error.code;
}
