// SPDX-License-Identifier: Apache-2.0
// Publishing on credentials that live for a minute, from each kind of service: an hour, with an outage of
// whoever hands them out that is longer than their life, and half an hour without. It passes in seconds: this
// program's clocks jump to the next timer whenever nothing else is to be done.
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sns/publisher.h"
#include "support/publisher_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum {
    HOUR_S = 3600,
    PER_SECOND = 3,
    EVENTS = HOUR_S * PER_SECOND,
    LIFETIME_S = 60,
    OUTAGE_BEGINS_S = 1200,
    OUTAGE_S = 150,
    AFTER_S = 120, // for what is left at the end of the hour
};

// Defined here these two take the place of the C library's, for the libraries as well.
static int64_t ahead_ns;

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc has reserved ones
int clock_gettime(clockid_t id, struct timespec *ret) {
    int result = (int)syscall(SYS_clock_gettime, id, ret);
    int64_t ns = ret->tv_nsec + ahead_ns % 1000000000;
    ret->tv_sec += ahead_ns / 1000000000 + ns / 1000000000;
    ret->tv_nsec = ns % 1000000000;
    return result;
}

static int poll_really(int file, struct epoll_event *events, int most) {
    return (int)syscall(SYS_epoll_pwait, file, events, most, 0, NULL, 0);
}

// A moment for what is on its way within this machine; then time jumps.
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
int epoll_wait(int file, struct epoll_event *events, int most, int timeout_ms) {
    static const struct timespec moment = {.tv_nsec = 100000};
    int count = poll_really(file, events, most);
    if (count == 0 && timeout_ms > 0) {
        nanosleep(&moment, NULL);
        count = poll_really(file, events, most);
        ahead_ns += count == 0 ? timeout_ms * INT64_C(1000000) : 0;
    }
    return count;
}

// Who hands out credentials.
enum source { CONTAINER, METADATA, WEB_IDENTITY };

enum fate { NOT_OFFERED, OFFERED, PUT_OFF, WAITING, SENT };

// The world around the publisher: the database, SNS, and the endpoint that hands out credentials.
struct world {
    enum source source;
    int length; // in seconds
    bool has_outage;
    struct harness *harness;
    struct http_server *endpoint;
    char url[64];
    struct event *tick;
    int64_t began_at;
    int seconds; // that have passed
    int inserted;
    int first_left; // all before it are sent
    enum fate fates[EVENTS];
    int64_t due_at[EVENTS];
    int published[EVENTS]; // how often
    int sent;
    int given;                    // sets of credentials
    int64_t ends_at[HOUR_S];      // of each, on the wall clock
    int failed;                   // times that the endpoint has failed
    int refused;                  // requests with expired credentials
    int64_t longest_gap, last_at; // between requests
};

static bool is_failing(const struct world *world) {
    return world->has_outage && world->seconds >= OUTAGE_BEGINS_S &&
           world->seconds < OUTAGE_BEGINS_S + OUTAGE_S;
}

static void give(struct world *world, struct http_received *request) {
    static const char json[] = "{\"AccessKeyId\":\"AKID-%d\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
                               "\"Expiration\":\"%s\"}";
    static const char xml[] =
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
        "<AccessKeyId>AKID-%d</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        "<Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
        "</AssumeRoleWithWebIdentityResponse>";
    char document[512], expiry[CLOCK_ISO8601_SIZE];
    assert_true(world->given < HOUR_S);
    world->ends_at[world->given] = clock_unix_us() + LIFETIME_S * INT64_C(1000000);
    clock_format_iso8601(world->ends_at[world->given], expiry);
    if (world->source == WEB_IDENTITY) {
        snprintf(document, sizeof document, xml, world->given, expiry);
    } else {
        snprintf(document, sizeof document, json, world->given, expiry);
    }
    world->given++;
    http_server_reply(request, "200 OK", document);
}

static void on_ask(void *context, struct http_received *request) {
    struct world *world = context;
    if (is_failing(world)) {
        world->failed++;
        http_server_reply(request, "500 Internal Server Error", "");
    } else if (strncmp(request->head, "PUT ", 4) == 0) {
        http_server_reply(request, "200 OK", "token");
    } else if (strstr(request->head, "/security-credentials/ ") != NULL) {
        http_server_reply(request, "200 OK", "role");
    } else {
        give(world, request);
    }
}

static struct world *the_world; // what harness_answer functions cannot be told

static void accept_live(struct harness *harness, struct http_received *request) {
    struct world *world = the_world;
    char authorization[1024];
    http_server_header(request, "authorization", authorization, sizeof authorization);
    const char *key = strstr(authorization, "AKID-");
    assert_non_null(key);
    int64_t now = clock_unix_us();
    if (world->last_at > 0 && now - world->last_at > world->longest_gap) {
        world->longest_gap = now - world->last_at;
    }
    world->last_at = now;
    if (now >= world->ends_at[strtol(key + 5, NULL, 10)]) {
        world->refused++;
        http_server_reply(request, "403 Forbidden", HARNESS_ERROR("Sender", "ExpiredToken"));
        return;
    }
    struct form form;
    harness_read_form(request, &form);
    for (int index = 0; index < form_entry_count(&form); index++) {
        world->published[harness_row_of(&form, index)]++;
    }
    form_free(&form);
    harness_accept(harness, request);
}

static void on_settled(void *context, struct delivery delivery, const struct outcome *outcome) {
    struct world *world = context;
    assert_int_equal(world->fates[delivery.row], OFFERED);
    assert_int_not_equal(outcome->kind, OUTCOME_PARK);
    assert_int_not_equal(outcome->kind, OUTCOME_REFUSED);
    world->fates[delivery.row] = outcome->kind == OUTCOME_SENT   ? SENT
                                 : outcome->kind == OUTCOME_WAIT ? WAITING
                                                                 : PUT_OFF;
    world->due_at[delivery.row] = clock_monotonic_us() + outcome->retry_after_us;
    world->sent += outcome->kind == OUTCOME_SENT;
}

static void on_drained(void *context) {
    (void)context;
}

static void on_recovered(void *context) {
    struct world *world = context;
    for (int row = 0; row < world->inserted; row++) {
        if (world->fates[row] == WAITING) {
            world->fates[row] = PUT_OFF;
            world->due_at[row] = 0;
        }
    }
}

// (There is no other relay that could take what comes due.)
static void on_probing(void *context, int events) {
    (void)context;
    (void)events;
}

static void on_broken(void *context, const struct error *error) {
    (void)context;
    fail_msg("%s", error->text);
}

static void offer_due(struct world *world) {
    struct sink *sink = &world->harness->sink;
    int room = sink->room(sink->self, true);
    while (world->first_left < world->inserted && world->fates[world->first_left] == SENT) {
        world->first_left++;
    }
    for (int row = world->first_left; row < world->inserted && room > 0; row++) {
        bool is_due = world->fates[row] == NOT_OFFERED ||
                      (world->fates[row] == PUT_OFF && clock_monotonic_us() >= world->due_at[row]);
        if (is_due) {
            const struct outbox_event event = harness_event(row, "{}");
            world->fates[row] = OFFERED;
            room--;
            sink->offer(sink->self, &event, &world->harness->standard, (struct delivery){world, row});
        }
    }
    sink->flush(sink->self, world);
}

static void on_tick(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct world *world = context;
    world->seconds++;
    if (world->seconds <= world->length) {
        world->inserted += PER_SECOND;
    }
    offer_due(world);
    if (world->seconds == world->length + AFTER_S) {
        event_base_loopbreak(world->harness->base);
    }
}

static void set_source(struct world *world, struct settings *settings) {
    static char token_file[] = "/proc/self/comm", role[] = "arn:aws:iam::123456789012:role/relay"; // any text
    if (world->source == CONTAINER) {
        settings->aws_container_credentials_full_uri = world->url;
    } else if (world->source == METADATA) {
        settings->aws_ec2_metadata_service_endpoint = world->url;
    } else {
        settings->aws_web_identity_token_file = token_file;
        settings->aws_role_arn = role;
        settings->aws_endpoint_url_sts = world->url;
    }
}

static void begin(struct world *world) {
    static char none[] = "";
    static const struct timeval second = {.tv_sec = 1};
    const struct sink_listener listener = {.context = world,
                                           .settled = on_settled,
                                           .drained = on_drained,
                                           .recovered = on_recovered,
                                           .probing = on_probing,
                                           .broken = on_broken};
    struct error error = {0};
    world->harness = harness_new();
    world->harness->answer = accept_live;
    world->endpoint = http_server_new(world->harness->base, on_ask, world);
    snprintf(world->url, sizeof world->url, "http://127.0.0.1:%d/", http_server_port(world->endpoint));
    struct settings *settings = &world->harness->settings;
    settings->aws_access_key_id = none;
    settings->aws_secret_access_key = none;
    set_source(world, settings);
    settings->retry_base = 1000000;
    if (!sns_publisher_new(&world->harness->sink, world->harness->base, settings, &listener, &error)) {
        fail_msg("%s", error.text);
    }
    world->tick = event_new(world->harness->base, -1, EV_PERSIST, on_tick, world);
    event_add(world->tick, &second);
    world->began_at = clock_monotonic_us();
}

static void end(struct world *world) {
    event_free(world->tick);
    http_server_free(world->endpoint);
    harness_free(world->harness);
    free(world);
}

static struct world *pass(enum source source, int length, bool has_outage) {
    struct world *world = the_world = memory_allocate(1, sizeof *world);
    world->source = source;
    world->length = length;
    world->has_outage = has_outage;
    begin(world);
    event_base_dispatch(world->harness->base);
    assert_true(clock_monotonic_us() - world->began_at >= (length + AFTER_S - 1) * INT64_C(1000000));
    assert_int_equal(world->sent, length * PER_SECOND);
    for (int row = 0; row < length * PER_SECOND; row++) {
        assert_int_equal(world->published[row], 1);
    }
    assert_int_equal(world->refused, 0);
    assert_in_range(world->given, length / LIFETIME_S, 3 * length / LIFETIME_S);
    return world;
}

// The outage is felt, but for what the last credentials live through, and not much longer than it is.
static void an_hour_with_an_outage(void **state) {
    struct world *world = pass(CONTAINER, HOUR_S, true);

    (void)state;
    assert_in_range(world->failed, 3, 3 * 20); // it was asked, and not without pause
    assert_in_range(world->longest_gap / 1000000, OUTAGE_S - LIFETIME_S, OUTAGE_S + 65);
    end(world);
}

static void half_an_hour_from_each_service(void **state) {
    (void)state;
    for (enum source source = CONTAINER; source <= WEB_IDENTITY; source++) {
        struct world *world = pass(source, HOUR_S / 2, false);
        assert_in_range(world->longest_gap, 1, 5000000); // between requests: nothing has ever waited
        end(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_with_an_outage),
        cmocka_unit_test(half_an_hour_from_each_service),
    };
    setenv("no_proxy", "*", 1);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
