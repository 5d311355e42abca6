// SPDX-License-Identifier: Apache-2.0
// outbox-relay status: outbox.report(), once or again and again.
#include "status/status.h"

#include "commands/command.h"
#include "migrate/migrate.h"
#include "migrate/query.h"
#include "status/text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_MAX_BYTES = 8 << 20, SCREEN_MAX_BYTES = 1 << 20, WIDTH_OF_FILES = 160, WATCH_SECONDS = 2 };

static PGresult *read_report(PGconn *connection, struct error *error) {
    return query_run(connection,
                     "SELECT pg_catalog.set_config('statement_timeout', '30s', true);"
                     " SELECT outbox.report()",
                     "reading the report", error);
}

static size_t page_width(const struct winsize *window) {
    return window->ws_col > 0 ? window->ws_col : WIDTH_OF_FILES;
}

static void window_size(struct winsize *window) {
    *window = (struct winsize){0};
    if (isatty(STDOUT_FILENO)) {
        (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, window);
    }
}

static bool fail_for(int count, struct error *error) {
    if (count > 0) {
        error_set(error, ERROR_FINDINGS,
                  count == 1 ? "one thing needs attention" : "%d things need attention", count);
    }
    return count == 0;
}

static bool show_once(const struct settings *settings, PGconn *connection, struct error *error) {
    struct winsize window;
    struct buffer page;
    PGresult *result = read_report(connection, error);
    if (result == NULL) {
        return false;
    }
    buffer_init(&page, PAGE_MAX_BYTES);
    window_size(&window);
    const char *report = PQgetvalue(result, 0, 0);
    int count = status_append(report, page_width(&window), settings->json != 0 ? NULL : &page, error);
    if (settings->json != 0) {
        (void)puts(report);
    } else {
        (void)fwrite(buffer_text(&page), 1, page.length, stdout);
    }
    PQclear(result);
    buffer_free(&page);
    return fail_for(count, error);
}

// Connects where there is no connection, and gives up one that has failed: the next round tries again.
static void append_round(const struct settings *settings, PGconn **connection, size_t width,
                         struct buffer *page) {
    struct error error = {0};
    PGresult *result = NULL;
    if (*connection == NULL) {
        *connection = query_connect(settings->database_url, "outbox-relay status", &error);
    }
    if (*connection != NULL) {
        result = read_report(*connection, &error);
    }
    if (result != NULL && settings->json != 0) {
        buffer_append_format(page, "%s\n", PQgetvalue(result, 0, 0));
    } else if (result == NULL || status_append(PQgetvalue(result, 0, 0), width, page, &error) < 0) {
        buffer_append_format(page, "outbox-relay: %s\n", error.text);
        PQfinish(*connection);
        *connection = NULL;
    }
    PQclear(result);
}

// Draws over what was there, so that nothing flickers: each line is cleared to its end, and what is below the
// last one. What the terminal has no room for is left out.
static void draw(struct buffer *page, const struct winsize *window) {
    struct buffer screen;
    int left = window->ws_row > 1 ? window->ws_row - 1 : 24;
    buffer_init(&screen, SCREEN_MAX_BYTES);
    buffer_append_char(page, '\0');
    buffer_append_text(&screen, "\033[H");
    for (char *line = page->data; *line != '\0' && left > 0; left--) {
        size_t length = strcspn(line, "\n");
        bool is_last = line[length] == '\0';
        line[length] = '\0';
        text_append(&screen, line, page_width(window));
        buffer_append_text(&screen, "\033[K\n");
        line += length + (is_last ? 0 : 1);
    }
    buffer_append_text(&screen, "\033[J");
    (void)fwrite(buffer_text(&screen), 1, screen.length, stdout);
    buffer_free(&screen);
}

static const char enter_screen[] = "\033[?1049h\033[2J"; // the alternate one
static const char leave_screen[] = "\033[?1049l";
static volatile sig_atomic_t is_drawing;

// Interrupting is how it is meant to end. Not between two rounds only: a server that does not answer would be
// waited for.
static void on_stop(int number) {
    (void)number;
    if (is_drawing != 0) {
        ssize_t ignored = write(STDOUT_FILENO, leave_screen, sizeof leave_screen - 1);
        (void)ignored;
    }
    _exit(ERROR_NONE);
}

static void end_by_signals(void) {
    struct sigaction action = {.sa_handler = on_stop};
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

static bool show_round(const struct settings *settings, PGconn **connection, bool first) {
    struct winsize window;
    struct buffer page;
    buffer_init(&page, PAGE_MAX_BYTES);
    window_size(&window);
    append_round(settings, connection, page_width(&window), &page);
    if (is_drawing != 0) {
        draw(&page, &window);
    } else {
        (void)printf("%s%s", first ? "" : "\n", buffer_text(&page));
    }
    buffer_free(&page);
    return fflush(stdout) == 0;
}

// Returns when it cannot write any more.
static void watch(const struct settings *settings, PGconn **connection) {
    static const struct timespec wait = {.tv_sec = WATCH_SECONDS};
    end_by_signals();
    is_drawing = isatty(STDOUT_FILENO) && settings->json == 0;
    (void)fputs(is_drawing != 0 ? enter_screen : "", stdout);
    for (bool first = true; show_round(settings, connection, first); first = false) {
        (void)nanosleep(&wait, NULL);
    }
}

bool command_status(const struct settings *settings, const char *const *operands, int operand_count,
                    struct error *error) {
    (void)operands;
    (void)operand_count;
    signal(SIGPIPE, SIG_IGN);
    PGconn *connection = query_connect(settings->database_url, "outbox-relay status", error);
    bool good = connection != NULL && migrate_require(connection, &schema_outbox, error);
    if (good && settings->watch != 0) {
        watch(settings, &connection);
        good = error_set(error, ERROR_INTERNAL, "standard output cannot be written");
    } else if (good) {
        good = show_once(settings, connection, error);
    }
    PQfinish(connection);
    return good;
}
