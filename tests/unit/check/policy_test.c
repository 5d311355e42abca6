// SPDX-License-Identifier: Apache-2.0
// Whether a queue's policy lets a topic send: statements, principals, actions, resources, conditions, and
// what is said of a policy that does not.
#include "check/policy.h"

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

#define TOPIC "arn:aws:sns:eu-west-1:123456789012:orders"
#define QUEUE "arn:aws:sqs:eu-west-1:123456789012:orders"
#define SNS "\"Principal\":{\"Service\":\"sns.amazonaws.com\"},"
#define SEND "\"Action\":\"sqs:SendMessage\","
#define TO_QUEUE "\"Resource\":\"" QUEUE "\""
#define ALLOW(rest) "{\"Effect\":\"Allow\"," rest "}"
#define DENY(rest) "{\"Effect\":\"Deny\"," rest "}"
#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define IF(condition) ",\"Condition\":{" condition "}"
#define ALLOW_IF(condition) POLICY(ALLOW(SNS SEND TO_QUEUE IF(condition)))
#define DENY_IF(condition)                                                                                   \
    POLICY(ALLOW(SNS SEND TO_QUEUE) "," DENY(                                                                \
        "\"Principal\":\"*\",\"Action\":\"sqs:*\"," TO_QUEUE IF(condition)))

static const struct policy_request request = {
    .topic_arn = TOPIC, .topic_account = "123456789012", .topic_region = "eu-west-1", .queue_arn = QUEUE};

struct expectation {
    const char *policy;
    enum policy_verdict verdict;
    const char *reason; // a part of it
};

static void assert_judged(const struct expectation *cases, size_t count) {
    for (size_t index = 0; index < count; index++) {
        char reason[POLICY_REASON_SIZE];
        enum policy_verdict verdict = policy_judge(cases[index].policy, &request, reason);
        bool said = cases[index].reason == NULL || strstr(reason, cases[index].reason) != NULL;
        if (verdict != cases[index].verdict || !said) {
            fail_msg("%s\nis judged %d: %s", cases[index].policy, (int)verdict, reason);
        }
    }
}

#define ASSERT_JUDGED(cases) assert_judged((cases), sizeof(cases) / sizeof(cases)[0])

static void a_statement_must_fit_in_all_parts(void **state) {
    static const struct expectation cases[] = {
        {POLICY(ALLOW(SNS SEND TO_QUEUE)), POLICY_ALLOWS, NULL},
        {"{\"Statement\":" ALLOW(SNS SEND TO_QUEUE) "}", POLICY_ALLOWS, NULL}, // one, and no list
        {POLICY(ALLOW("\"Principal\":\"*\"," SEND TO_QUEUE)), POLICY_ALLOWS, NULL},
        {POLICY(ALLOW("\"Principal\":{\"AWS\":\"*\"}," SEND TO_QUEUE)), POLICY_ALLOWS, NULL},
        {POLICY(ALLOW("\"Principal\":{\"AWS\":[\"1\",\"*\"]}," SEND TO_QUEUE)), POLICY_ALLOWS, NULL},
        {POLICY(ALLOW(
             "\"Principal\":{\"Service\":[\"s3.amazonaws.com\",\"sns.amazonaws.com\"]}," SEND TO_QUEUE)),
         POLICY_ALLOWS, NULL},
        {POLICY(ALLOW("\"Principal\":{\"Service\":\"sns.eu-west-1.amazonaws.com\"}," SEND TO_QUEUE)),
         POLICY_ALLOWS, NULL},
        {POLICY(ALLOW("\"Principal\":{\"Service\":\"sns.us-east-1.amazonaws.com\"}," SEND TO_QUEUE)),
         POLICY_SILENT, "is not for SNS (Principal)"},
        {POLICY(ALLOW("\"Principal\":{\"Service\":\"s3.amazonaws.com\"}," SEND TO_QUEUE)), POLICY_SILENT,
         "is not for SNS (Principal)"},
        {POLICY(ALLOW("\"Principal\":{\"AWS\":\"arn:aws:iam::123456789012:root\"}," SEND TO_QUEUE)),
         POLICY_SILENT, "Principal"},
        {POLICY(ALLOW(SEND TO_QUEUE)), POLICY_SILENT, "Principal"}, // it has none
        {POLICY(ALLOW(SNS "\"Action\":\"sqs:*\"," TO_QUEUE)), POLICY_ALLOWS, NULL},
        {POLICY(ALLOW(SNS "\"Action\":\"*\"," TO_QUEUE)), POLICY_ALLOWS, NULL},
        {POLICY(ALLOW(SNS "\"Action\":\"SQS:sendmessage\"," TO_QUEUE)), POLICY_ALLOWS, NULL},
        {POLICY(ALLOW(SNS "\"Action\":[\"sqs:ReceiveMessage\",\"sqs:Send*\"]," TO_QUEUE)), POLICY_ALLOWS,
         NULL},
        {POLICY(ALLOW(SNS "\"Action\":\"sqs:ReceiveMessage\"," TO_QUEUE)), POLICY_SILENT,
         "is not for sqs:SendMessage (Action)"},
        {POLICY(ALLOW(SNS "\"NotAction\":\"sqs:DeleteQueue\"," TO_QUEUE)), POLICY_ALLOWS, NULL},
        {POLICY(ALLOW(SNS "\"NotAction\":\"sqs:*\"," TO_QUEUE)), POLICY_SILENT, "Action"},
        {POLICY(ALLOW(SNS SEND "\"Resource\":\"*\"")), POLICY_ALLOWS, NULL},
        {POLICY(ALLOW(SNS SEND "\"Resource\":[\"x\",\"arn:aws:sqs:*:123456789012:ord?rs\"]")), POLICY_ALLOWS,
         NULL},
        {POLICY(ALLOW(SNS SEND "\"Resource\":\"arn:aws:sqs:eu-west-1:123456789012:Orders\"")), POLICY_SILENT,
         "is not for this queue (Resource)"},
        {POLICY(ALLOW(SNS SEND "\"NotResource\":\"" QUEUE "\"")), POLICY_SILENT, "Resource"},
    };

    (void)state;
    ASSERT_JUDGED(cases);
}

static void conditions_are_held_against_the_topic(void **state) {
    static const struct expectation cases[] = {
        {ALLOW_IF("\"ArnEquals\":{\"aws:SourceArn\":\"" TOPIC "\"}"), POLICY_ALLOWS, NULL},
        {ALLOW_IF("\"ArnLike\":{\"AWS:sourcearn\":\"arn:aws:sns:*:*:ord*\"}"), POLICY_ALLOWS, NULL},
        {ALLOW_IF("\"ArnEquals\":{\"aws:SourceArn\":[\"x\",\"" TOPIC "\"]}"), POLICY_ALLOWS, NULL},
        {ALLOW_IF("\"StringEquals\":{\"aws:SourceArn\":\"" TOPIC
                  "\",\"aws:SourceAccount\":\"123456789012\"}"),
         POLICY_ALLOWS, NULL},
        {ALLOW_IF("\"StringLike\":{\"aws:SourceArn\":\"arn:*\"}"), POLICY_ALLOWS, NULL},
        {ALLOW_IF("\"ForAnyValue:StringLikeIfExists\":{\"aws:SourceArn\":\"arn:*\"}"), POLICY_ALLOWS, NULL},
        {ALLOW_IF("\"StringEquals\":{\"aws:SourceArn\":\"arn:*\"}"), POLICY_SILENT, // it knows no wildcards
         "aws:SourceArn must be \"arn:*\""},
        {ALLOW_IF("\"ArnEquals\":{\"aws:SourceArn\":\"arn:aws:sns:eu-west-1:123456789012:users\"}"),
         POLICY_SILENT,
         "has a condition: aws:SourceArn must be \"arn:aws:sns:eu-west-1:123456789012:users\""},
        {ALLOW_IF("\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:sns:*:orders\"}"), POLICY_SILENT,
         NULL}, // part by part
        {ALLOW_IF("\"StringEquals\":{\"aws:SourceAccount\":\"999999999999\"}"), POLICY_SILENT,
         "aws:SourceAccount"},
        {ALLOW_IF("\"ArnEquals\":{\"aws:SourceArn\":\"" TOPIC
                  "\"},\"StringEquals\":{\"aws:SourceAccount\":\"9\"}"),
         POLICY_SILENT, "aws:SourceAccount"},
        {ALLOW_IF("\"ArnNotEquals\":{\"aws:SourceArn\":\"arn:aws:sns:eu-west-1:123456789012:users\"}"),
         POLICY_ALLOWS, NULL},
        {ALLOW_IF("\"ArnNotLike\":{\"aws:SourceArn\":\"arn:aws:sns:*:*:*\"}"), POLICY_SILENT, NULL},
        {ALLOW_IF("\"Bool\":{\"aws:SecureTransport\":\"true\"}"), POLICY_ALLOWS, NULL},
        {ALLOW_IF("\"Bool\":{\"aws:SecureTransport\":false}"), POLICY_SILENT, NULL},
        {ALLOW_IF("\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-1\"}"), POLICY_UNSURE, "aws:PrincipalOrgID"},
        {ALLOW_IF("\"IpAddress\":{\"aws:SourceArn\":\"10.0.0.0/8\"}"), POLICY_UNSURE, NULL},
        {ALLOW_IF(""), POLICY_ALLOWS, NULL},
    };

    (void)state;
    ASSERT_JUDGED(cases);
}

static void a_deny_goes_before_all(void **state) {
    static const struct expectation cases[] = {
        {POLICY(ALLOW(SNS SEND TO_QUEUE) "," DENY("\"Sid\":\"Shut\"," SNS SEND TO_QUEUE)), POLICY_DENIES,
         "the Deny statement \"Shut\" applies"},
        {POLICY(DENY("\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"")), POLICY_DENIES, NULL},
        {POLICY(ALLOW(SNS SEND TO_QUEUE) "," DENY(SNS "\"Action\":\"sqs:DeleteQueue\"," TO_QUEUE)),
         POLICY_ALLOWS, NULL},
        {DENY_IF("\"Bool\":{\"aws:SecureTransport\":\"false\"}"), POLICY_ALLOWS, NULL}, // the usual one
        {DENY_IF("\"ArnNotEquals\":{\"aws:SourceArn\":\"" TOPIC "\"}"), POLICY_ALLOWS, NULL},
        {DENY_IF("\"ArnNotEquals\":{\"aws:SourceArn\":\"arn:aws:sns:eu-west-1:123456789012:users\"}"),
         POLICY_DENIES, NULL},
        {DENY_IF("\"StringNotEquals\":{\"aws:SourceVpc\":\"vpc-1\"}"), POLICY_UNSURE, "Deny statement"},
        {DENY_IF("\"StringEquals\":{\"aws:SourceAccount\":\"${aws:PrincipalAccount}\"}"), POLICY_UNSURE,
         "Deny statement"},
        {POLICY(ALLOW(SNS SEND TO_QUEUE) "," DENY("\"NotPrincipal\":{\"Service\":\"sns.amazonaws.com\"},"
                                                  "\"Action\":\"*\",\"Resource\":\"*\"")),
         POLICY_ALLOWS, NULL},
        {POLICY(ALLOW(SNS SEND TO_QUEUE) "," DENY(
             "\"NotPrincipal\":{\"AWS\":\"1\"},\"Action\":\"*\"," TO_QUEUE)),
         POLICY_DENIES, NULL},
    };

    (void)state;
    ASSERT_JUDGED(cases);
}

// Of several statements that do not allow it, the one that comes closest is told.
static void the_closest_statement_is_told(void **state) {
    static const struct expectation cases[] = {
        {POLICY(ALLOW("\"Sid\":\"one\",\"Principal\":{\"AWS\":\"1\"}," SEND TO_QUEUE) "," ALLOW(
             "\"Sid\":\"two\"," SNS SEND TO_QUEUE IF(
                 "\"ArnEquals\":{\"aws:SourceArn\":\"x\"}")) "," ALLOW("\"Sid\":\"three\"," SNS
                                                                       "\"Action\":\"sqs:"
                                                                       "GetQueueUrl\"," TO_QUEUE)),
         POLICY_SILENT, "its Allow statement \"two\" has a condition: aws:SourceArn must be \"x\""},
        {POLICY(ALLOW("\"Principal\":{\"AWS\":\"1\"}," SEND TO_QUEUE) "," ALLOW(SNS SEND TO_QUEUE)),
         POLICY_ALLOWS, NULL},
    };

    (void)state;
    ASSERT_JUDGED(cases);
}

// Nothing is allowed by what cannot be read, and nothing breaks.
static void what_is_no_policy_allows_nothing(void **state) {
    static const struct expectation cases[] = {
        {"", POLICY_SILENT, "it has no policy"},
        {"{", POLICY_UNREADABLE, "no JSON"},
        {"[]", POLICY_UNREADABLE, "no JSON object"},
        {"null", POLICY_UNREADABLE, NULL},
        {"{}", POLICY_SILENT, "no statement allows it"},
        {"{\"Statement\":[]}", POLICY_SILENT, "no statement"},
        {"{\"Statement\":7}", POLICY_SILENT, NULL},
        {"{\"Statement\":[7,null,[],{}]}", POLICY_SILENT, NULL},
        {"{\"Statement\":[{\"Effect\":7}]}", POLICY_SILENT, NULL},
        {POLICY(ALLOW("\"Principal\":7," SEND TO_QUEUE)), POLICY_SILENT, NULL},
        {POLICY(ALLOW("\"Principal\":{\"Service\":{}}," SEND TO_QUEUE)), POLICY_SILENT, NULL},
        {POLICY(ALLOW("\"Principal\":[7,[\"*\"]]," SEND TO_QUEUE)), POLICY_SILENT, NULL},
        {POLICY(ALLOW(SNS "\"Action\":{}," TO_QUEUE)), POLICY_SILENT, NULL},
        {POLICY(ALLOW(SNS SEND "\"Resource\":7")), POLICY_SILENT, NULL},
        {POLICY(ALLOW(SNS SEND TO_QUEUE ",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":7}}")),
         POLICY_SILENT, NULL},
        {POLICY(ALLOW(SNS SEND TO_QUEUE ",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":[]}}")),
         POLICY_SILENT, NULL},
        {POLICY(ALLOW(SNS SEND TO_QUEUE ",\"Condition\":{\"\":{\"\":\"\"}}")), POLICY_UNSURE, NULL},
        // A condition that is none must not be taken for one that holds.
        {POLICY(ALLOW(SNS SEND TO_QUEUE ",\"Condition\":7")), POLICY_UNSURE, NULL},
        {POLICY(ALLOW(SNS SEND TO_QUEUE ",\"Condition\":{\"ArnEquals\":7}")), POLICY_UNSURE, NULL},
        {POLICY(ALLOW(SNS SEND TO_QUEUE ",\"Condition\":[{\"ArnEquals\":{}}]")), POLICY_UNSURE, NULL},
    };

    (void)state;
    ASSERT_JUDGED(cases);
}

// What a variable stands for is not known, so it neither allows nor keeps out for sure.
static void a_variable_in_a_resource_is_not_judged(void **state) {
    static const char variable[] = "has a policy variable";
    static const struct expectation cases[] = {
        {POLICY(ALLOW(SNS SEND "\"Resource\":\"arn:aws:sqs:*:*:${aws:PrincipalTag/q}\"")), POLICY_VARIABLE,
         variable},
        {POLICY(ALLOW(SNS SEND "\"Resource\":[\"${a}\",\"" QUEUE "\"]")), POLICY_ALLOWS, NULL},
        {POLICY(ALLOW(SNS SEND "\"NotResource\":\"${a}\"")), POLICY_VARIABLE, variable},
        {POLICY(ALLOW(SNS SEND "\"NotResource\":[\"${a}\",\"" QUEUE "\"]")), POLICY_SILENT, NULL},
        {POLICY(ALLOW(SNS SEND TO_QUEUE) "," DENY(SNS SEND "\"Resource\":\"${a}\"")), POLICY_VARIABLE,
         "its Deny statement"},
        {POLICY(ALLOW("\"Principal\":{\"AWS\":\"1\"}," SEND "\"Resource\":\"${a}\"")), POLICY_SILENT, NULL},
        {POLICY(ALLOW(SNS SEND "\"Resource\":\"${a}\"" IF("\"StringEquals\":{\"aws:SourceArn\":\"no\"}"))),
         POLICY_SILENT, "has a condition"},
        {POLICY(ALLOW(SNS SEND TO_QUEUE) "," ALLOW(SNS SEND "\"Resource\":\"${a}\"")), POLICY_ALLOWS, NULL},
    };

    (void)state;
    ASSERT_JUDGED(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_must_fit_in_all_parts),
        cmocka_unit_test(conditions_are_held_against_the_topic),
        cmocka_unit_test(a_deny_goes_before_all),
        cmocka_unit_test(the_closest_statement_is_told),
        cmocka_unit_test(a_variable_in_a_resource_is_not_judged),
        cmocka_unit_test(what_is_no_policy_allows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
