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
        *connection = query_connect(settings->database_url, &error);
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

static bool is_told_to_stop(const sigset_t *signals) {
    const struct timespec wait = {.tv_sec = WATCH_SECONDS};
    return sigtimedwait(signals, NULL, &wait) > 0;
}

static bool watch_rounds(const struct settings *settings, PGconn **connection, const sigset_t *signals,
                         bool on_terminal) {
    bool first = true, good = true;
    do {
        struct winsize window;
        struct buffer page;
        buffer_init(&page, PAGE_MAX_BYTES);
        window_size(&window);
        append_round(settings, connection, page_width(&window), &page);
        if (on_terminal) {
            draw(&page, &window);
        } else {
            (void)printf("%s%s", first ? "" : "\n", buffer_text(&page));
        }
        good = fflush(stdout) == 0;
        first = false;
        buffer_free(&page);
    } while (good && !is_told_to_stop(signals));
    return good;
}

// SIGINT is how it is meant to end. Signals are taken between two rounds only.
static bool watch(const struct settings *settings, PGconn **connection) {
    sigset_t signals, before;
    bool on_terminal = isatty(STDOUT_FILENO) && settings->json == 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &before);
    (void)fputs(on_terminal ? "\033[?1049h\033[2J" : "", stdout); // the alternate screen
    bool good = watch_rounds(settings, connection, &signals, on_terminal);
    (void)fputs(on_terminal ? "\033[?1049l" : "", stdout);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return good;
}

bool command_status(const struct settings *settings, const char *const *operands, int operand_count,
                    struct error *error) {
    (void)operands;
    (void)operand_count;
    signal(SIGPIPE, SIG_IGN);
    PGconn *connection = query_connect(settings->database_url, error);
    bool good = connection != NULL && migrate_require(connection, &schema_outbox, error);
    if (good && settings->watch != 0) {
        good = watch(settings, &connection) ||
               error_set(error, ERROR_INTERNAL, "standard output cannot be written");
    } else if (good) {
        good = show_once(settings, connection, error);
    }
    PQfinish(connection);
    return good;
}
