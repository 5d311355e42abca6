// SPDX-License-Identifier: Apache-2.0
// The way of an event through its handlers, with runners that do what the test says.
#include "base/memory.h"
#include "handle/handlers.h"
#include "handle/runner.h"
#include "support/loop.h"
#include "support/settings_fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

// What a runner was given, and has not ended.
struct started {
    char what[80]; // "sql shop.a shop.b", "http URL", "exec WORD"
    const struct domain_event *event;
    void *task;
};

enum { STARTED_MAX = 8 };

static struct {
    struct event_base *base;
    struct settings settings;
    struct handlers *handlers;
    struct runner_listener http, exec;
    struct sql_runner_listener sql;
    struct started started[STARTED_MAX];
    int started_count;
    int function_count; // of sql_runner_new
    bool resting;
    bool refuses; // sql_runner_new
    bool waits;   // what is started as exec
    int ready, broken, recovered, settled, freed;
    struct handled handled; // of the last that was settled
    char reason[300];
    void *delivery;
} test;

static void note_start(const char *kind, const char *const *names, int count,
                       const struct domain_event *event, void *task) {
    assert_true(test.started_count < STARTED_MAX);
    struct started *started = &test.started[test.started_count++];
    snprintf(started->what, sizeof started->what, "%s", kind);
    for (int index = 0; index < count; index++) {
        size_t length = strlen(started->what);
        snprintf(started->what + length, sizeof started->what - length, " %s", names[index]);
    }
    started->event = event;
    started->task = task;
}

struct sql_runner *sql_runner_new(struct event_base *base, const struct settings *settings,
                                  const char *consumer, const struct sql_runner_listener *listener,
                                  const char *const *functions, int function_count, struct error *error) {
    static char runner;
    (void)base;
    (void)settings;
    assert_string_equal(consumer, "billing");
    assert_non_null(functions);
    test.sql = *listener;
    test.function_count = function_count;
    if (test.refuses) {
        error_set(error, ERROR_USAGE, "no");
        return NULL;
    }
    return (struct sql_runner *)&runner;
}
bool sql_runner_check(const char *function, struct error *error) {
    (void)function;
    (void)error;
    return true;
}
void sql_runner_start(struct sql_runner *runner, const char *const *functions, int function_count,
                      const struct domain_event *event, void *task) {
    (void)runner;
    note_start("sql", functions, function_count, event, task);
}
static void end(int index, struct handled handled);
void sql_runner_drop(struct sql_runner *runner) {
    (void)runner;
    for (int index = test.started_count - 1; index >= 0; index--) {
        if (strncmp(test.started[index].what, "sql", 3) == 0) {
            end(index, (struct handled){.kind = HANDLED_LET_GO});
        }
    }
}
bool sql_runner_resting(const struct sql_runner *runner) {
    (void)runner;
    return test.resting;
}

const char *sql_runner_problem(const struct sql_runner *runner) {
    (void)runner;
    return "connection refused";
}
void sql_runner_free(struct sql_runner *runner) {
    test.freed += runner != NULL;
}
struct http_runner *http_runner_new(struct event_base *base, const struct settings *settings,
                                    const struct runner_listener *listener, struct error *error) {
    static char runner;
    (void)base;
    (void)settings;
    (void)error;
    test.http = *listener;
    return (struct http_runner *)&runner;
}
bool http_runner_check(const char *url, struct error *error) {
    (void)url;
    (void)error;
    return true;
}
void http_runner_start(struct http_runner *runner, const char *url, const struct domain_event *event,
                       void *task) {
    (void)runner;
    note_start("http", &url, 1, event, task);
}
void http_runner_free(struct http_runner *runner) {
    test.freed += runner != NULL;
}
struct exec_runner *exec_runner_new(struct event_base *base, const struct settings *settings,
                                    const struct runner_listener *listener) {
    static char runner;
    (void)base;
    (void)settings;
    test.exec = *listener;
    return (struct exec_runner *)&runner;
}
void exec_runner_start(struct exec_runner *runner, char *const *words, const struct domain_event *event,
                       void *task) {
    (void)runner;
    const char *word = words[0];
    note_start("exec", &word, 1, event, task);
}
void exec_runner_drop(struct exec_runner *runner) {
    (void)runner;
    for (int index = test.started_count - 1; index >= 0; index--) {
        if (test.waits && strncmp(test.started[index].what, "exec", 4) == 0) {
            end(index, (struct handled){.kind = HANDLED_LET_GO});
        }
    }
}
void exec_runner_free(struct exec_runner *runner) {
    test.freed += runner != NULL;
}

// Ends what was started, as its runner would.
static void end(int index, struct handled handled) {
    assert_true(index < test.started_count);
    struct started started = test.started[index];
    test.started_count--;
    memmove(&test.started[index], &test.started[index + 1],
            (size_t)(test.started_count - index) * sizeof started);
    const struct runner_listener *listener = strncmp(started.what, "sql", 3) == 0    ? &test.sql.runner
                                             : strncmp(started.what, "http", 4) == 0 ? &test.http
                                                                                     : &test.exec;
    listener->ended(listener->context, started.task, &handled);
}

static void on_ready(void *context) {
    (void)context;
    test.ready++;
}
static void on_broken(void *context, const struct error *error) {
    (void)context;
    assert_string_equal(error->text, "gone");
    test.broken++;
}
static void on_recovered(void *context) {
    (void)context;
    test.recovered++;
}
static void on_settled(void *context, void *delivery, const struct handled *handled) {
    assert_ptr_equal(context, &test);
    test.settled++;
    test.delivery = delivery;
    test.handled = *handled;
    snprintf(test.reason, sizeof test.reason, "%s", handled->reason != NULL ? handled->reason : "");
}

static bool open_handlers(const char *on, struct error *error) {
    static const struct handlers_listener listener = {.context = &test,
                                                      .ready = on_ready,
                                                      .broken = on_broken,
                                                      .settled = on_settled,
                                                      .recovered = on_recovered};
    test.settings.on = memory_copy_text(on);
    test.handlers = handlers_new(test.base, &test.settings, "billing", &listener, error);
    return test.handlers != NULL;
}

static int set_up(void **state) {
    (void)state;
    memset(&test, 0, sizeof test);
    settings_fill(&test.settings);
    test.base = event_base_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    handlers_free(test.handlers);
    free(test.settings.on);
    event_base_free(test.base);
    return 0;
}

static void offer(const char *type) {
    char json[] = "{\"a\":1}";
    char type_copy[100];
    snprintf(type_copy, sizeof type_copy, "%s", type);
    const struct domain_event event = {.event_id = "0fb321da-8bb8-4b1b-a078-762fd2ee6845",
                                       .event_type = slice_of_text(type_copy),
                                       .aggregate_id = slice_of_text("order-1"),
                                       .json = slice_of_text(json),
                                       .deliveries = 3};
    handlers_offer(test.handlers, &event, &test.delivery);
    memset(json, 'x', sizeof json); // it must have been copied
    memset(type_copy, 'x', sizeof type_copy);
}

static const struct handled done = {.kind = HANDLED_DONE};

static void nothing_matches(void **state) {
    (void)state;
    assert_true(open_handlers("order.*=sql:shop.a", NULL));
    offer("user.registered");
    assert_int_equal(test.settled, 1);
    assert_int_equal(test.handled.kind, HANDLED_NONE);
    assert_ptr_equal(test.delivery, &test.delivery);
    offer("");
    assert_int_equal(test.settled, 2);
    assert_int_equal(test.handled.kind, HANDLED_NONE);
}

static void a_zero_byte_does_not_cut_a_type(void **state) {
    static const char type[] = "order.created\0.x";
    (void)state;
    assert_true(open_handlers("order.created=sql:shop.a", NULL));
    handlers_offer(test.handlers, &(struct domain_event){.event_type = {type, sizeof type - 1}}, NULL);
    assert_int_equal(test.handled.kind, HANDLED_NONE);
}

static void events_are_copied(void **state) {
    (void)state;
    assert_true(open_handlers("order.*=sql:shop.a", NULL));
    offer("order.created");
    const struct domain_event *event = test.started[0].event;
    assert_string_equal(event->event_id, "0fb321da-8bb8-4b1b-a078-762fd2ee6845");
    assert_string_equal(event->event_type.data, "order.created");
    assert_string_equal(event->aggregate_id.data, "order-1");
    assert_string_equal(event->correlation_id.data, "");
    assert_string_equal(event->json.data, "{\"a\":1}");
    assert_int_equal(event->json.length, 7);
    assert_int_equal(event->deliveries, 3);
    end(0, done);
}

static void sql_comes_first_all_of_it_at_once(void **state) {
    (void)state;
    assert_true(open_handlers("**=http://a/\norder.*=sql:shop.a\n*.created=sql:shop.b\nuser.*=sql:shop.c\n"
                              "order.created=exec:mail\norder.**=sql:shop.a",
                              NULL));
    assert_int_equal(handlers_count(test.handlers), 6);
    assert_int_equal(test.function_count, 3);
    offer("order.created");
    assert_int_equal(test.started_count, 1);
    assert_string_equal(test.started[0].what, "sql shop.a shop.b");
    end(0, (struct handled){.kind = HANDLED_DONE, .repeated = true});
    assert_int_equal(test.settled, 0);
    assert_int_equal(test.started_count, 2);
    assert_string_equal(test.started[0].what, "http http://a/");
    assert_string_equal(test.started[1].what, "exec mail");
    end(1, done);
    assert_int_equal(test.settled, 0);
    end(0, done);
    assert_int_equal(test.settled, 1);
    assert_int_equal(test.handled.kind, HANDLED_DONE);
    assert_true(test.handled.repeated);
    assert_ptr_equal(test.delivery, &test.delivery);
}

static void nothing_follows_sql_that_failed(void **state) {
    (void)state;
    assert_true(open_handlers("**=http://a/\n**=sql:shop.a", NULL));
    offer("order.created");
    end(0, (struct handled){.kind = HANDLED_FAILED, .outage = true, .reason = "shop.a: gone"});
    assert_int_equal(test.started_count, 0);
    assert_int_equal(test.settled, 1);
    assert_int_equal(test.handled.kind, HANDLED_FAILED);
    assert_true(test.handled.outage);
    assert_string_equal(test.reason, "shop.a: gone");
}

static void one_failure_fails_when_all_have_ended(void **state) {
    (void)state;
    assert_true(
        open_handlers("**=http://a:80/hook/sesame?token=sesame\n**=exec:mail sesame\n**=http://b/", NULL));
    offer("order.created");
    assert_int_equal(test.started_count, 3);
    end(0, (struct handled){.kind = HANDLED_FAILED, .outage = true, .reason = "503", .retry_after_us = 5});
    end(1, done);
    assert_int_equal(test.settled, 0);
    end(0, (struct handled){.kind = HANDLED_FAILED, .reason = "exit code 1", .retry_after_us = 3});
    assert_int_equal(test.settled, 1);
    assert_int_equal(test.handled.kind, HANDLED_FAILED);
    assert_false(test.handled.outage);
    assert_int_equal(test.handled.retry_after_us, 5);
    assert_string_equal(test.reason, "http://a:80: 503; mail: exit code 1");
}

static void an_outage_only_if_every_failure_is_one(void **state) {
    (void)state;
    assert_true(open_handlers("**=http://a/\n**=http://b/\n**=http://c/", NULL));
    offer("order.created");
    end(0, (struct handled){.kind = HANDLED_FAILED, .outage = true, .reason = "503"});
    end(0, (struct handled){.kind = HANDLED_FAILED, .outage = true, .reason = "504"});
    end(0, done);
    assert_int_equal(test.handled.kind, HANDLED_FAILED);
    assert_true(test.handled.outage);
    offer("order.created");
    end(0, (struct handled){.kind = HANDLED_FAILED, .reason = "500"});
    end(0, (struct handled){.kind = HANDLED_FAILED, .outage = true, .reason = "504"});
    end(0, done);
    assert_false(test.handled.outage);
}

static void what_has_not_begun_is_let_go(void **state) {
    (void)state;
    assert_true(open_handlers("a=sql:shop.a\na=http://a/\nb=http://b/", NULL));
    offer("b");
    offer("a");
    handlers_drop(test.handlers);
    assert_int_equal(test.settled, 1);
    assert_int_equal(test.handled.kind, HANDLED_LET_GO);
    assert_int_equal(test.started_count, 1); // http: goes on
    end(0, done);
    assert_int_equal(test.settled, 2);
    assert_int_equal(test.handled.kind, HANDLED_DONE);
}

static void programs_that_wait_are_let_go(void **state) {
    (void)state;
    assert_true(open_handlers("a=exec:mail\na=exec:print", NULL));
    offer("a");
    handlers_drop(test.handlers); // both run
    assert_int_equal(test.settled, 0);
    end(0, done);
    end(0, done);
    assert_int_equal(test.handled.kind, HANDLED_DONE);
    offer("a");
    test.waits = true;
    handlers_drop(test.handlers);
    assert_int_equal(test.settled, 2);
    assert_int_equal(test.handled.kind, HANDLED_LET_GO);
    assert_false(test.handled.outage);
    assert_null(test.handled.reason);
}

static void assert_not_all_begun(const char *reason) {
    assert_int_equal(test.settled, 1);
    assert_int_equal(test.handled.kind, HANDLED_FAILED);
    assert_true(test.handled.outage);
    assert_string_equal(test.reason, reason);
}

static void what_was_begun_in_part_is_not_let_go(void **state) {
    (void)state;
    test.waits = true;
    assert_true(open_handlers("a=sql:shop.a\na=exec:mail", NULL));
    offer("a");
    end(0, done); // committed
    handlers_drop(test.handlers);
    assert_not_all_begun("mail: it was not begun");
}

static void a_request_under_way_is_waited_for(void **state) {
    (void)state;
    test.waits = true;
    assert_true(open_handlers("a=http://a/\na=exec:mail\na=exec:print", NULL));
    offer("a");
    end(1, done); // mail, before the drop
    handlers_drop(test.handlers);
    assert_int_equal(test.settled, 0);
    end(0, done);
    assert_not_all_begun("print: it was not begun");
}

static void an_outage_of_the_drop_hides_no_failure(void **state) {
    (void)state;
    test.waits = true;
    assert_true(open_handlers("a=http://a/\na=exec:mail", NULL));
    offer("a");
    handlers_drop(test.handlers);
    end(0, (struct handled){.kind = HANDLED_FAILED, .reason = "500"});
    assert_int_equal(test.handled.kind, HANDLED_FAILED);
    assert_false(test.handled.outage);
    assert_string_equal(test.reason, "mail: it was not begun; http://a: 500");
}

static void sql_says_when_it_is_ready(void **state) {
    struct error gone = {0};
    (void)state;
    assert_true(open_handlers("a=sql:shop.a", NULL));
    loop_settle(test.base);
    assert_int_equal(test.ready, 0);
    test.resting = true;
    assert_true(handlers_resting(test.handlers));
    struct health health = {0};
    handlers_health(test.handlers, &health);
    assert_false(health.checks[0].good);
    assert_string_equal(health.checks[0].why, "the database of the sql: handlers: connection refused");
    test.sql.ready(test.sql.runner.context);
    assert_int_equal(test.ready, 1);
    test.sql.recovered(test.sql.runner.context);
    assert_int_equal(test.recovered, 1);
    error_set(&gone, ERROR_SCHEMA, "gone");
    test.sql.broken(test.sql.runner.context, &gone);
    assert_int_equal(test.broken, 1);
}

static void without_sql_all_is_ready_at_once(void **state) {
    (void)state;
    assert_true(open_handlers("a=http://a/", NULL));
    assert_int_equal(test.ready, 0); // but not before handlers_new has returned
    loop_settle(test.base);
    assert_int_equal(test.ready, 1);
    assert_false(handlers_resting(test.handlers));
    struct health health = {0};
    handlers_health(test.handlers, &health);
    assert_true(health_is_good(&health) && health.count == 1);
    handlers_drop(test.handlers);
}

static void freed_with_events_under_way(void **state) {
    (void)state;
    assert_true(open_handlers("a=sql:shop.a\nb=http://b/\nb=exec:mail", NULL));
    offer("a");
    offer("b");
    offer("b");
    end(1, (struct handled){.kind = HANDLED_FAILED, .reason = "503"});
    handlers_free(test.handlers);
    test.handlers = NULL;
    assert_int_equal(test.freed, 3);
    assert_int_equal(test.settled, 0);
}

static void what_cannot_be_made_is_an_error(void **state) {
    struct error error = {0};
    (void)state;
    assert_false(open_handlers("a=nonsense", &error));
    assert_int_equal(error.code, ERROR_USAGE);
    free(test.settings.on);
    test.refuses = true;
    assert_false(open_handlers("a=exec:mail\na=sql:shop.a", &error));
    assert_string_equal(error.text, "no");
    assert_int_equal(test.freed, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_matches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_zero_byte_does_not_cut_a_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_are_copied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sql_comes_first_all_of_it_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_follows_sql_that_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_failure_fails_when_all_have_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_outage_only_if_every_failure_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_not_begun_is_let_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(programs_that_wait_are_let_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_begun_in_part_is_not_let_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_request_under_way_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_outage_of_the_drop_hides_no_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sql_says_when_it_is_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_sql_all_is_ready_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(freed_with_events_under_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_made_is_an_error, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
