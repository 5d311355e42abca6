// SPDX-License-Identifier: Apache-2.0
// Programs beside the loop: what they write is collected, and whatever they do, they end.
#include "base/clock.h"
#include "process/process.h"
#include "support/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { OUTPUT_LIMIT = 1000, LONG_US = 60000000, SHORT_US = 1000000 };

struct run {
    struct event_base *base;
    struct process *process;
    bool frees; // within the call
    int ends;
    bool failed;
    int exit_code;
    char failure[128];
    char output[OUTPUT_LIMIT + 1];
    char line[PROCESS_LINE_SIZE];
};

static void on_end(void *context, const struct process_end *end) {
    struct run *run = context;
    run->ends++;
    if (run->frees) {
        process_free(run->process);
        run->process = NULL;
    }
    run->failed = end->failure != NULL;
    run->exit_code = end->exit_code;
    snprintf(run->failure, sizeof run->failure, "%s", run->failed ? end->failure : "");
    snprintf(run->output, sizeof run->output, "%.*s", (int)end->output.length, end->output.data);
    snprintf(run->line, sizeof run->line, "%s", end->error_line);
}

static bool has_ended(void *context) {
    return ((struct run *)context)->ends > 0;
}

static void start_program(struct run *run, const struct process_program *program,
                          const struct process_limits *limits) {
    *run = (struct run){.base = event_base_new()};
    run->process = process_start(run->base, program, limits, on_end, run, NULL);
    assert_non_null(run->process);
}

static void start(struct run *run, char *const *words, int64_t timeout_us) {
    const struct process_program program = {.words = words};
    const struct process_limits limits = {.timeout_us = timeout_us, .output_limit = OUTPUT_LIMIT};
    start_program(run, &program, &limits);
}

static void stop(struct run *run) {
    process_free(run->process);
    event_base_free(run->base);
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // nobody is left
    assert_int_equal(errno, ECHILD);
}

static void await_end(struct run *run) {
    assert_true(loop_until(run->base, has_ended, run));
    loop_settle(run->base);
    assert_int_equal(run->ends, 1);
    stop(run);
}

static void run_script(struct run *run, const char *script, int64_t timeout_us) {
    char text[512];
    char shell[] = "sh", option[] = "-c";
    snprintf(text, sizeof text, "%s", script);
    char *const words[] = {shell, option, text, NULL};
    start(run, words, timeout_us);
    await_end(run);
}

// As handlers are run: with input, and what it writes beyond the limit is thrown away.
static void run_fed(struct run *run, const char *script, struct slice input, int64_t timeout_us) {
    char text[512];
    char shell[] = "sh", option[] = "-c";
    snprintf(text, sizeof text, "%s", script);
    char *const words[] = {shell, option, text, NULL};
    const struct process_program program = {.words = words, .input = input};
    const struct process_limits limits = {
        .timeout_us = timeout_us, .output_limit = OUTPUT_LIMIT, .discards = true};
    start_program(run, &program, &limits);
    await_end(run);
}

static void output_and_errors_are_collected(void **state) {
    struct run run;

    (void)state;
    run_script(&run, "echo one; echo two; echo first >&2; printf 'last\\tline\\n\\n' >&2", LONG_US);
    assert_false(run.failed);
    assert_string_equal(run.output, "one\ntwo\n");
    assert_string_equal(run.line, "last line");
    assert_int_equal(run.exit_code, 0);
}

static void arguments_arrive_as_they_are(void **state) {
    char echo[] = "printf", format[] = "[%s]", first[] = "a b", second[] = "$HOME", third[] = "";
    char *const words[] = {echo, format, first, second, third, NULL};
    struct run run;

    (void)state;
    start(&run, words, LONG_US);
    assert_true(loop_until(run.base, has_ended, &run));
    assert_string_equal(run.output, "[a b][$HOME][]");
    stop(&run);
}

static void failures_say_how_it_ended(void **state) {
    struct run run;

    (void)state;
    run_script(&run, "echo no luck >&2; exit 3", LONG_US);
    assert_string_equal(run.failure, "it ended with exit code 3");
    assert_string_equal(run.line, "no luck");
    assert_int_equal(run.exit_code, 3);
    run_script(&run, "kill -9 $$", LONG_US);
    assert_string_equal(run.failure, "it was ended by signal 9");
    assert_string_equal(run.line, "");
    assert_int_equal(run.exit_code, -1);
}

static void too_much_output_ends_it(void **state) {
    struct run run;

    (void)state;
    run_script(&run, "while :; do echo 0123456789; done", LONG_US);
    assert_string_equal(run.failure, "it wrote more than 1000 bytes");
}

static void many_errors_are_cut(void **state) {
    struct run run;

    (void)state;
    run_script(&run,
               "i=0; while [ $i -lt 300 ]; do echo 0123456789012345678901234567890123456789 >&2; "
               "i=$((i+1)); done; printf '%0500d' 7 >&2",
               LONG_US);
    assert_int_equal(strlen(run.line), PROCESS_LINE_SIZE - 1);
    assert_false(run.failed);
}

// The group is killed: the child of the child would go on. It becomes ours, so that its end can be waited
// for.
static void a_slow_one_is_killed_with_its_group(void **state) {
    char shell[] = "sh", option[] = "-c", script[] = "sleep 600 & echo $!; wait";
    char *const words[] = {shell, option, script, NULL};
    struct run run;
    int status = 0;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    start(&run, words, SHORT_US);
    assert_true(loop_until(run.base, has_ended, &run));
    assert_string_equal(run.failure, "it did not end within 1 s and was killed");
    pid_t grandchild = (pid_t)strtol(run.output, NULL, 10);
    assert_true(grandchild > 0);
    assert_int_equal(waitpid(grandchild, &status, 0), grandchild);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    stop(&run);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

// Its end and that of its time are there at once: it has done what it was to do.
static void one_that_has_ended_in_time_has_not_failed(void **state) {
    char name[] = "true";
    char *const words[] = {name, NULL};
    struct run run;
    siginfo_t ended;

    (void)state;
    start(&run, words, 1000);
    int64_t until = clock_monotonic_us() + 20000; // the loop's clock is a coarse one
    assert_int_equal(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
    while (clock_monotonic_us() <= until) {
    }
    await_end(&run);
    assert_false(run.failed);
}

// What is left behind may keep the outputs open: that is not waited for.
static void what_it_leaves_behind_is_not_waited_for(void **state) {
    struct run run;

    (void)state;
    run_script(&run, "sleep 600 & echo $!", LONG_US);
    assert_false(run.failed);
    pid_t left = (pid_t)strtol(run.output, NULL, 10);
    assert_true(left > 0);
    assert_int_equal(kill(left, SIGKILL), 0);
}

static void it_inherits_nothing_but_its_outputs(void **state) {
    struct run run;
    int file = open("/dev/null", O_RDONLY); // inherited, if nobody sees to it

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    run_script(&run, "ls -l /proc/self/fd | wc -l; read x || echo no input; grep SigIgn /proc/self/status",
               LONG_US);
    // "total 0", the three, and the one with which ls reads the folder
    assert_int_equal(strtol(run.output, NULL, 10), 5);
    assert_non_null(strstr(run.output, "no input"));
    const char *ignored = strstr(run.output, "SigIgn:");
    assert_non_null(ignored);
    assert_int_equal(strtoull(ignored + 7, NULL, 16) & 1U << (SIGPIPE - 1), 0);
    close(file);
}

static void it_reads_its_input_to_the_end(void **state) {
    struct run run;

    (void)state;
    run_fed(&run, "cat", slice_of_text("one\ntwo"), LONG_US);
    assert_false(run.failed);
    assert_string_equal(run.output, "one\ntwo");
    run_fed(&run, "wc -c", (struct slice){"", 0}, LONG_US);
    assert_int_equal(strtol(run.output, NULL, 10), 0);
    assert_true(run.output[0] != '\0');
}

// Much more than a pipe holds, to one that reads slowly.
static void large_input_arrives(void **state) {
    enum { LARGE = 2 << 20 };
    char *input = malloc(LARGE);
    struct run run;

    (void)state;
    for (size_t index = 0; index < LARGE; index++) {
        input[index] = (char)('a' + index % 23);
    }
    run_fed(&run, "head -c 100000 | cksum; sleep 0.1; cksum", (struct slice){input, LARGE}, LONG_US);
    assert_false(run.failed);
    char first[OUTPUT_LIMIT + 1];
    snprintf(first, sizeof first, "%s", run.output);
    run_script(&run,
               "yes abcdefghijklmnopqrstuvw | tr -d '\\n' | head -c 2097152 | "
               "{ head -c 100000 | cksum; cksum; }",
               LONG_US);
    assert_string_equal(run.output, first);
    free(input);
}

static void it_need_not_read_its_input(void **state) {
    enum { LARGE = 2 << 20 };
    char *input = calloc(LARGE, 1);
    struct run run;

    (void)state;
    signal(SIGPIPE, SIG_DFL); // that nobody else has seen to it
    run_fed(&run, "true", (struct slice){input, LARGE}, LONG_US);
    assert_false(run.failed);
    run_fed(&run, "exec <&-; sleep 0.1; echo done", (struct slice){input, LARGE}, LONG_US);
    assert_string_equal(run.output, "done\n");
    run_fed(&run, "sleep 600", (struct slice){input, LARGE}, 100000);
    assert_string_equal(run.failure, "it did not end within 100 ms and was killed");
    free(input);
}

static void output_beyond_the_limit_is_thrown_away(void **state) {
    struct run run;

    (void)state;
    run_fed(&run, "yes | head -c 3000000; exit 4", slice_of_text(""), LONG_US);
    assert_string_equal(run.failure, "it ended with exit code 4");
    assert_int_equal(strlen(run.output), OUTPUT_LIMIT);
    run_fed(&run, "yes; :", slice_of_text(""), SHORT_US);
    assert_string_equal(run.failure, "it did not end within 1 s and was killed");
    assert_int_equal(strlen(run.output), OUTPUT_LIMIT);
}

static void it_gets_the_environment_it_is_given(void **state) {
    char name[] = "env", first[] = "ONE=1", second[] = "TWO=a b";
    char *const words[] = {name, NULL};
    char *const environment[] = {first, second, NULL};
    const struct process_program program = {.words = words, .environment = environment};
    const struct process_limits limits = {.timeout_us = LONG_US, .output_limit = OUTPUT_LIMIT};
    struct run run;

    (void)state;
    start_program(&run, &program, &limits);
    await_end(&run);
    assert_string_equal(run.output, "ONE=1\nTWO=a b\n");
    setenv("PROCESS_TEST", "ours", 1);
    run_script(&run, "echo $PROCESS_TEST", LONG_US);
    assert_string_equal(run.output, "ours\n");
    unsetenv("PROCESS_TEST");
}

static void it_can_be_freed_when_it_has_ended(void **state) {
    char echo[] = "echo", text[] = "text";
    char *const words[] = {echo, text, NULL};
    struct run run;

    (void)state;
    start(&run, words, LONG_US);
    run.frees = true;
    await_end(&run);
    assert_null(run.process);
    assert_string_equal(run.output, "text\n");
}

static void what_cannot_be_run_is_told_at_once(void **state) {
    const struct process_limits limits = {.timeout_us = LONG_US, .output_limit = OUTPUT_LIMIT};
    char name[] = "/no/such/program";
    char *const words[] = {name, NULL};
    const struct process_program program = {.words = words, .input = {"x", 1}};
    struct event_base *base = event_base_new();
    struct error error = {0};

    (void)state;
    assert_null(process_start(base, &program, &limits, on_end, NULL, &error));
    assert_int_equal(error.code, ERROR_INTERNAL);
    assert_non_null(strstr(error.text, "/no/such/program cannot be run: No such file"));
    event_base_free(base);
}

static void freeing_kills_it(void **state) {
    char name[] = "sleep", seconds[] = "600";
    char *const words[] = {name, seconds, NULL};
    struct run run;

    (void)state;
    start(&run, words, LONG_US);
    loop_settle(run.base);
    assert_int_equal(run.ends, 0);
    stop(&run);
    assert_int_equal(run.ends, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_errors_are_collected),
        cmocka_unit_test(arguments_arrive_as_they_are),
        cmocka_unit_test(failures_say_how_it_ended),
        cmocka_unit_test(too_much_output_ends_it),
        cmocka_unit_test(many_errors_are_cut),
        cmocka_unit_test(a_slow_one_is_killed_with_its_group),
        cmocka_unit_test(one_that_has_ended_in_time_has_not_failed),
        cmocka_unit_test(what_it_leaves_behind_is_not_waited_for),
        cmocka_unit_test(it_inherits_nothing_but_its_outputs),
        cmocka_unit_test(it_reads_its_input_to_the_end),
        cmocka_unit_test(large_input_arrives),
        cmocka_unit_test(it_need_not_read_its_input),
        cmocka_unit_test(output_beyond_the_limit_is_thrown_away),
        cmocka_unit_test(it_gets_the_environment_it_is_given),
        cmocka_unit_test(it_can_be_freed_when_it_has_ended),
        cmocka_unit_test(what_cannot_be_run_is_told_at_once),
        cmocka_unit_test(freeing_kills_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
