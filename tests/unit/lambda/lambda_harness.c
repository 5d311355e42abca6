// SPDX-License-Identifier: Apache-2.0
#include "lambda/lambda_harness.h"

#include "base/clock.h"
#include "base/memory.h"
#include "support/loop.h"
#include "support/settings_fill.h"

#include <ctype.h>
#include <inttypes.h>
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

enum { ANSWER_SIZE = 1 << 16 };

static struct lambda_harness *current; // the intake's

struct intake {
    char nothing;
};

struct intake *intake_new(struct event_base *base, const struct settings *settings, const char *consumer,
                          const struct intake_listener *listener, struct error *error) {
    (void)base;
    (void)settings;
    snprintf(current->consumer, sizeof current->consumer, "%s", consumer);
    current->listener = *listener;
    if (current->intake_fails != NULL) {
        error_set(error, ERROR_USAGE, "%s", current->intake_fails);
        return NULL;
    }
    return memory_allocate(1, sizeof(struct intake));
}

void intake_free(struct intake *intake) {
    free(intake);
}

static void settle_as(struct lambda_harness *harness, int index, const struct intake_result *result) {
    assert_false(harness->offered[index].settled);
    harness->offered[index].settled = true;
    harness->listener.settled(harness->listener.context, harness->offered[index].message, result);
}

static void settle(struct lambda_harness *harness, int index, enum intake_kind kind) {
    const struct intake_result result = {.kind = kind, .reason = kind == INTAKE_FAILED ? "no luck" : NULL};
    settle_as(harness, index, &result);
}

void intake_offer(struct intake *intake, const struct incoming *incoming, void *message) {
    (void)intake;
    int index = current->offered_count++;
    assert_true(index < LAMBDA_MESSAGES_MAX);
    struct offered *offered = &current->offered[index];
    *offered = (struct offered){.message = message, .fifo = incoming->fifo};
    snprintf(offered->id, sizeof offered->id, "%s", incoming->message_id.data);
    snprintf(offered->group, sizeof offered->group, "%s", incoming->group_id.data);
    if (current->settles_at_once) {
        settle(current, index, INTAKE_DONE);
    }
}

void intake_drop(struct intake *intake) {
    (void)intake;
    current->drops++;
    for (int index = 0; index < current->offered_count; index++) {
        if (!current->offered[index].begun && !current->offered[index].settled) {
            settle(current, index, INTAKE_LET_GO);
        }
    }
}

bool intake_resting(const struct intake *intake) {
    (void)intake;
    return current->resting;
}

void lambda_settle(struct lambda_harness *harness, int index, enum intake_kind kind) {
    settle(harness, index, kind);
}

void lambda_outage(struct lambda_harness *harness, int index) {
    const struct intake_result result = {.kind = INTAKE_FAILED, .outage = true, .reason = "no database"};
    harness->resting = true;
    settle_as(harness, index, &result);
}

void lambda_recover(struct lambda_harness *harness) {
    harness->resting = false;
    harness->listener.recovered(harness->listener.context);
}

static void answer_post(const struct lambda_harness *harness, struct http_received *request) {
    if (harness->post_status == NULL) {
        return;
    }
    if (harness->post_status[0] == '\0') {
        http_server_reply_raw(request, "", 0, true);
    } else {
        http_server_reply(request, harness->post_status, "{\"status\":\"as the test says\"}");
    }
}

static void on_request(void *context, struct http_received *request) {
    static const char next[] = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n";
    struct lambda_harness *harness = context;
    if (strncmp(request->head, next, strlen(next)) == 0) {
        harness->nexts++;
        harness->next = request;
        return;
    }
    assert_int_equal(strncmp(request->head, "POST /2018-06-01/runtime/", 25), 0);
    assert_true(harness->post_count < LAMBDA_POSTS_MAX);
    harness->posts[harness->post_count++] = request;
    answer_post(harness, request);
}

struct lambda_harness *lambda_open(void) {
    static char address[32], on[] = "**=exec:true";
    struct lambda_harness *harness = memory_allocate(1, sizeof *harness);
    harness->base = event_base_new();
    harness->server = http_server_new(harness->base, on_request, harness);
    harness->post_status = "202 Accepted";
    snprintf(address, sizeof address, "127.0.0.1:%d", http_server_port(harness->server));
    harness->settings = (struct settings){.aws_lambda_runtime_api = address, .on = on};
    settings_fill(&harness->settings);
    current = harness;
    return harness;
}

bool lambda_start(struct lambda_harness *harness, struct error *error) {
    harness->lambda = lambda_new(harness->base, &harness->settings, error);
    return harness->lambda != NULL;
}

void lambda_close(struct lambda_harness *harness) {
    lambda_free(harness->lambda);
    http_server_free(harness->server);
    event_base_free(harness->base);
    free(harness);
}

void lambda_ready(struct lambda_harness *harness) {
    harness->listener.ready(harness->listener.context);
    lambda_await_nexts(harness, 1);
}

void lambda_invoke_raw(struct lambda_harness *harness, const char *answer) {
    http_server_reply_raw(harness->next, answer, strlen(answer), false);
}

void lambda_invoke(struct lambda_harness *harness, const char *event, int64_t left_ms) {
    static char answer[ANSWER_SIZE];
    snprintf(answer, sizeof answer,
             "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: request-%d\r\nLambda-Runtime-Deadline-Ms: "
             "%" PRId64 "\r\nLambda-Runtime-Trace-Id: Root=1-%d\r\nContent-Length: %zu\r\n\r\n%s",
             harness->nexts, clock_unix_us() / 1000 + left_ms, harness->nexts, strlen(event), event);
    lambda_invoke_raw(harness, answer);
}

const char *lambda_event(const char *letters, bool fifo) {
    static char event[ANSWER_SIZE / 2];
    int length = snprintf(event, sizeof event, "{\"Records\":[");
    for (const char *letter = letters; *letter != '\0'; letter++) {
        length += snprintf(
            event + length, sizeof event - (size_t)length,
            "%s{\"messageId\":\"%c\",\"body\":\"{}\",\"attributes\":{\"MessageGroupId\":\"%c\"},"
            "\"eventSource\":\"aws:sqs\",\"eventSourceARN\":\"arn:aws:sqs:r:0:q%s\"}",
            letter == letters ? "" : ",", *letter, isdigit(*letter) ? '0' : *letter, fifo ? ".fifo" : "");
    }
    snprintf(event + length, sizeof event - (size_t)length, "]}");
    return event;
}

static void watch(struct lambda_harness *harness) {
    harness->over = harness->over || event_base_got_break(harness->base) != 0;
}

static bool has_nexts(void *context) {
    struct lambda_harness *harness = context;
    watch(harness);
    return harness->nexts >= harness->goal;
}

static bool has_offered(void *context) {
    struct lambda_harness *harness = context;
    watch(harness);
    return harness->offered_count >= harness->goal;
}

static bool has_posts(void *context) {
    struct lambda_harness *harness = context;
    watch(harness);
    return harness->post_count >= harness->goal;
}

static bool is_over(void *context) {
    struct lambda_harness *harness = context;
    watch(harness);
    return harness->over;
}

static void await(struct lambda_harness *harness, bool (*done)(void *context), int goal) {
    harness->goal = goal;
    assert_true(loop_until(harness->base, done, harness));
}

void lambda_await_nexts(struct lambda_harness *harness, int count) {
    await(harness, has_nexts, count);
    assert_int_equal(harness->nexts, count);
}

void lambda_await_offered(struct lambda_harness *harness, int count) {
    await(harness, has_offered, count);
    assert_int_equal(harness->offered_count, count);
}

void lambda_await_posts(struct lambda_harness *harness, int count) {
    await(harness, has_posts, count);
    assert_int_equal(harness->post_count, count);
}

void lambda_await_over(struct lambda_harness *harness) {
    await(harness, is_over, 0);
}

void lambda_posted(const struct lambda_harness *harness, int index, const char *path, const char *body) {
    char line[256];
    assert_true(index < harness->post_count);
    snprintf(line, sizeof line, "POST /2018-06-01/runtime/%s HTTP/1.1", path);
    char *head = harness->posts[index]->head;
    assert_int_equal(strncmp(head, line, strlen(line)), 0);
    assert_string_equal(harness->posts[index]->body, body);
}
