// SPDX-License-Identifier: Apache-2.0
// The check against servers that a fake of AWS would not be: one that says nothing, one whose list never
// ends, one that answers nonsense. It ends all the same, and says so.
#include "check/check.h"
#include "check/report.h"
#include "support/http_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { SHORT_US = 300000, SOME_US = 2000000, LONG_US = 60000000, REPORT_MAX = 1 << 20 };

#define TOPIC "arn:aws:sns:eu-west-1:123456789012:orders"

static const char identity[] =
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn>"
    "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
static const char topic[] =
    "<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes/></GetTopicAttributesResult>"
    "</GetTopicAttributesResponse>";

// The check runs a loop of its own, so the server is a process of its own.
static pid_t start_server(http_server_handler *handler) {
    char url[64];
    int port = 0;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t server = fork();
    if (server == 0) {
        struct event_base *base = event_base_new();
        struct http_server *http = http_server_new(base, handler, NULL);
        port = http_server_port(http);
        bool told = write(ends[1], &port, sizeof port) == (ssize_t)sizeof port;
        _exit(told && event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY) == 0 ? 0 : 1);
    }
    assert_true(server > 0);
    assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
    close(ends[0]);
    close(ends[1]);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    setenv("AWS_ENDPOINT_URL", url, 1);
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url, 1);
    return server;
}

// Runs the check against a server with that handler; returns the text of the report.
static char *report_of(http_server_handler *handler, int64_t limit_us) {
    pid_t server = start_server(handler);
    struct settings settings;
    struct error error = {0};
    struct findings *findings = findings_new();
    struct buffer report;
    int operands = 0;
    if (!settings_read(&settings, "check", 0, NULL, NULL, &operands, &error) ||
        !check_run(&settings, limit_us, findings, &error)) {
        fail_msg("%s", error.text);
    }
    buffer_init(&report, REPORT_MAX);
    report_text(findings, &report);
    char *text = strdup(buffer_text(&report));
    buffer_free(&report);
    findings_free(findings);
    settings_free(&settings);
    kill(server, SIGKILL);
    assert_int_equal(waitpid(server, NULL, 0), server);
    return text;
}

static void assert_says(const char *report, const char *expected) {
    if (strstr(report, expected) == NULL) {
        (void)fprintf(stderr, "%s", report); // cmocka cuts long texts
        fail_msg("\"%s\" is not in the report", expected);
    }
}

static bool asks(const struct http_received *request, const char *action) {
    char target[128];
    http_server_header(request, "X-Amz-Target", target, sizeof target);
    return strstr(request->body, action) != NULL || strstr(target, action) != NULL;
}

static void say_nothing(void *context, struct http_received *request) {
    (void)context;
    (void)request;
}

static void ends_when_nobody_answers(void **state) {
    (void)state;
    char *report = report_of(say_nothing, SHORT_US);
    assert_says(report, "error    no answer to sts:GetCallerIdentity: the time for the check is over");
    assert_says(report, "error    no answer to sns:GetTopicAttributes: the time for the check is over");
    assert_says(report, "0 warnings, 3 errors"); // the database is the third
    free(report);
}

// The answer to the first two questions; false for the others.
static bool answer_beginning(struct http_received *request) {
    if (asks(request, "GetCallerIdentity")) {
        http_server_reply(request, "200 OK", identity);
    } else if (asks(request, "GetTopicAttributes")) {
        http_server_reply(request, "200 OK", topic);
    } else {
        return false;
    }
    return true;
}

static void say_nothing_of_subscriptions(void *context, struct http_received *request) {
    (void)context;
    (void)answer_beginning(request);
}

static void what_has_been_found_by_then_is_told(void **state) {
    (void)state;
    char *report = report_of(say_nothing_of_subscriptions, SOME_US);
    assert_says(report, "ok       AWS knows them as arn:aws:iam::123456789012:user/u, account 123456789012");
    assert_says(report, "ok       exists, standard");
    assert_says(report, "error    no answer to sns:ListSubscriptionsByTopic: the time for the check is over");
    free(report);
}

static void list_for_ever(void *context, struct http_received *request) {
    (void)context;
    if (!answer_beginning(request)) {
        http_server_reply(request, "200 OK",
                          "<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions>"
                          "<member><SubscriptionArn>Deleted</SubscriptionArn></member><member/>"
                          "</Subscriptions><NextToken>again</NextToken></ListSubscriptionsByTopicResult>"
                          "</ListSubscriptionsByTopicResponse>");
    }
}

static void a_list_without_end_is_cut(void **state) {
    (void)state;
    char *report = report_of(list_for_ever, LONG_US);
    assert_says(report, "note     only the first 20 pages of its subscriptions are looked at");
    assert_says(report, "note     subscriptions of other protocols than sqs, which are not looked at: 20");
    free(report);
}

// Well-formed, and not what was asked for.
static void talk_nonsense(void *context, struct http_received *request) {
    (void)context;
    if (asks(request, "\"gone\"")) {
        http_server_reply(request, "400 Bad Request", "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}");
    } else if (asks(request, "AmazonSQS")) {
        http_server_reply(request, "200 OK",
                          "{\"QueueUrl\":[\"'\"],\"Attributes\":{\"Policy\":7,\"RedrivePolicy\":{}}}");
    } else if (asks(request, "ListSubscriptionsByTopic")) {
        http_server_reply(request, "200 OK",
                          "<a><ListSubscriptionsByTopicResult><Subscriptions>"
                          "<member><SubscriptionArn>x</SubscriptionArn><Protocol>sqs</Protocol>"
                          "<Endpoint>arn:aws:sqs:eu-west-1:123456789012:orders</Endpoint></member>"
                          "<member><SubscriptionArn>x; rm -rf ~</SubscriptionArn><Protocol>sqs</Protocol>"
                          "<Endpoint>arn:aws:sqs:eu-west-1:123456789012:gone</Endpoint></member>"
                          "<member><SubscriptionArn>y</SubscriptionArn><Protocol>sqs</Protocol>"
                          "<Endpoint>'; rm -rf ~&#10;  ok       forged</Endpoint></member>"
                          "</Subscriptions></ListSubscriptionsByTopicResult></a>");
    } else if (!answer_beginning(request)) {
        http_server_reply(request, "200 OK", "<a/>");
    }
}

static void say_something_else(void *context, struct http_received *request) {
    (void)context;
    http_server_reply(request, "200 OK", "<a/>");
}

static void another_answer_is_none(void **state) {
    (void)state;
    char *report = report_of(say_something_else, LONG_US);
    assert_says(report, "error    the answer to sts:GetCallerIdentity is none of AWS's");
    assert_says(report, "error    the answer to sns:GetTopicAttributes is none of AWS's");
    free(report);
}

static void nonsense_is_not_believed(void **state) {
    (void)state;
    char *report = report_of(talk_nonsense, LONG_US);
    assert_says(report, "Queue arn:aws:sqs:eu-west-1:123456789012:orders (topic orders)\n");
    assert_says(report, "error    its policy does not let the topic send: it has no policy");
    assert_says(report, "--queue-url QUEUE_URL "); // nothing that is no URL gets into a command
    assert_says(report, "--subscription-arn SUBSCRIPTION_ARN\n");
    assert_says(report, "error    is no ARN of a queue");
    assert_null(strstr(report, "\n  ok       forged"));
    free(report);
}

// As the relay does where neither settings nor a topic name a region.
static void be_an_instance(void *context, struct http_received *request) {
    (void)context;
    if (strstr(request->head, "PUT /latest/api/token ") == request->head) {
        http_server_reply(request, "200 OK", "t0ken");
    } else if (strstr(request->head, "GET /latest/meta-data/placement/region ") == request->head) {
        http_server_reply(request, "200 OK", "eu-north-1");
    } else {
        (void)answer_beginning(request);
    }
}

static void the_region_may_be_that_of_the_instance(void **state) {
    (void)state;
    setenv("OUTBOX_TOPIC_ARN", "", 1);
    char *report = report_of(be_an_instance, LONG_US);
    assert_says(report, "ok       sts in eu-north-1 at http://127.0.0.1:");
    assert_says(report, "ok       AWS knows them as arn:aws:iam::123456789012:user/u, account 123456789012");
    free(report);
    report = report_of(say_nothing, SHORT_US);
    assert_says(report, "error    no region has been found in time");
    free(report);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    report = report_of(say_nothing, LONG_US);
    assert_says(report, "error    no AWS region: set AWS_REGION");
    free(report);
    unsetenv("AWS_EC2_METADATA_DISABLED");
    setenv("OUTBOX_TOPIC_ARN", TOPIC, 1);
}

static int set_environment(void **state) {
    (void)state;
    setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none", 1);
    setenv("OUTBOX_TOPIC_ARN", TOPIC, 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_CONFIG_FILE", "/dev/null", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_when_nobody_answers),  cmocka_unit_test(what_has_been_found_by_then_is_told),
        cmocka_unit_test(a_list_without_end_is_cut), cmocka_unit_test(another_answer_is_none),
        cmocka_unit_test(nonsense_is_not_believed),  cmocka_unit_test(the_region_may_be_that_of_the_instance),
    };
    return cmocka_run_group_tests(tests, set_environment, NULL);
}
