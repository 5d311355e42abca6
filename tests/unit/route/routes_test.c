// SPDX-License-Identifier: Apache-2.0
// Which topic an event goes to: precedence, specificity, and rules that are read anew while topics stay.
#include "route/routes.h"

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

#define PREFIX "arn:aws:sns:eu-west-1:123456789012"
#define ARN(name) PREFIX ":" name

enum { TOPICS_MAX = 10000 };

static struct settings settings;

static int create(void **state) {
    static char none[] = "";

    settings = (struct settings){.topic_arn = none, .topic_arn_prefix = none, .format = FORMAT_DOMAIN_EVENT};
    *state = routes_new(&settings);
    return 0;
}

static int release(void **state) {
    routes_free(*state, NULL);
    return 0;
}

static void add(struct routes *routes, const char *pattern, const char *arn) {
    struct error error = {0};

    if (!routes_add(routes, pattern, arn, NULL, false, &error)) {
        fail_msg("%s", error.text);
    }
}

static struct topic *topic_of(struct routes *routes, const char *event_type) {
    const char *reason = NULL;
    struct topic *topic = routes_topic(routes, slice_of_text(event_type), &reason);

    assert_non_null(reason);
    return topic;
}

static void assert_topic(struct routes *routes, const char *event_type, const char *arn) {
    const struct topic *topic = topic_of(routes, event_type);

    assert_non_null(topic);
    assert_string_equal(topic->arn, arn);
}

static void assert_no_topic(struct routes *routes, const char *event_type, const char *expected) {
    for (int twice = 0; twice < 2; twice++) { // the second time from the cache
        const char *reason = NULL;
        assert_null(routes_topic(routes, slice_of_text(event_type), &reason));
        assert_non_null(strstr(reason, expected));
    }
}

static void has_no_topic_at_first(void **state) {
    assert_no_topic(*state, "order.created",
                    "no route matches this event type and OUTBOX_TOPIC_ARN is not set");
}

static void prefers_routes_then_the_topic_then_the_prefix(void **state) {
    static char topic_arn[] = ARN("all"), prefix[] = PREFIX, none[] = "";

    settings.topic_arn = topic_arn;
    settings.topic_arn_prefix = prefix;
    routes_begin(*state);
    add(*state, "order.*", ARN("orders"));
    assert_true(routes_finish(*state));
    assert_topic(*state, "order.created", ARN("orders"));
    assert_topic(*state, "user.registered", ARN("all"));
    settings.topic_arn = none;
    assert_topic(*state, "order.cancelled", ARN("orders"));
    assert_topic(*state, "user.removed", ARN("user-removed"));
}

static void prefers_the_most_specific_route(void **state) {
    static const char *const patterns[] = {"**", "order.**", "order.*", "order.created"};

    for (int backwards = 0; backwards < 2; backwards++) { // whatever their order
        routes_begin(*state);
        for (int index = 0; index < 4; index++) {
            static const char *const arns[] = {ARN("any"), ARN("deep"), ARN("one"), ARN("exact")};
            int place = backwards ? 3 - index : index;
            add(*state, patterns[place], arns[place]);
        }
        assert_true(routes_finish(*state));
        assert_topic(*state, "order.created", ARN("exact"));
        assert_topic(*state, "order.cancelled", ARN("one"));
        assert_topic(*state, "order.line.added", ARN("deep"));
        assert_topic(*state, "user.registered", ARN("any"));
    }
}

static void gives_a_topic_its_properties(void **state) {
    struct routes *routes = *state;

    settings.format = FORMAT_CLOUDEVENTS;
    routes_begin(routes);
    assert_true(routes_add(routes, "a", ARN("plain"), NULL, false, NULL));
    assert_true(routes_add(routes, "b", ARN("plain"), "data", true, NULL));
    assert_true(routes_add(routes, "c", ARN("ordered.fifo"), "domain-event", false, NULL));
    assert_true(routes_add(routes, "d", ARN("plain"), "cloudevents", false, NULL));
    routes_finish(routes);
    const struct topic *a = topic_of(routes, "a"), *b = topic_of(routes, "b"), *c = topic_of(routes, "c");
    assert_int_equal(a->format, FORMAT_CLOUDEVENTS); // the default
    assert_false(a->message_group);
    assert_false(a->parts.is_fifo);
    assert_string_equal(a->parts.region, "eu-west-1");
    assert_null(a->sink_state);
    assert_int_equal(b->format, FORMAT_DATA);
    assert_true(b->message_group);
    assert_ptr_not_equal(a, b); // one ARN, but not the same messages
    assert_int_equal(c->format, FORMAT_DOMAIN_EVENT);
    assert_true(c->parts.is_fifo);
    assert_ptr_equal(topic_of(routes, "d"), a);
}

static void leaves_out_bad_routes(void **state) {
    static const struct {
        const char *pattern, *arn, *format, *expected;
    } bad[] = {
        {"Order.*", ARN("orders"), NULL, "Order.*"},
        {"", ARN("orders"), NULL, "1 to 256 bytes"},
        {"order.*", "arn:aws:sqs:eu-west-1:123456789012:orders", NULL, "the service must be sns"},
        {"order.*", "", NULL, "is not the ARN of an SNS topic"},
        {"order.*", ARN("orders"), "xml", "format \"xml\""},
        {"order.*", ARN("orders"), "", "format \"\""},
    };
    struct error error;

    routes_begin(*state);
    add(*state, "**", ARN("any"));
    for (size_t index = 0; index < sizeof bad / sizeof bad[0]; index++) {
        error = (struct error){0};
        assert_false(
            routes_add(*state, bad[index].pattern, bad[index].arn, bad[index].format, false, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, bad[index].expected));
    }
    assert_true(routes_finish(*state));
    assert_topic(*state, "order.created", ARN("any"));
}

static void reads_rules_anew(void **state) {
    routes_begin(*state);
    add(*state, "order.*", ARN("old"));
    assert_true(routes_finish(*state));
    struct topic *old = topic_of(*state, "order.created");
    assert_no_topic(*state, "user.registered", "no route");

    routes_begin(*state);
    add(*state, "order.*", ARN("old"));
    assert_topic(*state, "order.created", ARN("old")); // the old rules hold until the new are whole
    assert_false(routes_finish(*state));
    assert_ptr_equal(topic_of(*state, "order.created"), old);

    routes_begin(*state);
    add(*state, "order.*", ARN("new"));
    add(*state, "user.*", ARN("users"));
    assert_topic(*state, "order.created", ARN("old"));
    assert_true(routes_finish(*state));
    assert_topic(*state, "order.created", ARN("new")); // not what was remembered
    assert_topic(*state, "user.registered", ARN("users"));
    assert_string_equal(old->arn, ARN("old")); // still there for a batch under way

    routes_begin(*state);
    add(*state, "order.*", ARN("old"));
    assert_true(routes_finish(*state));
    assert_ptr_equal(topic_of(*state, "order.created"), old);

    routes_begin(*state);
    assert_true(routes_finish(*state));
    assert_no_topic(*state, "order.created", "no route");
    routes_begin(*state);
    assert_false(routes_finish(*state));
}

static void forgets_rules_that_were_not_finished(void **state) {
    routes_begin(*state);
    add(*state, "order.*", ARN("half"));
    routes_begin(*state); // the connection broke; this is the next try
    add(*state, "user.*", ARN("users"));
    assert_true(routes_finish(*state));
    assert_no_topic(*state, "order.created", "no route");
    assert_topic(*state, "user.registered", ARN("users"));
}

static void notices_every_kind_of_change(void **state) {
    static const struct {
        const char *pattern, *arn, *format;
        bool message_group;
    } rules[] = {
        {"a.*", ARN("a"), NULL, false},    {"a.**", ARN("a"), NULL, false},  {"a.**", ARN("b"), NULL, false},
        {"a.**", ARN("b"), "data", false}, {"a.**", ARN("b"), "data", true},
    };

    for (size_t index = 0; index < sizeof rules / sizeof rules[0]; index++) {
        for (int twice = 0; twice < 2; twice++) {
            routes_begin(*state);
            assert_true(routes_add(*state, rules[index].pattern, rules[index].arn, rules[index].format,
                                   rules[index].message_group, NULL));
            assert_int_equal(routes_finish(*state), twice == 0);
        }
    }
}

// Enough event types that many share a slot of the cache.
static void remembers_without_mixing_up(void **state) {
    enum { TYPES = 1000 };
    static char prefix[] = PREFIX;
    char type[32], arn[80];

    settings.topic_arn_prefix = prefix;
    for (int twice = 0; twice < 2; twice++) {
        for (int number = 0; number < TYPES; number++) {
            snprintf(type, sizeof type, "event.n%d", number);
            snprintf(arn, sizeof arn, PREFIX ":event-n%d", number);
            assert_topic(*state, type, arn);
        }
    }
}

static void bounds_the_number_of_topics(void **state) {
    static char prefix[] = PREFIX;
    char type[32];
    struct error error = {0};

    settings.topic_arn_prefix = prefix;
    for (int number = 0; number < TOPICS_MAX; number++) {
        snprintf(type, sizeof type, "event.n%d", number);
        assert_non_null(topic_of(*state, type));
    }
    assert_no_topic(*state, "one.more", "too many topics");
    assert_topic(*state, "event.n7", ARN("event-n7")); // those that are known go on
    routes_begin(*state);
    assert_false(routes_add(*state, "one.*", ARN("one-more"), NULL, false, &error));
    assert_non_null(strstr(error.text, "more than 10000 topics"));
    add(*state, "one.*", ARN("event-n9"));
    assert_true(routes_finish(*state));
    assert_topic(*state, "one.more", ARN("event-n9"));
}

static void says_why_a_prefix_does_not_fit(void **state) {
    static char prefix[] = PREFIX;
    char type[256];

    settings.topic_arn_prefix = prefix;
    memset(type, 'a', sizeof type - 1);
    type[sizeof type - 1] = '\0';
    assert_topic(*state, "a.b_c.d-e", ARN("a-b_c-d-e"));
    assert_no_topic(*state, "a b", "OUTBOX_TOPIC_ARN_PREFIX");
    assert_no_topic(*state, "", "OUTBOX_TOPIC_ARN_PREFIX");
    assert_non_null(topic_of(*state, type)); // 255 of at most 256
}

static void takes_event_types_as_views(void **state) {
    const char *reason;

    routes_begin(*state);
    add(*state, "order.created", ARN("orders"));
    routes_finish(*state);
    assert_non_null(routes_topic(*state, (struct slice){"order.created.more", 13}, &reason));
    assert_null(routes_topic(*state, (struct slice){"order.created.more", 14}, &reason));
    assert_null(routes_topic(*state, (struct slice){"order.created", 0}, &reason));
}

static int freed;

static void free_sink_state(void *sink_state) {
    freed += *(int *)sink_state;
}

static void frees_what_the_sink_keeps(void **state) {
    static int one = 1, ten = 10;
    struct routes *routes = routes_new(&settings);

    (void)state;
    freed = 0;
    routes_begin(routes);
    add(routes, "a", ARN("a"));
    add(routes, "b", ARN("b"));
    add(routes, "c", ARN("c"));
    routes_finish(routes);
    topic_of(routes, "a")->sink_state = &one;
    topic_of(routes, "c")->sink_state = &ten;
    routes_free(routes, free_sink_state);
    assert_int_equal(freed, 11);
    routes_free(NULL, free_sink_state);
}

// By its name, whatever route leads to it and whenever it is first seen.
static void pauses_and_resumes_topics(void **state) {
    struct routes *routes = *state;

    routes_begin(routes);
    add(routes, "a", ARN("one"));
    assert_true(routes_add(routes, "b", ARN("one"), "data", false, NULL));
    add(routes, "c", ARN("other"));
    assert_true(routes_finish(routes));
    for (int twice = 0; twice < 2; twice++) {
        routes_begin(routes);
        routes_add_paused(routes, ARN("one"));
        routes_add_paused(routes, ARN("new"));
        add(routes, "a", ARN("one"));
        assert_true(routes_add(routes, "b", ARN("one"), "data", false, NULL));
        add(routes, "c", ARN("other"));
        assert_int_equal(routes_finish(routes), twice == 0); // a change, and then none
        assert_true(topic_of(routes, "a")->paused);
        assert_true(topic_of(routes, "b")->paused);
        assert_false(topic_of(routes, "c")->paused);
    }
    struct topic *topic = topic_of(routes, "a");
    routes_begin(routes);
    routes_add_paused(routes, ARN("new"));
    add(routes, "a", ARN("one"));
    add(routes, "d", ARN("new"));
    assert_true(routes_finish(routes));
    assert_ptr_equal(topic_of(routes, "a"), topic);
    assert_false(topic->paused);
    assert_true(topic_of(routes, "d")->paused);
}

static void tells_which_events_are_ordered(void **state) {
    struct routes *routes = *state;

    assert_null(routes_ordered_sql(routes));
    routes_begin(routes);
    add(routes, "a.b", ARN("ordered.fifo"));
    assert_null(routes_ordered_sql(routes)); // before they are in force
    assert_true(routes_finish(routes));
    assert_string_equal(routes_ordered_sql(routes), "CASE WHEN event_type = 'a.b' THEN true ELSE false END");
    routes_begin(routes);
    assert_true(routes_finish(routes));
    assert_null(routes_ordered_sql(routes));
}

static void orders_all_if_it_is_told_to(void **state) {
    struct routes *routes = *state;

    routes_order_all(routes);
    assert_string_equal(routes_ordered_sql(routes), "true");
    routes_begin(routes);
    add(routes, "a.b", ARN("other"));
    assert_true(routes_finish(routes));
    assert_string_equal(routes_ordered_sql(routes), "true");
    char *sql = routes_ordered_sql_without(routes, NULL, NULL);
    assert_string_equal(sql, "true");
    free(sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(has_no_topic_at_first, create, release),
        cmocka_unit_test_setup_teardown(prefers_routes_then_the_topic_then_the_prefix, create, release),
        cmocka_unit_test_setup_teardown(prefers_the_most_specific_route, create, release),
        cmocka_unit_test_setup_teardown(gives_a_topic_its_properties, create, release),
        cmocka_unit_test_setup_teardown(leaves_out_bad_routes, create, release),
        cmocka_unit_test_setup_teardown(reads_rules_anew, create, release),
        cmocka_unit_test_setup_teardown(forgets_rules_that_were_not_finished, create, release),
        cmocka_unit_test_setup_teardown(notices_every_kind_of_change, create, release),
        cmocka_unit_test_setup_teardown(remembers_without_mixing_up, create, release),
        cmocka_unit_test_setup_teardown(bounds_the_number_of_topics, create, release),
        cmocka_unit_test_setup_teardown(says_why_a_prefix_does_not_fit, create, release),
        cmocka_unit_test_setup_teardown(takes_event_types_as_views, create, release),
        cmocka_unit_test_setup_teardown(frees_what_the_sink_keeps, create, release),
        cmocka_unit_test_setup_teardown(pauses_and_resumes_topics, create, release),
        cmocka_unit_test_setup_teardown(tells_which_events_are_ordered, create, release),
        cmocka_unit_test_setup_teardown(orders_all_if_it_is_told_to, create, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
