// SPDX-License-Identifier: Apache-2.0
// The certificates of SNS: fetched once, kept, replaced, and what is said when they cannot be had or used.
#include "base/clock.h"
#include "consumer/certificates.h"
#include "consumer/fake_http.h"
#include "support/signer.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
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

enum { ASKERS = 64, KEPT = 16, FETCHED = KEPT / 2 };

#define TOO_MANY "too many certificates of SNS are being fetched"

#define URL "https://sns.eu-central-1.amazonaws.com/x.pem"

// Who asks, and what it was told.
struct asker {
    struct certificate_waiter waiter;
    int calls;
    bool found, outage;
    char reason[600];
    struct asker *then; // asks in the call
    const char *then_url;
    struct asker *cancels;
};

// A clock that stands still, but for a moment at each look. (All of base/clock.h, so that none of it is
// linked.)
static int64_t now_us = 1000000;

int64_t clock_monotonic_us(void) {
    return now_us++;
}

int64_t clock_unix_us(void) {
    return 0;
}

void clock_format_iso8601(int64_t unix_us, char text[CLOCK_ISO8601_SIZE]) {
    snprintf(text, CLOCK_ISO8601_SIZE, "%lld", (long long)unix_us);
}

void clock_format_basic(int64_t unix_us, char text[CLOCK_BASIC_SIZE]) {
    snprintf(text, CLOCK_BASIC_SIZE, "%lld", (long long)unix_us);
}

static struct event_base *base;
static struct certificates *certificates;
static struct asker askers[ASKERS];
static EVP_PKEY *key;
static char *good;

static int set_up(void **state) {
    (void)state;
    key = EVP_RSA_gen(2048);
    good = signer_certificate(key, -SIGNER_DAY, SIGNER_DAY);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    EVP_PKEY_free(key);
    free(good);
    return 0;
}

static int open_all(void **state) {
    (void)state;
    base = event_base_new();
    memset(&fake_http, 0, sizeof fake_http);
    memset(askers, 0, sizeof askers);
    certificates = certificates_new(base, "", NULL);
    return certificates != NULL ? 0 : -1;
}

static int close_all(void **state) {
    (void)state;
    certificates_free(certificates);
    event_base_free(base);
    assert_true(fake_http.client.freed);
    return 0;
}

static void ask(struct asker *asker, const char *url);

static void on_found(void *context, const struct certificate_found *found) {
    struct asker *asker = context;
    asker->calls++;
    asker->found = found->key != NULL;
    asker->outage = found->outage;
    assert_true((found->key == NULL) == (found->reason != NULL));
    assert_true(found->key == NULL || EVP_PKEY_eq(found->key, key) == 1);
    snprintf(asker->reason, sizeof asker->reason, "%s", found->reason != NULL ? found->reason : "");
    if (asker->then != NULL) {
        ask(asker->then, asker->then_url != NULL ? asker->then_url : URL);
    }
    if (asker->cancels != NULL) {
        certificates_cancel(&asker->cancels->waiter);
    }
}

static void ask(struct asker *asker, const char *url) {
    char *copy = strdup(url); // that is gone afterwards
    asker->waiter = (struct certificate_waiter){.done = on_found, .context = asker};
    certificates_get(certificates, slice_of_text(copy), &asker->waiter);
    memset(copy, '#', strlen(copy));
    free(copy);
}

static void ask_number(int asker, int url) {
    char text[100];
    snprintf(text, sizeof text, "https://sns.eu-central-1.amazonaws.com/%d.pem", url);
    ask(&askers[asker], text);
}

static void assert_told(const struct asker *asker, bool found, bool outage, const char *reason) {
    assert_int_equal(asker->calls, 1);
    assert_int_equal(asker->found, found);
    assert_int_equal(asker->outage, outage);
    assert_string_equal(asker->reason, reason);
}

static void fetches_once_for_all_who_wait(void **state) {
    (void)state;
    for (int index = 0; index < 3; index++) {
        ask(&askers[index], URL);
        assert_int_equal(askers[index].calls, 0);
    }
    assert_int_equal(fake_http.count, 1);
    assert_string_equal(fake_http.urls[0], URL);
    fake_http_answer(0, 200, good);
    for (int index = 0; index < 3; index++) {
        assert_told(&askers[index], true, false, "");
    }
    ask(&askers[3], URL); // and then it is known
    assert_told(&askers[3], true, false, "");
    assert_int_equal(fake_http.count, 1);
}

static void addresses_do_not_share_a_certificate(void **state) {
    (void)state;
    ask_number(0, 1);
    ask_number(1, 11);
    assert_int_equal(fake_http.count, 2);
    fake_http_answer(1, 200, good);
    assert_int_equal(askers[0].calls, 0);
    assert_int_equal(askers[1].calls, 1);
    fake_http_answer(0, 200, good);
    assert_told(&askers[0], true, false, "");
}

static void a_failure_is_an_outage_and_remembered(void **state) {
    (void)state;
    ask(&askers[0], URL);
    ask(&askers[1], URL);
    fake_http_answer(0, 503, good);
    assert_told(&askers[0], false, true,
                "the certificate " URL " cannot be fetched: the answer has status 503");
    assert_told(&askers[1], false, true, askers[0].reason);
    ask(&askers[2], URL);
    assert_told(&askers[2], false, true, askers[0].reason);
    assert_int_equal(fake_http.count, 1);
    ask_number(3, 1);
    fake_http_answer(1, 0, "Could not resolve host");
    assert_told(&askers[3], false, true,
                "the certificate https://sns.eu-central-1.amazonaws.com/1.pem cannot be fetched: Could not "
                "resolve host");
}

static void a_failure_is_forgotten_after_ten_seconds(void **state) {
    (void)state;
    ask(&askers[0], URL);
    fake_http_answer(0, 503, "");
    now_us += 9999000;
    ask(&askers[1], URL);
    assert_int_equal(fake_http.count, 1);
    now_us += 1000;
    ask(&askers[2], URL);
    assert_int_equal(fake_http.count, 2);
    assert_int_equal(askers[2].calls, 0);
    fake_http_answer(1, 200, good);
    assert_told(&askers[2], true, false, "");
    now_us += 100000000; // a success is not
    ask(&askers[3], URL);
    assert_told(&askers[3], true, false, "");
}

static void what_is_no_certificate_cannot_be_read(void **state) {
    // It has a password, which nobody is asked for.
    static const char locked[] = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
                                 "00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
                                 "-----END CERTIFICATE-----\n";
    static const char *const bodies[] = {
        "", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", locked};
    (void)state;
    for (int index = 0; index < 4; index++) {
        ask_number(index, index);
        fake_http_answer(index, 200, bodies[index]);
        assert_int_equal(askers[index].calls, 1);
        assert_true(askers[index].outage);
        assert_non_null(
            strstr(askers[index].reason, "cannot be read: the answer is no certificate in PEM form"));
    }
    char *huge = calloc((64 << 10) + 2, 1);
    memset(huge, '\n', (64 << 10) + 1);
    memcpy(huge, good, strlen(good));
    ask(&askers[10], URL);
    fake_http_answer(4, 200, huge);
    assert_true(askers[10].outage);
    free(huge);
}

static void try_certificate(int index, EVP_PKEY *of, long begin_s, long end_s) {
    char *pem = signer_certificate(of, begin_s, end_s);
    ask_number(index, index);
    fake_http_answer(index, 200, pem);
    free(pem);
    assert_int_equal(askers[index].calls, 1);
}

static void assert_of_no_use(int index, const char *ending) {
    assert_false(askers[index].found);
    assert_false(askers[index].outage);
    assert_non_null(strstr(askers[index].reason, ending));
}

static void looks_at_dates_and_key(void **state) {
    EVP_PKEY *curve = EVP_EC_gen("P-256");
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    (void)state;
    try_certificate(0, key, -2 * SIGNER_DAY, -60);
    assert_of_no_use(0, "0.pem has expired");
    try_certificate(1, key, 60, SIGNER_DAY);
    assert_of_no_use(1, "1.pem is not valid yet");
    try_certificate(2, curve, -SIGNER_DAY, SIGNER_DAY);
    assert_of_no_use(2, "its key must be RSA of 2048 to 8192 bits");
    try_certificate(3, weak, -SIGNER_DAY, SIGNER_DAY);
    assert_of_no_use(3, "its key must be RSA of 2048 to 8192 bits");
    try_certificate(4, key, -60, 60);
    assert_true(askers[4].found);
    ask_number(10, 0); // each time
    assert_of_no_use(10, "has expired");
    ask_number(11, 3);
    assert_of_no_use(11, "must be RSA");
    assert_int_equal(fake_http.count, 5);
    EVP_PKEY_free(curve);
    EVP_PKEY_free(weak);
}

static void keeps_the_ones_used_last(void **state) {
    (void)state;
    for (int index = 0; index < KEPT; index++) {
        ask_number(index, index);
        fake_http_answer(index, 200, good);
    }
    ask_number(20, 0);
    assert_int_equal(fake_http.count, KEPT); // all are known, and the first was used again
    ask_number(21, 100);
    fake_http_answer(KEPT, 200, good);
    ask_number(22, 0);
    ask_number(23, 100);
    assert_int_equal(fake_http.count, KEPT + 1);
    ask_number(24, 1); // had to go
    assert_int_equal(fake_http.count, KEPT + 2);
    assert_int_equal(askers[24].calls, 0);
}

static void invented_addresses_do_not_drive_out_what_is_of_use(void **state) {
    (void)state;
    ask(&askers[0], URL);
    fake_http_answer(0, 200, good);
    for (int index = 1; index < 3 * KEPT; index++) {
        ask_number(index, index);
        fake_http_answer(index, 404, "");
        assert_int_equal(askers[index].calls, 1);
    }
    ask(&askers[60], URL);
    assert_told(&askers[60], true, false, "");
}

static void nor_while_they_are_being_fetched(void **state) {
    (void)state;
    ask(&askers[0], URL);
    fake_http_answer(0, 200, good);
    for (int index = 1; index < 3 * KEPT; index++) {
        ask_number(index, index);
    }
    ask(&askers[60], URL);
    assert_told(&askers[60], true, false, "");
}

// Once all are of use, one has to go, and its place serves all that follow.
static void drives_out_one_at_most_of_what_is_of_use(void **state) {
    (void)state;
    for (int index = 0; index < KEPT; index++) {
        ask_number(index, index);
        fake_http_answer(index, 200, good);
    }
    ask_number(20, 100);
    assert_int_equal(askers[20].calls, 0);
    ask_number(21, 101);
    assert_told(&askers[21], false, true, TOO_MANY);
    fake_http_answer(KEPT, 404, "");
    ask_number(22, 101);
    assert_int_equal(askers[22].calls, 0);
    assert_int_equal(fake_http.count, KEPT + 2);
    for (int index = 1; index < KEPT; index++) {
        ask_number(30 + index, index);
        assert_told(&askers[30 + index], true, false, "");
    }
}

static void fetches_half_of_what_it_keeps_at_a_time(void **state) {
    (void)state;
    for (int index = 0; index < FETCHED; index++) {
        ask_number(index, index);
    }
    ask(&askers[KEPT], URL);
    assert_told(&askers[KEPT], false, true, TOO_MANY);
    assert_int_equal(fake_http.count, FETCHED);
    ask_number(20, 3); // one of those under way can be waited for
    fake_http_answer(3, 200, good);
    assert_told(&askers[20], true, false, "");
    ask(&askers[21], URL);
    assert_int_equal(fake_http.count, FETCHED + 1);
}

static void who_cancels_is_told_nothing(void **state) {
    (void)state;
    for (int index = 0; index < 4; index++) {
        ask(&askers[index], URL);
    }
    certificates_cancel(&askers[1].waiter);
    certificates_cancel(&askers[3].waiter); // the last
    ask(&askers[4], URL);
    askers[0].cancels = &askers[2]; // in its call
    fake_http_answer(0, 200, good);
    assert_int_equal(askers[0].calls, 1);
    assert_int_equal(askers[1].calls, 0);
    assert_int_equal(askers[2].calls, 0);
    assert_int_equal(askers[3].calls, 0);
    assert_int_equal(askers[4].calls, 1);
    certificates_cancel(&askers[0].waiter); // too late: nothing happens
}

static void who_asks_in_the_call_is_told_at_once(void **state) {
    (void)state;
    askers[0].then = &askers[2];
    ask(&askers[0], URL);
    ask(&askers[1], URL);
    fake_http_answer(0, 200, good);
    assert_int_equal(askers[1].calls, 1);
    assert_told(&askers[2], true, false, "");
    assert_int_equal(fake_http.count, 1);
}

static void who_asks_in_the_last_call_waits_for_its_own_answer(void **state) {
    (void)state;
    for (int index = 1; index < KEPT; index++) {
        ask_number(index, index);
        fake_http_answer(index - 1, 200, good);
    }
    askers[0].then = &askers[KEPT]; // takes the place of what has just failed
    askers[0].then_url = "https://sns.eu-central-1.amazonaws.com/other.pem";
    ask(&askers[0], URL);
    fake_http_answer(KEPT - 1, 404, "");
    assert_int_equal(askers[0].calls, 1);
    assert_int_equal(fake_http.count, KEPT + 1);
    assert_int_equal(askers[KEPT].calls, 0);
    fake_http_answer(KEPT, 200, good);
    assert_told(&askers[KEPT], true, false, "");
}

static void nobody_is_called_when_it_is_freed(void **state) {
    (void)state;
    ask(&askers[0], URL);
    certificates_free(certificates);
    assert_int_equal(askers[0].calls, 0);
    certificates = certificates_new(base, "", NULL);
    certificates_free(NULL);
}

static void says_why_there_can_be_none(void **state) {
    struct error error = {0};
    (void)state;
    fake_http.broken = true;
    assert_null(certificates_new(base, "/none.pem", &error));
    assert_string_equal(error.text, "AWS_CA_BUNDLE: /none.pem");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fetches_once_for_all_who_wait, open_all, close_all),
        cmocka_unit_test_setup_teardown(addresses_do_not_share_a_certificate, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_failure_is_an_outage_and_remembered, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_failure_is_forgotten_after_ten_seconds, open_all, close_all),
        cmocka_unit_test_setup_teardown(what_is_no_certificate_cannot_be_read, open_all, close_all),
        cmocka_unit_test_setup_teardown(looks_at_dates_and_key, open_all, close_all),
        cmocka_unit_test_setup_teardown(keeps_the_ones_used_last, open_all, close_all),
        cmocka_unit_test_setup_teardown(invented_addresses_do_not_drive_out_what_is_of_use, open_all,
                                        close_all),
        cmocka_unit_test_setup_teardown(nor_while_they_are_being_fetched, open_all, close_all),
        cmocka_unit_test_setup_teardown(drives_out_one_at_most_of_what_is_of_use, open_all, close_all),
        cmocka_unit_test_setup_teardown(fetches_half_of_what_it_keeps_at_a_time, open_all, close_all),
        cmocka_unit_test_setup_teardown(who_cancels_is_told_nothing, open_all, close_all),
        cmocka_unit_test_setup_teardown(who_asks_in_the_call_is_told_at_once, open_all, close_all),
        cmocka_unit_test_setup_teardown(who_asks_in_the_last_call_waits_for_its_own_answer, open_all,
                                        close_all),
        cmocka_unit_test_setup_teardown(nobody_is_called_when_it_is_freed, open_all, close_all),
        cmocka_unit_test_setup_teardown(says_why_there_can_be_none, open_all, close_all),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
