// SPDX-License-Identifier: Apache-2.0
// Columns as wide as they need, texts cut where there is no room.
#include "status/grid.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static const struct column columns[] = {{"id", COLUMN_NUMBER},
                                        {"word", COLUMN_WORD},
                                        {"text", COLUMN_TEXT},
                                        {"", COLUMN_WORD},
                                        {NULL, COLUMN_WORD}};

static void assert_grid(size_t width, const char *expected) {
    struct grid *grid = grid_new(columns);
    struct buffer out;
    static const char *const cells[] = {
        "1", "one", "a text that is longer than the others", NULL, "1000", "w", "short", "leads"};
    for (size_t index = 0; index < sizeof cells / sizeof cells[0]; index++) {
        grid_add(grid, cells[index]);
    }
    buffer_init(&out, 4096);
    grid_append(grid, width, &out);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
    grid_free(grid);
}

static void a_grid_is_as_wide_as_it_needs(void **state) {
    (void)state;
    assert_grid(200, "    id  word  text\n"
                     "     1  one   a text that is longer than the others\n"
                     "  1000  w     short                                  leads\n");
}

static void texts_are_cut_where_there_is_no_room(void **state) {
    (void)state;
    assert_grid(40, "    id  word  text\n"
                    "     1  one   a text that is lon\xE2\x80\xA6\n"
                    "  1000  w     short                leads\n");
    assert_grid(1, "    id  word  text\n"
                   "     1  one   a text \xE2\x80\xA6\n"
                   "  1000  w     short     leads\n");
}

static void a_grid_may_be_empty(void **state) {
    (void)state;
    struct grid *grid = grid_new(columns);
    struct buffer out;
    buffer_init(&out, 4096);
    grid_append(grid, 80, &out);
    assert_string_equal(buffer_text(&out), "  id  word  text\n");
    buffer_free(&out);
    grid_free(grid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_is_as_wide_as_it_needs),
        cmocka_unit_test(texts_are_cut_where_there_is_no_room),
        cmocka_unit_test(a_grid_may_be_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
