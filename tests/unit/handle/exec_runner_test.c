// SPDX-License-Identifier: Apache-2.0
// Events handed to programs: what they get, what becomes of how they end, how many there are at once.
#include "support/loop.h"
#include "support/programs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

enum { LIMIT = 16, SHORT_US = 1000000 };

static void hands_over_the_event(void **state) {
    struct programs *programs = programs_start(0);

    (void)state;
    programs_run(programs, "cat >$DIR/event; echo said >&2");
    runner_assert_done(programs->harness);
    assert_string_equal(programs_content(programs, "event"), "{\"data\":\"größer\"}");
    programs_stop(programs);
}

static void judges_how_it_ends(void **state) {
    static const struct {
        const char *script, *reason;
        bool outage;
    } cases[] = {
        {"exit 1", "it ended with exit code 1", false},
        {"echo first >&2; echo 'no such order' >&2; exit 3",
         "it ended with exit code 3; it says: no such order", false},
        {"echo 'the mail server is down' >&2; exit 75",
         "it ended with exit code 75; it says: the mail server is down", true},
        {"exit 127", "it ended with exit code 127", false},
        {"kill -TERM $$", "it was ended by signal 15", false},
        {"kill -KILL $$", "it was ended by signal 9", false},
    };
    struct programs *programs = programs_start(0);

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        programs_run(programs, cases[index].script);
        runner_assert_failed(programs->harness, cases[index].outage, cases[index].reason);
    }
    programs_stop(programs);
}

// With all that it has started: that becomes ours here, so that its end can be waited for.
static void a_slow_one_is_killed_with_its_group(void **state) {
    struct programs *programs = programs_start(SHORT_US);
    int status = 0;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    programs_run(programs, "sleep 600 & echo $! >$DIR/pid; wait");
    runner_assert_failed(programs->harness, false, "it did not end within 1 s and was killed");
    pid_t grandchild = (pid_t)strtol(programs_content(programs, "pid"), NULL, 10);
    assert_true(grandchild > 0);
    assert_int_equal(waitpid(grandchild, &status, 0), grandchild);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    programs_stop(programs);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void a_program_that_is_not_there_is_an_outage(void **state) {
    struct programs *programs = programs_start(0);
    const struct domain_event event = runner_event();
    char name[] = "/no/such/program";
    char *const words[] = {name, NULL};

    (void)state;
    programs_begin(programs, words, &event);
    programs_begin(programs, words, &event);
    runner_await(programs->harness, 2);
    runner_assert_failed(programs->harness, true, "/no/such/program cannot be run: No such file");
    programs_stop(programs);
}

static void its_output_goes_nowhere(void **state) {
    struct programs *programs = programs_start(0);

    (void)state;
    programs_run(programs, "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exit 0");
    runner_assert_done(programs->harness);
    runner_listen_to_log(LOG_DEBUG);
    programs_run(programs, "echo; echo hello; echo more");
    programs_run(programs, "true");
    const char *log = runner_log();
    runner_assert_done(programs->harness);
    const char *line = strstr(log, "a handler wrote program=sh event_id=" RUNNER_EVENT_ID " line=hello\n");
    assert_non_null(line);
    assert_null(strstr(line + 1, "a handler wrote"));
    programs_stop(programs);
}

static void a_large_event_may_be_read_or_not(void **state) {
    enum { LARGE = 2 << 20 };
    struct programs *programs = programs_start(0);
    struct domain_event event = runner_event();
    char *json = malloc(LARGE);

    (void)state;
    memset(json, 'x', LARGE);
    event.json = (struct slice){json, LARGE};
    programs_run_with(programs, "wc -c >$DIR/size", &event);
    runner_assert_done(programs->harness);
    assert_int_equal(strtol(programs_content(programs, "size"), NULL, 10), LARGE);
    signal(SIGPIPE, SIG_DFL);
    programs_run_with(programs, "true", &event);
    runner_assert_done(programs->harness);
    programs_run_with(programs, "head -c 10 >$DIR/head; exit 5", &event);
    runner_assert_failed(programs->harness, false, "exit code 5");
    assert_string_equal(programs_content(programs, "head"), "xxxxxxxxxx");
    programs_stop(programs);
    free(json);
}

static void runs_a_few_at_once_and_all_in_the_end(void **state) {
    enum { TASKS = 3 * LIMIT + 2 };
    struct programs *programs = programs_start(0);
    const struct domain_event event = runner_event();
    char shell[] = "sh", option[] = "-c", script[] = "echo x >>$DIR/begun; : <$DIR/go";
    char *const words[] = {shell, option, script, NULL};
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "%s/go", programs->folder);
    assert_int_equal(mkfifo(path, 0600), 0); // it can be opened when somebody will write to it
    for (int task = 0; task < TASKS; task++) {
        programs_begin(programs, words, &event);
    }
    programs_await_lines(programs, "begun", LIMIT);
    loop_settle(programs->harness->base);
    assert_int_equal(programs_lines(programs, "begun"), LIMIT);
    assert_int_equal(programs->harness->ended, 0);
    int go = open(path, O_RDWR | O_CLOEXEC);
    assert_true(go >= 0);
    runner_await(programs->harness, TASKS);
    assert_int_equal(programs_lines(programs, "begun"), TASKS);
    for (int task = 0; task < TASKS; task++) {
        assert_int_equal(programs->harness->tasks[task].handled.kind, HANDLED_DONE);
    }
    close(go);
    programs_stop(programs);
}

static void what_waits_can_be_dropped(void **state) {
    struct programs *programs = programs_start(0);
    const struct domain_event event = runner_event();
    char shell[] = "sh", option[] = "-c", script[] = "echo x >>$DIR/begun; : <$DIR/go";
    char *const words[] = {shell, option, script, NULL};
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "%s/go", programs->folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    exec_runner_drop(programs->runner); // nothing is there
    for (int task = 0; task < LIMIT + 3; task++) {
        programs_begin(programs, words, &event);
    }
    programs_await_lines(programs, "begun", LIMIT);
    exec_runner_drop(programs->runner);
    assert_int_equal(programs->harness->ended, 3);
    programs_begin(programs, words, &event);
    int go = open(path, O_RDWR | O_CLOEXEC);
    assert_true(go >= 0);
    runner_await(programs->harness, LIMIT + 4);
    assert_int_equal(programs_lines(programs, "begun"), LIMIT + 1);
    for (int task = 0; task < LIMIT + 4; task++) {
        bool waited = task >= LIMIT && task < LIMIT + 3;
        assert_int_equal(programs->harness->tasks[task].handled.kind, waited ? HANDLED_LET_GO : HANDLED_DONE);
    }
    close(go);
    programs_stop(programs);
}

// Whoever offered it may have lost it meanwhile.
static void what_has_waited_is_asked_for(void **state) {
    struct programs *programs = programs_start(0);
    const struct domain_event event = runner_event();
    char shell[] = "sh", option[] = "-c", script[] = "echo x >>$DIR/begun; : <$DIR/go";
    char *const words[] = {shell, option, script, NULL};
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "%s/go", programs->folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    for (int task = 0; task < LIMIT + 1; task++) {
        programs_begin(programs, words, &event);
    }
    programs_await_lines(programs, "begun", LIMIT);
    programs->harness->may_not_begin = true;
    int go = open(path, O_RDWR | O_CLOEXEC);
    assert_true(go >= 0);
    runner_await(programs->harness, LIMIT + 1);
    assert_int_equal(programs_lines(programs, "begun"), LIMIT);
    assert_int_equal(programs->harness->tasks[LIMIT].handled.kind, HANDLED_LET_GO);
    close(go);
    programs_stop(programs);
}

// Those that run are killed, with what they have started; those that wait never run. Nobody is told.
static void can_be_freed_at_any_time(void **state) {
    struct programs *programs = programs_start(0);
    const struct domain_event event = runner_event();
    char shell[] = "sh", option[] = "-c", script[] = "sleep 600 & echo $! >>$DIR/begun; wait";
    char *const words[] = {shell, option, script, NULL};
    int killed = 0, status = 0;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (int task = 0; task < LIMIT + 5; task++) {
        programs_begin(programs, words, &event);
    }
    programs_await_lines(programs, "begun", LIMIT);
    exec_runner_free(programs->runner);
    programs->runner = NULL;
    while (waitpid(-1, &status, 0) > 0) { // what they had started
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    }
    assert_int_equal(killed, LIMIT);
    assert_int_equal(programs->harness->ended, 0);
    assert_int_equal(programs_lines(programs, "begun"), LIMIT);
    exec_runner_free(NULL);
    programs_stop(programs);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_over_the_event),
        cmocka_unit_test(judges_how_it_ends),
        cmocka_unit_test(a_slow_one_is_killed_with_its_group),
        cmocka_unit_test(a_program_that_is_not_there_is_an_outage),
        cmocka_unit_test(its_output_goes_nowhere),
        cmocka_unit_test(a_large_event_may_be_read_or_not),
        cmocka_unit_test(runs_a_few_at_once_and_all_in_the_end),
        cmocka_unit_test(what_waits_can_be_dropped),
        cmocka_unit_test(what_has_waited_is_asked_for),
        cmocka_unit_test(can_be_freed_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
