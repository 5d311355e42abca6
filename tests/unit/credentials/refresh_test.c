// SPDX-License-Identifier: Apache-2.0
// Credentials kept fresh over a scripted provider: single flight, old ones kept, refusals, and the whole over
// the real chain.
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "credentials/credentials.h"
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

#define ABSENT                                                                                               \
    "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile by AWS_PROFILE, "   \
    "or "                                                                                                    \
    "give this machine a role; looked for in "
#define SECONDS INT64_C(1000000)

struct fixture {
    struct event_base *base;
    struct credentials *credentials;
    int changes;
    int fetches;
    int goal;
    bool answers_later; // by answer()
    provider_done_fn done;
    void *context;
    // What the provider answers: keys "AKID1" and so on, by their number
    enum provider_result result;
    int number;
    int64_t lifetime; // 0: no end
    const char *reason;
};

static void answer(struct fixture *fixture) {
    provider_done_fn done = fixture->done;
    struct credentials_found found = {.source = "script"};
    snprintf(found.credentials.access_key_id, sizeof found.credentials.access_key_id, "AKID%d",
             fixture->number);
    found.expires_at = fixture->lifetime == 0 ? 0 : clock_unix_us() + fixture->lifetime;
    fixture->done = NULL;
    done(fixture->context, fixture->result, fixture->result == PROVIDER_FOUND ? &found : NULL,
         fixture->reason);
}

static void fetch(void *self, provider_done_fn done, void *context) {
    struct fixture *fixture = self;
    assert_null(fixture->done); // one at a time
    fixture->done = done;
    fixture->context = context;
    fixture->fetches++;
    if (!fixture->answers_later) {
        answer(fixture);
    }
}

static void free_nothing(void *self) {
    (void)self;
}

static void on_changed(void *context) {
    ((struct fixture *)context)->changes++;
}

static struct fixture *new_fixture(void) {
    struct fixture *fixture = memory_allocate(1, sizeof *fixture);
    fixture->base = event_base_new();
    fixture->result = PROVIDER_FOUND;
    fixture->number = 1;
    fixture->reason = "because";
    return fixture;
}

static void start(struct fixture *fixture) {
    const struct provider provider = {.self = fixture, .fetch = fetch, .free = free_nothing};
    const struct credentials_listener listener = {fixture, on_changed};
    fixture->credentials = credentials_over(fixture->base, &provider, &listener);
}

static void stop(struct fixture *fixture) {
    credentials_free(fixture->credentials);
    event_base_free(fixture->base);
    free(fixture);
}

static bool has_fetched(void *context) {
    const struct fixture *fixture = context;
    return fixture->fetches >= fixture->goal;
}

static void await_fetches(struct fixture *fixture, int count) {
    fixture->goal = count;
    assert_true(loop_until(fixture->base, has_fetched, fixture));
}

static void assert_now(const struct fixture *fixture, const char *id) {
    const struct aws_credentials *now = credentials_now(fixture->credentials);
    assert_non_null(now);
    assert_string_equal(now->access_key_id, id);
}

static void static_ones_are_there_at_once(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    start(fixture);
    assert_now(fixture, "AKID1");
    assert_string_equal(credentials_source(fixture->credentials), "script");
    assert_string_equal(credentials_problem(fixture->credentials), "");
    assert_int_equal(credentials_expire_at(fixture->credentials), 0);
    assert_false(credentials_absent(fixture->credentials));
    assert_int_equal(fixture->changes, 0);
    stop(fixture);
}

static void others_are_told_when_they_come(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->answers_later = true;
    start(fixture);
    assert_null(credentials_now(fixture->credentials));
    assert_string_equal(credentials_problem(fixture->credentials), "");
    answer(fixture);
    assert_now(fixture, "AKID1");
    assert_int_equal(fixture->changes, 1);
    stop(fixture);
}

// Of a lifetime of two seconds, after less than one and a quarter; the old ones hold until then.
static void they_are_fetched_anew_before_they_expire(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->lifetime = 2 * SECONDS;
    start(fixture);
    uint64_t version = credentials_version(fixture->credentials);
    fixture->number = 2;
    fixture->answers_later = true;
    await_fetches(fixture, 2);
    assert_now(fixture, "AKID1");
    credentials_refused(fixture->credentials); // one is under way already
    loop_settle(fixture->base);
    assert_int_equal(fixture->fetches, 2);
    answer(fixture);
    assert_now(fixture, "AKID2");
    assert_int_equal(fixture->changes, 1);
    assert_true(credentials_version(fixture->credentials) != version);
    stop(fixture);
}

static void old_ones_are_kept_while_fetching_fails(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->lifetime = 3 * SECONDS;
    start(fixture);
    fixture->result = PROVIDER_FAILED;
    await_fetches(fixture, 2);
    assert_now(fixture, "AKID1");
    assert_string_equal(credentials_problem(fixture->credentials), "because");
    fixture->result = PROVIDER_ABSENT; // had there never been any, waiting would be in vain
    fixture->reason = "nobody there";
    await_fetches(fixture, 3);
    assert_false(credentials_absent(fixture->credentials));
    assert_string_equal(credentials_problem(fixture->credentials), ABSENT "nobody there");
    assert_int_equal(fixture->changes, 0);
    fixture->result = PROVIDER_FOUND;
    fixture->lifetime = 0;
    await_fetches(fixture, 4);
    assert_now(fixture, "AKID1");
    assert_string_equal(credentials_problem(fixture->credentials), "");
    assert_int_equal(fixture->changes, 1);
    stop(fixture);
}

static void expired_ones_are_not_given_out(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->lifetime = 1000;
    start(fixture);
    fixture->result = PROVIDER_FAILED;
    await_fetches(fixture, 2); // a second later
    assert_null(credentials_now(fixture->credentials));
    assert_string_equal(credentials_problem(fixture->credentials), "because");
    stop(fixture);
}

// By our clock they are dead; AWS's may be another.
static void those_that_come_expired_are_tried(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->lifetime = -SECONDS;
    start(fixture);
    assert_now(fixture, "AKID1");
    assert_int_equal(credentials_expire_at(fixture->credentials), 0);
    credentials_refused(fixture->credentials); // it was not
    fixture->number = 2;
    fixture->lifetime = 0;
    await_fetches(fixture, 2);
    assert_now(fixture, "AKID2");
    stop(fixture);
}

// As with a clock that is ahead: all that is handed out looks expired, and the newest is the best.
static void those_that_come_expired_replace_one_another(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->lifetime = -SECONDS;
    start(fixture);
    assert_now(fixture, "AKID1");
    fixture->number = 2;
    credentials_refused(fixture->credentials);
    await_fetches(fixture, 2);
    assert_now(fixture, "AKID2");
    fixture->number = 3;
    credentials_refused(fixture->credentials);
    await_fetches(fixture, 3);
    assert_now(fixture, "AKID3");
    assert_string_equal(credentials_problem(fixture->credentials), "");
    stop(fixture);
}

// Without a refusal as well: the time of asking again has come, a quarter of an hour later.
static void a_refusal_is_not_needed_for_that(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->lifetime = -SECONDS;
    fixture->answers_later = true;
    start(fixture);
    answer(fixture);
    credentials_refused(fixture->credentials);
    await_fetches(fixture, 2);                  // under way, when it turns out
    credentials_accepted(fixture->credentials); // that the refusal was not for good
    fixture->number = 2;
    answer(fixture);
    assert_now(fixture, "AKID2");
    stop(fixture);
}

static void refused_ones_give_way_to_expired_ones(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->lifetime = 3600 * SECONDS;
    start(fixture);
    credentials_refused(fixture->credentials);
    fixture->number = 2;
    fixture->lifetime = -SECONDS;
    await_fetches(fixture, 2);
    assert_now(fixture, "AKID2");
    stop(fixture);
}

static void a_refusal_is_forgotten_when_they_are_taken(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->lifetime = 4 * SECONDS;
    start(fixture);
    credentials_refused(fixture->credentials);
    await_fetches(fixture, 2);
    assert_non_null(strstr(credentials_problem(fixture->credentials), "still the same that AWS refuses"));
    credentials_accepted(fixture->credentials);
    assert_string_equal(credentials_problem(fixture->credentials), "");
    await_fetches(fixture, 3); // since they come to their end; that they are the same is no failure now
    assert_string_equal(credentials_problem(fixture->credentials), "");
    credentials_refused(fixture->credentials);
    fixture->number = 2;
    await_fetches(fixture, 4);
    assert_now(fixture, "AKID2");
    stop(fixture);
}

static void absent_is_told_after_a_failure(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->result = PROVIDER_FAILED;
    start(fixture);
    assert_false(credentials_absent(fixture->credentials));
    int changes = fixture->changes;
    fixture->result = PROVIDER_ABSENT;
    await_fetches(fixture, 2);
    assert_true(credentials_absent(fixture->credentials));
    assert_int_equal(fixture->changes, changes + 1);
    stop(fixture);
}

static void those_that_come_expired_replace_no_good_ones(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->lifetime = 4 * SECONDS;
    start(fixture);
    fixture->number = 2;
    fixture->lifetime = -SECONDS;
    await_fetches(fixture, 2);
    assert_now(fixture, "AKID1");
    assert_non_null(strstr(credentials_problem(fixture->credentials), "what is handed out has expired at"));
    stop(fixture);
}

static void a_first_failure_is_told_once_and_tried_again(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->answers_later = true;
    fixture->result = PROVIDER_FAILED;
    start(fixture);
    answer(fixture);
    assert_int_equal(fixture->changes, 1);
    assert_false(credentials_absent(fixture->credentials));
    assert_string_equal(credentials_problem(fixture->credentials), "because");
    await_fetches(fixture, 2);
    fixture->reason = "because of something else";
    answer(fixture);
    assert_int_equal(fixture->changes, 1);
    assert_string_equal(credentials_problem(fixture->credentials), "because of something else");
    stop(fixture);
}

static void absent_is_told(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    fixture->result = PROVIDER_ABSENT;
    start(fixture);
    assert_true(credentials_absent(fixture->credentials));
    assert_string_equal(credentials_problem(fixture->credentials), ABSENT "because");
    stop(fixture);
}

static void a_refusal_fetches_new_ones_once(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    start(fixture);
    fixture->number = 2;
    credentials_refused(fixture->credentials);
    credentials_refused(fixture->credentials);
    assert_int_equal(fixture->fetches, 1); // not within the call
    await_fetches(fixture, 2);
    loop_settle(fixture->base);
    assert_int_equal(fixture->fetches, 2);
    assert_now(fixture, "AKID2");
    assert_int_equal(fixture->changes, 1);
    stop(fixture);
}

static void the_same_again_is_no_news(void **state) {
    struct fixture *fixture = new_fixture();

    (void)state;
    start(fixture);
    uint64_t version = credentials_version(fixture->credentials);
    credentials_refused(fixture->credentials);
    await_fetches(fixture, 2);
    assert_int_equal(fixture->changes, 0);
    assert_true(credentials_version(fixture->credentials) == version);
    assert_now(fixture, "AKID1"); // they may be tried again
    assert_string_equal(credentials_problem(fixture->credentials), "script: still the same that AWS refuses");
    fixture->number = 2;
    await_fetches(fixture, 3);
    assert_now(fixture, "AKID2");
    assert_int_equal(fixture->changes, 1);
    stop(fixture);
}

static struct settings *settings_of(struct settings *settings, const char *id, const char *secret) {
    static char no_file[] = "/dev/null", texts[2][32];
    snprintf(texts[0], sizeof texts[0], "%s", id);
    snprintf(texts[1], sizeof texts[1], "%s", secret);
    *settings = (struct settings){.aws_access_key_id = texts[0],
                                  .aws_secret_access_key = texts[1],
                                  .aws_config_file = no_file,
                                  .aws_shared_credentials_file = no_file,
                                  .aws_ec2_metadata_disabled = true};
    settings_fill(settings);
    return settings;
}

static void the_chain_ends_with_a_report(void **state) {
    static char uri[] = "http://example.com/";
    struct event_base *base = event_base_new();
    const struct credentials_listener listener = {0};
    struct settings settings;
    struct error error = {0};

    (void)state;
    struct credentials *credentials =
        credentials_new(base, settings_of(&settings, "AKID", "s3cr3t"), &listener, &error);
    assert_string_equal(credentials_source(credentials), "environment (AWS_ACCESS_KEY_ID)");
    credentials_free(credentials);
    credentials = credentials_new(base, settings_of(&settings, "", ""), &listener, &error);
    assert_true(credentials_absent(credentials));
    assert_string_equal(
        credentials_problem(credentials),
        ABSENT "environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are "
               "not set; web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; profile: no profile "
               "default in /dev/null and /dev/null; container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI "
               "and ..._FULL_URI are not set; instance metadata: AWS_EC2_METADATA_DISABLED says not to "
               "ask");
    credentials_free(credentials);
    assert_null(credentials_new(base, settings_of(&settings, "AKID", ""), &listener, &error));
    assert_int_equal(error.code, ERROR_CREDENTIALS);
    settings_of(&settings, "", "")->aws_container_credentials_full_uri = uri;
    assert_null(credentials_new(base, &settings, &listener, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    event_base_free(base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(static_ones_are_there_at_once),
        cmocka_unit_test(others_are_told_when_they_come),
        cmocka_unit_test(they_are_fetched_anew_before_they_expire),
        cmocka_unit_test(old_ones_are_kept_while_fetching_fails),
        cmocka_unit_test(expired_ones_are_not_given_out),
        cmocka_unit_test(those_that_come_expired_are_tried),
        cmocka_unit_test(those_that_come_expired_replace_one_another),
        cmocka_unit_test(a_refusal_is_not_needed_for_that),
        cmocka_unit_test(refused_ones_give_way_to_expired_ones),
        cmocka_unit_test(a_refusal_is_forgotten_when_they_are_taken),
        cmocka_unit_test(absent_is_told_after_a_failure),
        cmocka_unit_test(those_that_come_expired_replace_no_good_ones),
        cmocka_unit_test(a_first_failure_is_told_once_and_tried_again),
        cmocka_unit_test(absent_is_told),
        cmocka_unit_test(a_refusal_fetches_new_ones_once),
        cmocka_unit_test(the_same_again_is_no_news),
        cmocka_unit_test(the_chain_ends_with_a_report),
    };
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
