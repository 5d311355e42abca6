// SPDX-License-Identifier: Apache-2.0
// Single requests against a scripted server: what is sent, what is sent again, and what is made of each kind
// of answer.
#include "aws/call.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "support/http_server.h"
#include "support/loop.h"
#include "support/settings_fill.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { TIMEOUT_US = 60000000, TEXT_SIZE = 512, HUGE_SIZE = 3 << 19 };

#define ERROR_XML(code, message)                                                                             \
    "<ErrorResponse "                                                                                        \
    "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>" code              \
    "</Code><Message>" message "</Message></Error><RequestId>r</RequestId></ErrorResponse>"

static const char identity[] =
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u"
    "</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>";

struct reply {
    const char *status; // NULL: the connection is closed without a word; may have headers behind it
    const char *body;   // NULL: never answered
};

struct fixture {
    struct event_base *base;
    struct http_server *server;
    struct http_client *http;
    struct aws_caller *caller;
    struct settings settings;
    char url[64];
    const struct reply *script; // the last one is repeated
    int script_left;
    int expected;
    int done;
    int status;
    char code[TEXT_SIZE];
    char message[TEXT_SIZE];
    char text[TEXT_SIZE]; // Arn, or QueueUrl
};

static char none[] = "", region[] = "eu-west-1";

static const struct aws_credentials credentials = {
    .access_key_id = "AKIDEXAMPLE", .secret_access_key = "secret", .session_token = "token"};

static void on_request(void *context, struct http_received *request) {
    struct fixture *fixture = context;
    struct reply reply = *fixture->script;
    if (fixture->script_left > 1) {
        fixture->script++;
        fixture->script_left--;
    }
    if (reply.status == NULL) {
        http_server_reply_raw(request, "", 0, true);
    } else if (reply.body != NULL) {
        http_server_reply(request, reply.status, reply.body);
    }
}

static struct fixture *start(const struct reply *script, int count) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct http_options options = {.ca_bundle = "", .timeout_us = TIMEOUT_US, .connections = 4};

    fixture->base = event_base_new();
    fixture->server = http_server_new(fixture->base, on_request, fixture);
    fixture->script = script;
    fixture->script_left = count;
    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%d", http_server_port(fixture->server));
    fixture->settings = (struct settings){
        .aws_endpoint_url = fixture->url, .aws_endpoint_url_sns = none, .aws_region = region};
    settings_fill(&fixture->settings);
    fixture->http = http_client_new(fixture->base, &options, NULL);
    fixture->caller = aws_caller_new(fixture->base, &fixture->settings, NULL, fixture->http, NULL);
    assert_non_null(fixture->caller);
    return fixture;
}

#define START(...)                                                                                           \
    start((const struct reply[]){__VA_ARGS__},                                                               \
          sizeof((const struct reply[]){__VA_ARGS__}) / sizeof(struct reply))

static void stop(struct fixture *fixture) {
    http_client_free(fixture->http);
    aws_caller_free(fixture->caller);
    http_server_free(fixture->server);
    event_base_free(fixture->base);
    free(fixture);
}

static void on_done(void *context, const struct aws_answer *answer) {
    struct fixture *fixture = context;
    const struct xml_element *result = xml_child(answer->xml, "GetCallerIdentityResult");
    const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer->json, "QueueUrl"));
    fixture->done++;
    fixture->status = answer->status;
    snprintf(fixture->code, TEXT_SIZE, "%s", answer->code);
    snprintf(fixture->message, TEXT_SIZE, "%s", answer->message);
    snprintf(fixture->text, TEXT_SIZE, "%s", url != NULL ? url : xml_text(result, "Arn"));
}

static void ask(struct fixture *fixture, const char *target, const struct aws_credentials *as) {
    const struct aws_request request = {
        .service = target != NULL ? "sqs" : "sts",
        .region = region,
        .target = target,
        .body = slice_of_text(target != NULL ? "{\"QueueName\":\"q\"}" : "Action=GetCallerIdentity"),
        .credentials = as,
        .done = on_done,
        .context = fixture};
    struct error error = {0};
    if (!aws_call(fixture->caller, &request, &error)) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(fixture->done, 0); // never before the caller is back
}

static bool is_done(void *context) {
    const struct fixture *fixture = context;
    return fixture->done >= fixture->expected;
}

static void await(struct fixture *fixture, int requests) {
    fixture->expected = 1;
    assert_true(loop_until(fixture->base, is_done, fixture));
    loop_settle(fixture->base);
    assert_int_equal(fixture->done, 1);
    assert_int_equal(http_server_counts(fixture->server)->requests, requests);
}

static void assert_header(const struct http_received *request, const char *name, const char *expected) {
    char value[TEXT_SIZE];
    http_server_header(request, name, value, sizeof value);
    if (strstr(value, expected) == NULL || (expected[0] == '\0' && value[0] != '\0')) {
        fail_msg("%s is \"%s\", not \"%s\"", name, value, expected);
    }
}

static void a_form_is_signed_and_its_answer_parsed(void **state) {
    struct fixture *fixture = START({"200 OK", identity});

    (void)state;
    ask(fixture, NULL, &credentials);
    await(fixture, 1);
    const struct http_received *request = http_server_requests(fixture->server);
    assert_string_equal(request->body, "Action=GetCallerIdentity");
    assert_header(request, "Content-Type", "application/x-www-form-urlencoded");
    assert_header(request, "X-Amz-Security-Token", "token");
    assert_header(request, "X-Amz-Target", "");
    assert_header(request, "Authorization",
                  "/eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;"
                  "x-amz-date;x-amz-security-token, Signature=");
    assert_int_equal(fixture->status, 200);
    assert_string_equal(fixture->text, "arn:aws:iam::1:user/u");
    assert_string_equal(fixture->code, "");
    assert_string_equal(fixture->message, "");
    stop(fixture);
}

static void a_json_request_names_its_target(void **state) {
    struct fixture *fixture = START({"200 OK", "{\"QueueUrl\":\"http://q\"}"});

    (void)state;
    ask(fixture, "AmazonSQS.GetQueueUrl", &credentials);
    await(fixture, 1);
    const struct http_received *request = http_server_requests(fixture->server);
    assert_header(request, "Content-Type", "application/x-amz-json-1.0");
    assert_header(request, "X-Amz-Target", "AmazonSQS.GetQueueUrl");
    assert_header(request, "Authorization",
                  "/sqs/aws4_request, SignedHeaders=content-type;host;x-amz-date;"
                  "x-amz-security-token;x-amz-target,");
    assert_string_equal(fixture->text, "http://q");
    stop(fixture);
}

static void a_request_without_credentials_is_not_signed(void **state) {
    struct fixture *fixture = START({"200 OK", identity});

    (void)state;
    ask(fixture, NULL, NULL);
    await(fixture, 1);
    const struct http_received *request = http_server_requests(fixture->server);
    assert_header(request, "Authorization", "");
    assert_header(request, "X-Amz-Date", "");
    assert_header(request, "X-Amz-Security-Token", "");
    assert_int_equal(fixture->status, 200);
    stop(fixture);
}

static void what_passes_is_sent_again(void **state) {
    static const struct reply failures[] = {
        {"500 Internal Server Error", ERROR_XML("InternalFailure", "sorry")},
        {"503 Service Unavailable", "<html>busy</html>"},
        {"502 Bad Gateway", ""},
        {"504 Gateway Timeout", "no XML"},
        {"400 Bad Request", ERROR_XML("RequestTimeout", "slow")},
        {"400 Bad Request", ERROR_XML("IDPCommunicationError", "far away")},
        {NULL, NULL},
        {"200 OK", "<html>a proxy's page"},
        {"200 OK", ""},
        {"200 OK", "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:ia"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof failures / sizeof failures[0]; index++) {
        struct fixture *fixture = START(failures[index], {"200 OK", identity});
        ask(fixture, NULL, &credentials);
        await(fixture, 2);
        assert_int_equal(fixture->status, 200);
        assert_string_equal(fixture->text, "arn:aws:iam::1:user/u");
        stop(fixture);
    }
}

static void what_stays_is_told_after_three_attempts(void **state) {
    static const struct {
        struct reply reply;
        int status;
        const char *code;
        const char *message;
    } failures[] = {
        {{"500 Oops", ERROR_XML("InternalFailure", "sorry")}, 500, "InternalFailure", "sorry"},
        {{"503 Busy", "<html>\r\n<b>busy</b></html>"},
         503,
         "",
         "HTTP 503, and no answer of AWS: <html> <b>busy"},
        {{"200 OK", "<html>unfinished"}, 0, "", "HTTP 200, and 16 bytes that are no answer of AWS"},
        {{NULL, NULL}, 0, "", "reply"}, // libcurl: "Empty reply from server"
    };

    (void)state;
    for (size_t index = 0; index < sizeof failures / sizeof failures[0]; index++) {
        struct fixture *fixture = START(failures[index].reply);
        ask(fixture, NULL, &credentials);
        await(fixture, 3);
        assert_int_equal(fixture->status, failures[index].status);
        assert_string_equal(fixture->code, failures[index].code);
        if (strstr(fixture->message, failures[index].message) == NULL) {
            fail_msg("the message is \"%s\"", fixture->message);
        }
        stop(fixture);
    }
}

static void a_refusal_is_not_sent_again(void **state) {
    static const struct {
        struct reply reply;
        const char *code;
        const char *message;
    } refusals[] = {
        {{"403 Forbidden", ERROR_XML("AccessDenied", "not you")}, "AccessDenied", "not you"},
        {{"400 Bad Request", ERROR_XML("ValidationError", "1 &lt; 2&#10;is wrong")},
         "ValidationError",
         "1 < 2 is wrong"},
        {{"403 Forbidden", ERROR_XML("ExpiredToken", "too late")}, "ExpiredToken", "too late"},
        {{"404 Not Found", "<html>no such page</html>"}, "", "HTTP 404, and no answer of AWS: <html>no such"},
        {{"301 Moved Permanently", ""}, "", "HTTP 301, and no answer of AWS:"},
        {{"400 Bad Request", "<!DOCTYPE a [<!ENTITY b \"c\">]><ErrorResponse><Error><Code>&b;</Code></Error>"
                             "</ErrorResponse>"},
         "",
         "HTTP 400, and no answer of AWS"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof refusals / sizeof refusals[0]; index++) {
        struct fixture *fixture = START(refusals[index].reply);
        ask(fixture, NULL, &credentials);
        await(fixture, 1);
        assert_string_equal(fixture->code, refusals[index].code);
        assert_memory_equal(fixture->message, refusals[index].message, strlen(refusals[index].message));
        stop(fixture);
    }
}

static void json_errors_have_a_code_too(void **state) {
    static const struct {
        struct reply reply;
        const char *code;
        const char *message;
    } errors[] = {
        {{"400 Bad Request", "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"no queue\"}"},
         "QueueDoesNotExist",
         "no queue"},
        {{"400 Bad Request", "{\"__type\":\"AccessDeniedException\",\"Message\":\"not you\"}"},
         "AccessDeniedException",
         "not you"},
        {{"400 Bad Request\r\nx-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender",
          "{\"message\":\"gone\"}"},
         "NonExistentQueue",
         "gone"},
        {{"400 Bad Request", "{\"__type\":7,\"message\":[]}"},
         "",
         "HTTP 400, and no answer of AWS: {\"__type\""},
        {{"400 Bad Request", "[1,2"}, "", "HTTP 400, and no answer of AWS: [1,2"},
        {{"400 Bad Request", ""}, "", "HTTP 400, and no answer of AWS:"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof errors / sizeof errors[0]; index++) {
        struct fixture *fixture = START(errors[index].reply);
        ask(fixture, "AmazonSQS.GetQueueUrl", &credentials);
        await(fixture, 1);
        assert_int_equal(fixture->status, 400);
        assert_string_equal(fixture->code, errors[index].code);
        assert_memory_equal(fixture->message, errors[index].message, strlen(errors[index].message));
        stop(fixture);
    }
}

static void json_that_is_no_object_is_no_answer(void **state) {
    static const char *const bodies[] = {"null", "\"ok\"", "[]", "[{\"QueueUrl\":\"http://q\"}]",
                                         "7",    "true"};
    struct fixture *fixture;

    (void)state;
    for (size_t index = 0; index < sizeof bodies / sizeof bodies[0]; index++) {
        fixture = START({"200 OK", bodies[index]}, {"200 OK", "{\"QueueUrl\":\"http://q\"}"});
        ask(fixture, "AmazonSQS.GetQueueUrl", &credentials);
        await(fixture, 2);
        assert_int_equal(fixture->status, 200);
        assert_string_equal(fixture->text, "http://q");
        stop(fixture);
    }
    fixture = START({"200 OK", "null"});
    ask(fixture, "AmazonSQS.GetQueueUrl", &credentials);
    await(fixture, 3);
    assert_int_equal(fixture->status, 0);
    assert_string_equal(fixture->message, "HTTP 200, and 4 bytes that are no answer of AWS");
    stop(fixture);
    fixture = START({"200 OK", "{}"}); // there may be nothing to tell
    ask(fixture, "AmazonSQS.GetQueueUrl", &credentials);
    await(fixture, 1);
    assert_int_equal(fixture->status, 200);
    stop(fixture);
}

// A message that is too long is cut, as is a code; neither breaks anything.
static void long_texts_are_cut(void **state) {
    struct buffer body;
    struct fixture *fixture;

    (void)state;
    buffer_init(&body, 1 << 20);
    buffer_append_text(&body, "<ErrorResponse><Error><Code>");
    for (int index = 0; index < 10000; index++) {
        buffer_append_text(&body, "Long");
    }
    buffer_append_text(&body, "</Code><Message>");
    for (int index = 0; index < 10000; index++) {
        buffer_append_text(&body, "long ");
    }
    buffer_append_text(&body, "</Message></Error></ErrorResponse>");
    fixture = START({"400 Bad Request", buffer_text(&body)});
    ask(fixture, NULL, &credentials);
    await(fixture, 1);
    assert_int_equal(strlen(fixture->code), 64);
    assert_in_range(strlen(fixture->message), 100, 200);
    stop(fixture);
    buffer_free(&body);
}

static void a_huge_answer_is_none(void **state) {
    char *huge = malloc(HUGE_SIZE + 1);
    struct fixture *fixture;

    (void)state;
    memset(huge, 'a', HUGE_SIZE);
    huge[HUGE_SIZE] = '\0';
    fixture = START({"200 OK", huge});
    ask(fixture, NULL, &credentials);
    await(fixture, 3);
    assert_int_equal(fixture->status, 0);
    assert_string_not_equal(fixture->message, "");
    stop(fixture);
    free(huge);
}

// The least time that the service asks for is kept; how long it takes at most is no matter here.
static void waits_as_long_as_the_service_asks(void **state) {
    enum { ASKED_US = 300000 };
    struct fixture *fixture =
        START({"400 Bad Request\r\nx-amz-retry-after: 300", ERROR_XML("Throttling", "Rate exceeded")},
              {"200 OK", identity});
    int64_t start_us = clock_monotonic_us();

    (void)state;
    ask(fixture, NULL, &credentials);
    await(fixture, 2);
    assert_int_equal(fixture->status, 200);
    assert_true(clock_monotonic_us() - start_us >= ASKED_US);
    stop(fixture);
}

// A clock that is an hour behind is corrected from the answer's Date, once for a request; the next request is
// signed right from the start.
static void a_wrong_clock_is_corrected(void **state) {
    enum { BEHIND_S = 3600 };
    char status[128], first[TEXT_SIZE], later[TEXT_SIZE];
    time_t theirs = time(NULL) + BEHIND_S;
    struct tm parts;
    (void)strftime(status, sizeof status, "403 Forbidden\r\nDate: %a, %d %b %Y %H:%M:%S GMT",
                   gmtime_r(&theirs, &parts));
    struct fixture *fixture =
        START({status, ERROR_XML("SignatureDoesNotMatch", "Signature expired")}, {"200 OK", identity});

    (void)state;
    ask(fixture, NULL, &credentials);
    await(fixture, 2);
    assert_int_equal(fixture->status, 200);
    const struct http_received *request = http_server_requests(fixture->server);
    http_server_header(request, "X-Amz-Date", first, sizeof first);
    http_server_header(request->next, "X-Amz-Date", later, sizeof later);
    assert_true(strcmp(later, first) > 0);
    fixture->done = 0;
    ask(fixture, NULL, &credentials);
    await(fixture, 3);
    http_server_header(request->next->next, "X-Amz-Date", later, sizeof later);
    assert_true(strcmp(later, first) > 0);
    stop(fixture);
}

static bool has_come_in(void *context) {
    const struct fixture *fixture = context;
    return http_server_counts(fixture->server)->requests >= fixture->expected;
}

// Under way, or waiting for its next attempt: neither is told of it.
static void freed_while_under_way(void **state) {
    static const struct reply replies[] = {
        {"200 OK", NULL}, {"503 Busy\r\nx-amz-retry-after: 5000", "busy"}, {NULL, NULL}};

    (void)state;
    for (size_t index = 0; index < sizeof replies / sizeof replies[0]; index++) {
        struct fixture *fixture = START(replies[index]);
        ask(fixture, NULL, &credentials);
        ask(fixture, "AmazonSQS.GetQueueUrl", &credentials);
        fixture->expected = 2;
        assert_true(loop_until(fixture->base, has_come_in, fixture));
        loop_settle(fixture->base);
        assert_int_equal(fixture->done, 0);
        stop(fixture);
    }
}

static void on_done_again(void *context, const struct aws_answer *answer) {
    struct fixture *fixture = context;
    on_done(context, answer);
    if (fixture->done < fixture->expected) {
        const struct aws_request request = {.service = "sts",
                                            .region = region,
                                            .body = slice_of_text("Action=Next"),
                                            .credentials = &credentials,
                                            .done = on_done_again,
                                            .context = fixture};
        assert_true(aws_call(fixture->caller, &request, NULL));
    }
}

static void an_answer_may_lead_to_the_next_request(void **state) {
    struct fixture *fixture = START({"200 OK", identity});

    (void)state;
    fixture->expected = 3;
    const struct aws_request request = {.service = "sts",
                                        .region = region,
                                        .body = slice_of_text("Action=First"),
                                        .done = on_done_again,
                                        .context = fixture};
    assert_true(aws_call(fixture->caller, &request, NULL));
    assert_true(loop_until(fixture->base, is_done, fixture));
    assert_int_equal(http_server_counts(fixture->server)->requests, 3);
    stop(fixture);
}

static bool no_more(void *context) {
    return ++((struct fixture *)context)->expected < 2;
}

// Asked when an attempt has failed, and when the next is due.
static void what_is_not_wanted_any_more_is_not_sent_again(void **state) {
    struct fixture *fixture = START({"503 Service Unavailable", "busy"});
    const struct aws_request request = {.service = "sts",
                                        .region = region,
                                        .body = slice_of_text(""),
                                        .done = on_done,
                                        .again = no_more,
                                        .context = fixture};

    (void)state;
    assert_true(aws_call(fixture->caller, &request, NULL));
    fixture->expected = 0;
    while (fixture->done == 0) {
        event_base_loop(fixture->base, EVLOOP_ONCE);
    }
    assert_int_equal(fixture->expected, 2);
    assert_int_equal(fixture->status, 0);
    assert_string_equal(fixture->message, "it is not asked for any more");
    assert_int_equal(http_server_counts(fixture->server)->requests, 1);
    assert_true(aws_call(fixture->caller, &request, NULL));
    while (fixture->done == 1) {
        event_base_loop(fixture->base, EVLOOP_ONCE);
    }
    assert_int_equal(fixture->status, 503);
    assert_int_equal(http_server_counts(fixture->server)->requests, 2);
    stop(fixture);
}

// The quota is the caller's, not the request's: when most fails, it ends.
static void retries_end_when_all_is_in_vain(void **state) {
    enum { CALLS = 40, RETRIES = 500 / 14 };
    struct fixture *fixture = START({"400 Bad Request", ERROR_XML("RequestTimeout", "slow")});

    (void)state;
    for (int index = 0; index < CALLS; index++) {
        ask(fixture, NULL, NULL);
    }
    fixture->expected = CALLS;
    assert_true(loop_until(fixture->base, is_done, fixture));
    assert_int_equal(http_server_counts(fixture->server)->requests, CALLS + RETRIES);
    stop(fixture);
}

static void no_endpoint_is_told_at_once(void **state) {
    struct fixture *fixture = START({"200 OK", identity});
    static char wrong[] = "ftp://127.0.0.1";
    const struct aws_request request = {
        .service = "sts", .region = region, .body = slice_of_text(""), .done = on_done, .context = fixture};
    struct error error = {0};

    (void)state;
    fixture->settings.aws_endpoint_url = wrong;
    assert_false(aws_call(fixture->caller, &request, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.text, "AWS_ENDPOINT_URL"));
    loop_settle(fixture->base);
    assert_int_equal(fixture->done, 0);
    stop(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_is_signed_and_its_answer_parsed),
        cmocka_unit_test(a_json_request_names_its_target),
        cmocka_unit_test(a_request_without_credentials_is_not_signed),
        cmocka_unit_test(what_passes_is_sent_again),
        cmocka_unit_test(what_stays_is_told_after_three_attempts),
        cmocka_unit_test(a_refusal_is_not_sent_again),
        cmocka_unit_test(json_errors_have_a_code_too),
        cmocka_unit_test(json_that_is_no_object_is_no_answer),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(a_huge_answer_is_none),
        cmocka_unit_test(waits_as_long_as_the_service_asks),
        cmocka_unit_test(a_wrong_clock_is_corrected),
        cmocka_unit_test(freed_while_under_way),
        cmocka_unit_test(an_answer_may_lead_to_the_next_request),
        cmocka_unit_test(what_is_not_wanted_any_more_is_not_sent_again),
        cmocka_unit_test(retries_end_when_all_is_in_vain),
        cmocka_unit_test(no_endpoint_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
