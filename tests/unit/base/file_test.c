// SPDX-License-Identifier: Apache-2.0
// Reading whole files: all of it, the limit, what cannot be read.
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static char path[64];

static int make_file(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/outbox-relay-file-XXXXXX");
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

static void write_file(size_t size) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t index = 0; index < size; index++) {
        assert_int_not_equal(fputc('a' + (int)(index % 26), file), EOF);
    }
    assert_int_equal(fclose(file), 0);
}

static void all_of_a_file_is_read_up_to_the_limit(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 9999, 10000};
    for (size_t index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
        struct buffer buffer;
        buffer_init(&buffer, 10000);
        write_file(sizes[index]);
        assert_true(file_read(&buffer, path));
        assert_int_equal(buffer.length, sizes[index]);
        for (size_t place = 0; place < buffer.length; place++) {
            assert_int_equal(buffer.data[place], 'a' + (int)(place % 26));
        }
        buffer_free_secret(&buffer);
    }
}

static void assert_unreadable(const char *name, int problem) {
    struct buffer buffer;
    buffer_init(&buffer, 10000);
    errno = 0;
    assert_false(file_read(&buffer, name));
    assert_int_equal(errno, problem);
    buffer_free_secret(&buffer);
}

static void what_cannot_be_read_says_why(void **state) {
    (void)state;
    write_file(10001);
    assert_unreadable(path, EFBIG);
    assert_unreadable("/tmp", EISDIR);
    assert_unreadable("/nowhere/at/all", ENOENT);
}

static void a_pipe_that_nobody_writes_to_is_empty(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 10);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_true(file_read(&buffer, path));
    assert_int_equal(buffer.length, 0);
    buffer_free_secret(&buffer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_of_a_file_is_read_up_to_the_limit),
        TEST(what_cannot_be_read_says_why),
        TEST(a_pipe_that_nobody_writes_to_is_empty),
    };
    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
