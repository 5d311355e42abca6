// SPDX-License-Identifier: Apache-2.0
// What each request is answered with, but for the bytes of HTTP.
#include "admin/routes.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

struct program {
    bool stopping;
    const char *database; // what is wrong with it; NULL: nothing
};

static void add_health(void *context, struct health *health) {
    const struct program *program = context;
    health_add(health, "database", program->database == NULL, program->database);
    health_add(health, "sns", true, "1 of 2 topics rests");
}

static bool is_stopping(void *context) {
    const struct program *program = context;
    return program->stopping;
}

static struct program program;
static struct server_reply reply;
static struct admin admin;

static int set_up(void **state) {
    struct error error;
    (void)state;
    program = (struct program){0};
    admin = (struct admin){.subject = {.context = &program,
                                       .owner = METRIC_OF_RUN,
                                       .command = "run",
                                       .health = add_health,
                                       .is_stopping = is_stopping}};
    assert_true(address_parse(&admin.address, "127.0.0.1:9465", &error));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    buffer_free(&reply.body);
    metrics_free();
    return 0;
}

static const char *ask(const struct server_request *request) {
    buffer_free(&reply.body);
    reply = (struct server_reply){.status = 200, .content_type = "text/plain; charset=utf-8"};
    buffer_init(&reply.body, 16 << 20);
    routes_answer(&admin, request, &reply);
    return buffer_text(&reply.body);
}

static const char *get(const char *path, bool verbose) {
    return ask(&(struct server_request){
        .method = "GET", .path = path, .host = "localhost:9465", .verbose = verbose});
}

static void lives_whatever_is_wrong(void **state) {
    (void)state;
    program = (struct program){.stopping = true, .database = "lost"};
    assert_string_equal(get("/livez", false), "ok\n");
    assert_int_equal(reply.status, 200);
}

static void tells_readiness(void **state) {
    (void)state;
    assert_string_equal(get("/readyz", false), "ok\n");
    assert_int_equal(reply.status, 200);
    assert_string_equal(get("/readyz", true), "[+]database ok\n[+]sns ok: 1 of 2 topics rests\nok\n");

    program.database = "lost 3 s ago\nwith a break";
    assert_string_equal(get("/readyz", false), "[-]database: lost 3 s ago with a break\n");
    assert_int_equal(reply.status, 503);
    assert_string_equal(
        get("/readyz", true),
        "[-]database: lost 3 s ago with a break\n[+]sns ok: 1 of 2 topics rests\nnot ready\n");
    assert_int_equal(reply.status, 503);

    program = (struct program){.stopping = true};
    assert_string_equal(get("/readyz", false), "[-]stopping: what is under way is being finished\n");
    assert_int_equal(reply.status, 503);
}

static void exposes_metrics(void **state) {
    (void)state;
    const char *text = get("/metrics", false);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_non_null(strstr(text, "\noutbox_relay_ready 1\n"));
    assert_non_null(strstr(text, "\noutbox_relay_build_info{version=\""));
    assert_null(strstr(text, "outbox_relay_received_messages_total"));
    program.database = "lost";
    assert_non_null(strstr(get("/metrics", false), "\noutbox_relay_ready 0\n"));
    admin.subject.owner = METRIC_OF_CONSUME;
    assert_non_null(strstr(get("/metrics", false), "outbox_relay_received_messages_total"));
}

static void fits_into_an_answer_with_all_series(void **state) {
    char label[64];
    (void)state;
    for (int index = 0; index < METRIC_SERIES_MAX; index++) {
        (void)snprintf(label, sizeof label, "arn:aws:sns:eu-west-1:000000000000:topic-%d", index);
        for (int name = 0; name < METRIC_NAMES; name++) {
            if (metric_families[name].labels[0] != NULL && name != METRIC_BUILD_INFO) {
                metric_series((enum metric_name)name, label, "x");
            }
        }
    }
    get("/metrics", false);
    assert_false(reply.body.overflow);
    assert_int_equal(reply.status, 200);
}

static void refuses_what_is_not_reading(void **state) {
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", ""};
    (void)state;
    for (size_t index = 0; index < sizeof methods / sizeof methods[0]; index++) {
        ask(&(struct server_request){.method = methods[index], .path = "/livez", .host = "localhost"});
        assert_int_equal(reply.status, 405);
        assert_string_equal(reply.allowed_methods, "GET, HEAD");
    }
    assert_string_equal(ask(&(struct server_request){.method = "HEAD", .path = "/livez"}), "ok\n");
}

static void lists_the_paths(void **state) {
    static const char *const paths[] = {"/healthz", "/livez/", "/LIVEZ", "", "*", "/livez?x", "//livez"};
    (void)state;
    for (size_t index = 0; index < sizeof paths / sizeof paths[0]; index++) {
        const char *text = get(paths[index], false);
        assert_int_equal(reply.status, 404);
        for (const struct route *route = admin_routes; route->path != NULL; route++) {
            assert_non_null(strstr(text, route->path));
        }
    }
}

static void refuses_names_of_others(void **state) {
    (void)state;
    const char *text = ask(
        &(struct server_request){.method = "GET", .path = "/metrics", .host = "evil.example:9465\x01\xff"});
    assert_int_equal(reply.status, 403);
    assert_non_null(strstr(text, "not to \"evil.example:9465??\""));
    assert_null(strstr(text, "outbox_relay_"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lives_whatever_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_readiness, set_up, tear_down),
        cmocka_unit_test_setup_teardown(exposes_metrics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fits_into_an_answer_with_all_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_not_reading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_the_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_names_of_others, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
