// SPDX-License-Identifier: Apache-2.0
#include "support/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

enum { FILE_SIZE = 65536 };

struct programs *programs_start(int64_t timeout_us) {
    struct programs *programs = calloc(1, sizeof *programs);
    programs->harness = runner_harness_new();
    if (timeout_us > 0) {
        programs->harness->settings.handler_timeout = timeout_us;
    }
    snprintf(programs->folder, sizeof programs->folder, "/tmp/exec_test.XXXXXX");
    assert_non_null(mkdtemp(programs->folder));
    setenv("DIR", programs->folder, 1);
    programs->runner =
        exec_runner_new(programs->harness->base, &programs->harness->settings, &programs->harness->listener);
    return programs;
}

void programs_stop(struct programs *programs) {
    char command[64];
    exec_runner_free(programs->runner);
    runner_harness_free(programs->harness);
    snprintf(command, sizeof command, "rm -r %s", programs->folder);
    assert_int_equal(system(command), 0);
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // nobody is left
    assert_int_equal(errno, ECHILD);
    free(programs);
}

const char *programs_content(const struct programs *programs, const char *name) {
    static char text[FILE_SIZE];
    char path[64];
    snprintf(path, sizeof path, "%s/%s", programs->folder, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file >= 0 ? read(file, text, sizeof text - 1) : 0;
    if (file >= 0) {
        close(file);
    }
    text[length > 0 ? length : 0] = '\0';
    return text;
}

void programs_begin(struct programs *programs, char *const *words, const struct domain_event *event) {
    struct runner_harness *harness = programs->harness;
    int ended = harness->ended;
    exec_runner_start(programs->runner, words, event, runner_task(harness));
    assert_int_equal(harness->ended, ended); // never before the caller is back
}

void programs_run_with(struct programs *programs, const char *script, const struct domain_event *event) {
    char shell[] = "sh", option[] = "-c", text[512];
    char *const words[] = {shell, option, text, NULL};
    snprintf(text, sizeof text, "%s", script);
    programs_begin(programs, words, event);
    runner_await(programs->harness, programs->harness->ended + 1);
}

void programs_run(struct programs *programs, const char *script) {
    const struct domain_event event = runner_event();
    programs_run_with(programs, script, &event);
}

size_t programs_lines(const struct programs *programs, const char *name) {
    size_t lines = 0;
    for (const char *text = programs_content(programs, name); *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

// The loop hears nothing of what a program writes, so it looks often.
void programs_await_lines(struct programs *programs, const char *name, size_t lines) {
    static const struct timeval often = {.tv_usec = 5000};
    for (int tries = 0; tries < 2000 && programs_lines(programs, name) < lines; tries++) {
        event_base_loopexit(programs->harness->base, &often);
        event_base_loop(programs->harness->base, 0);
    }
    assert_true(programs_lines(programs, name) >= lines);
}
