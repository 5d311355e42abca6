// SPDX-License-Identifier: Apache-2.0
// The table of failures: which class each code is, of a request and of an entry, and what answers without a
// code that we know are.
#include "sns/failure.h"

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

static enum failure_class request(int status, const char *code, const char *message, enum sns_fault fault) {
    struct sns_answer answer = {.fault = fault};

    snprintf(answer.code, sizeof answer.code, "%.64s", code);
    snprintf(answer.message, sizeof answer.message, "%s", message);
    return failure_of_request(status, &answer);
}

static enum failure_class entry(const char *code, const char *message, bool sender_fault) {
    struct sns_entry failed = {.outcome = SNS_FAILED, .sender_fault = sender_fault};

    snprintf(failed.code, sizeof failed.code, "%.64s", code);
    snprintf(failed.message, sizeof failed.message, "%s", message);
    return failure_of_entry(&failed);
}

// The codes that the documentation of SNS, of its common errors and of the SDKs' retries names; written down
// here once more, from there.
static const struct {
    const char *code;
    enum failure_class class;
} codes[] = {
    {"Throttled", FAILURE_THROTTLED},
    {"Throttling", FAILURE_THROTTLED},
    {"ThrottledException", FAILURE_THROTTLED},
    {"ThrottlingException", FAILURE_THROTTLED},
    {"RequestThrottled", FAILURE_THROTTLED},
    {"RequestThrottledException", FAILURE_THROTTLED},
    {"RequestLimitExceeded", FAILURE_THROTTLED},
    {"TooManyRequestsException", FAILURE_THROTTLED},
    {"BandwidthLimitExceeded", FAILURE_THROTTLED},
    {"LimitExceededException", FAILURE_THROTTLED},
    {"PriorRequestNotComplete", FAILURE_THROTTLED},
    {"ProvisionedThroughputExceededException", FAILURE_THROTTLED},
    {"SlowDown", FAILURE_THROTTLED},
    {"EC2ThrottledException", FAILURE_THROTTLED},
    {"TransactionInProgressException", FAILURE_THROTTLED},
    {"KMSThrottling", FAILURE_THROTTLED},
    {"KMSThrottlingException", FAILURE_THROTTLED},
    {"InternalError", FAILURE_TRANSIENT},
    {"InternalErrorException", FAILURE_TRANSIENT},
    {"InternalFailure", FAILURE_TRANSIENT},
    {"ServiceUnavailable", FAILURE_TRANSIENT},
    {"RequestTimeout", FAILURE_TRANSIENT},
    {"RequestTimeoutException", FAILURE_TRANSIENT},
    {"ExpiredToken", FAILURE_CREDENTIALS},
    {"ExpiredTokenException", FAILURE_CREDENTIALS},
    {"InvalidClientTokenId", FAILURE_CREDENTIALS},
    {"UnrecognizedClientException", FAILURE_CREDENTIALS},
    {"SignatureDoesNotMatch", FAILURE_CREDENTIALS},
    {"IncompleteSignature", FAILURE_CREDENTIALS},
    {"MissingAuthenticationToken", FAILURE_CREDENTIALS},
    {"RequestExpired", FAILURE_CREDENTIALS},
    {"RequestTimeTooSkewed", FAILURE_CREDENTIALS},
    {"AuthorizationError", FAILURE_TOPIC},
    {"AuthorizationErrorException", FAILURE_TOPIC},
    {"AccessDenied", FAILURE_TOPIC},
    {"AccessDeniedException", FAILURE_TOPIC},
    {"InvalidSecurity", FAILURE_TOPIC},
    {"NotFound", FAILURE_TOPIC},
    {"NotFoundException", FAILURE_TOPIC},
    {"OptInRequired", FAILURE_TOPIC},
    {"KMSAccessDenied", FAILURE_TOPIC},
    {"KMSDisabled", FAILURE_TOPIC},
    {"KMSInvalidState", FAILURE_TOPIC},
    {"KMSNotFound", FAILURE_TOPIC},
    {"KMSOptInRequired", FAILURE_TOPIC},
    {"InvalidParameter", FAILURE_EVENT},
    {"InvalidParameterException", FAILURE_EVENT},
    {"InvalidParameterValue", FAILURE_EVENT},
    {"ParameterValueInvalid", FAILURE_EVENT},
    {"ValidationError", FAILURE_EVENT},
    {"ValidationException", FAILURE_EVENT},
    {"BatchRequestTooLong", FAILURE_PACKING},
    {"TooManyEntriesInBatchRequest", FAILURE_PACKING},
    {"BatchEntryIdsNotDistinct", FAILURE_PACKING},
    {"InvalidBatchEntryId", FAILURE_PACKING},
    {"EmptyBatchRequest", FAILURE_PACKING},
};

enum { CODES = sizeof codes / sizeof codes[0] };

// Neither the status nor whom SNS blames changes what a known code means.
static void a_known_code_decides_for_requests_and_entries(void **state) {
    (void)state;
    for (int index = 0; index < CODES; index++) {
        const char *code = codes[index].code;
        static const int statuses[] = {200, 400, 403, 404, 407, 413, 429, 500, 503};
        for (size_t status = 0; status < sizeof statuses / sizeof statuses[0]; status++) {
            for (int fault = SNS_FAULT_UNSTATED; fault <= SNS_FAULT_RECEIVER; fault++) {
                enum failure_class class = request(statuses[status], code, "", (enum sns_fault)fault);
                if (class != codes[index].class) {
                    fail_msg("%s with status %d is class %d", code, statuses[status], (int)class);
                }
            }
        }
        assert_int_equal(entry(code, "", true), codes[index].class);
        assert_int_equal(entry(code, "", false), codes[index].class);
    }
}

static void a_code_counts_without_its_prefix(void **state) {
    char prefixed[128];

    (void)state;
    for (int index = 0; index < CODES; index++) {
        snprintf(prefixed, sizeof prefixed, "AWS.SNS.%s", codes[index].code);
        assert_int_equal(entry(prefixed, "", true), codes[index].class);
    }
    assert_int_equal(entry("AWS.", "", true), FAILURE_UNKNOWN);
}

static void a_code_is_known_as_a_whole_only(void **state) {
    static const char *const others[] = {"Throttle",  "Throttlings", "throttling",
                                         "NotFound ", "XNotFound",   ""};

    (void)state;
    for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
        assert_int_equal(entry(others[index], "", true), FAILURE_UNKNOWN);
        assert_int_equal(request(400, others[index], "", SNS_FAULT_SENDER), FAILURE_UNKNOWN);
    }
}

// SNS says InvalidParameter of the event as well as of the topic.
static void a_refused_topic_arn_is_the_fault_of_the_topic(void **state) {
    static const char message[] = "Invalid parameter: TopicArn Reason: no value for required parameter";

    (void)state;
    for (int index = 0; index < CODES; index++) {
        bool event = codes[index].class == FAILURE_EVENT;
        enum failure_class expected = event ? FAILURE_TOPIC : codes[index].class;
        assert_int_equal(request(400, codes[index].code, message, SNS_FAULT_SENDER), expected);
        assert_int_equal(entry(codes[index].code, message, true), expected);
    }
    assert_int_equal(
        request(400, "InvalidParameter", "Invalid parameter: Message too long", SNS_FAULT_SENDER),
        FAILURE_EVENT);
    assert_int_equal(request(400, "NewCode", message, SNS_FAULT_SENDER), FAILURE_UNKNOWN);
}

static void the_status_429_is_throttling(void **state) {
    (void)state;
    assert_int_equal(request(429, "HTTP 429", "slow down", SNS_FAULT_UNSTATED), FAILURE_THROTTLED);
    assert_int_equal(request(429, "", "", SNS_FAULT_UNSTATED), FAILURE_THROTTLED);
    assert_int_equal(request(429, "NewCode", "", SNS_FAULT_SENDER), FAILURE_THROTTLED);
    assert_int_equal(request(429, "InvalidParameter", "", SNS_FAULT_SENDER), FAILURE_EVENT); // it says more
}

// A refusal that says nothing to us is one only if SNS says that the sender is at fault.
static void an_unknown_code_of_a_request_needs_a_fault(void **state) {
    (void)state;
    for (int status = 400; status < 500; status++) {
        enum failure_class refused = status == 429 ? FAILURE_THROTTLED : FAILURE_UNKNOWN;
        enum failure_class other = status == 429 ? FAILURE_THROTTLED : FAILURE_TRANSIENT;
        assert_int_equal(request(status, "NewCode", "", SNS_FAULT_SENDER), refused);
        assert_int_equal(request(status, "NewCode", "", SNS_FAULT_RECEIVER), other);
        assert_int_equal(request(status, "NewCode", "", SNS_FAULT_UNSTATED), other);
    }
    for (int status = 500; status < 600; status++) {
        assert_int_equal(request(status, "NewCode", "", SNS_FAULT_SENDER), FAILURE_TRANSIENT);
    }
    assert_int_equal(request(200, "NewCode", "", SNS_FAULT_SENDER), FAILURE_TRANSIENT);
    assert_int_equal(request(302, "NewCode", "", SNS_FAULT_SENDER), FAILURE_TRANSIENT);
}

static void an_answer_that_is_not_from_sns_is_transient(void **state) {
    static const int statuses[] = {200, 204, 301, 400, 401, 403, 404, 407, 413, 500, 502, 503, 504, 599};

    (void)state;
    for (size_t index = 0; index < sizeof statuses / sizeof statuses[0]; index++) {
        char code[16];
        snprintf(code, sizeof code, "HTTP %d", statuses[index]);
        assert_int_equal(request(statuses[index], code, "<html>TopicArn</html>", SNS_FAULT_UNSTATED),
                         FAILURE_TRANSIENT);
    }
}

static void an_unknown_code_of_an_entry_is_judged_by_sender_fault(void **state) {
    (void)state;
    assert_int_equal(entry("NewCode", "", true), FAILURE_UNKNOWN);
    assert_int_equal(entry("NewCode", "", false), FAILURE_TRANSIENT);
    assert_int_equal(entry("", "", false), FAILURE_TRANSIENT);
}

static void an_entry_that_is_not_named_is_transient(void **state) {
    const struct sns_entry unknown = {
        .outcome = SNS_UNKNOWN, .code = "InvalidParameter", .sender_fault = true};

    (void)state;
    assert_int_equal(failure_of_entry(&unknown), FAILURE_TRANSIENT); // a contradiction: nothing is believed
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_code_decides_for_requests_and_entries),
        cmocka_unit_test(a_code_counts_without_its_prefix),
        cmocka_unit_test(a_code_is_known_as_a_whole_only),
        cmocka_unit_test(a_refused_topic_arn_is_the_fault_of_the_topic),
        cmocka_unit_test(the_status_429_is_throttling),
        cmocka_unit_test(an_unknown_code_of_a_request_needs_a_fault),
        cmocka_unit_test(an_answer_that_is_not_from_sns_is_transient),
        cmocka_unit_test(an_unknown_code_of_an_entry_is_judged_by_sender_fault),
        cmocka_unit_test(an_entry_that_is_not_named_is_transient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
