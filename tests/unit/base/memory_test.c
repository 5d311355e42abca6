// SPDX-License-Identifier: Apache-2.0
// Tests of base/memory.h.
#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
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

static void allocations_are_cleared(void **state) {
    (void)state;
    unsigned char *memory = memory_allocate(100, 10);
    for (int index = 0; index < 1000; index++) {
        assert_int_equal(memory[index], 0);
    }
    free(memory);
}

static void nothing_can_be_allocated_too(void **state) {
    (void)state;
    void *memory = memory_allocate(0, 8);
    memory = memory_resize(memory, 8, 0);
    assert_non_null(memory);
    free(memory);
}

static void resizing_keeps_the_content(void **state) {
    (void)state;
    char *memory = memory_resize(NULL, 4, 1);
    memcpy(memory, "abc", 4);
    memory = memory_resize(memory, 100000, 1);
    assert_string_equal(memory, "abc");
    free(memory);
}

static void copies_are_equal_and_separate(void **state) {
    (void)state;
    char text[] = "text";
    char *copy = memory_copy_text(text);
    text[0] = 'n';
    assert_string_equal(copy, "text");
    memory_free_secret(copy);
    assert_null(memory_copy_text(NULL));
    memory_free_secret(NULL);
}

static void wiping_clears_exactly_what_it_is_given(void **state) {
    (void)state;
    char secret[] = "secret";
    memory_wipe(secret, 3);
    assert_memory_equal(secret, "\0\0\0ret", 7);
    memory_wipe(NULL, 0);
}

// In a child, for the process ends. volatile, so that the compiler cannot see that the size is impossible.
static int exit_code_of(void (*function)(void)) {
    pid_t child = fork();
    if (child == 0) {
        (void)close(STDERR_FILENO);
        function();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void resize_impossibly(void) {
    volatile size_t count = SIZE_MAX / 4;
    free(memory_resize(NULL, count, 8));
}

static void without_memory_the_process_ends_with_its_own_code(void **state) {
    (void)state;
    assert_int_equal(exit_code_of(resize_impossibly), ERROR_INTERNAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_cleared),
        cmocka_unit_test(nothing_can_be_allocated_too),
        cmocka_unit_test(resizing_keeps_the_content),
        cmocka_unit_test(copies_are_equal_and_separate),
        cmocka_unit_test(wiping_clears_exactly_what_it_is_given),
        cmocka_unit_test(without_memory_the_process_ends_with_its_own_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
