// SPDX-License-Identifier: Apache-2.0
// The Lambda runtime between a test, a scripted runtime API and an intake that does what the test says: a
// program that links this has these intake functions and no others.
#pragma once

#include "consumer/intake.h"
#include "lambda/lambda.h"
#include "settings/settings.h"
#include "support/http_server.h"

enum { LAMBDA_MESSAGES_MAX = 64, LAMBDA_POSTS_MAX = 16 };

// What was offered to the intake.
struct offered {
    void *message;
    char id[32];
    char group[32];
    bool fifo;
    bool begun; // the test's: it is not let go
    bool settled;
};

struct lambda_harness {
    struct event_base *base;
    struct http_server *server;
    struct settings settings; // to be changed before lambda_start
    struct lambda *lambda;
    bool over; // the loop was broken

    struct http_received *next; // that waits for an invocation
    int nexts;                  // how often one was asked for
    struct http_received *posts[LAMBDA_POSTS_MAX];
    int post_count;
    const char *post_status; // of the answers; "" hangs up, NULL holds

    struct intake_listener listener;
    char consumer[64];
    const char *intake_fails; // why intake_new does; NULL: it does not
    bool settles_at_once;     // as done, within intake_offer
    bool resting;
    struct offered offered[LAMBDA_MESSAGES_MAX];
    int offered_count;
    int drops;
    int goal;
};

// lambda_open makes server and settings, lambda_start the runtime, with whatever error it has. lambda_close
// releases all.
struct lambda_harness *lambda_open(void);
bool lambda_start(struct lambda_harness *harness, struct error *error);
void lambda_close(struct lambda_harness *harness);

// lambda_ready says that the intake is ready, and waits until the first invocation is asked for.
void lambda_ready(struct lambda_harness *harness);

// lambda_invoke answers the request for the next invocation, lambda_invoke_raw with a whole HTTP answer.
// `left_ms` is the time until the deadline.
void lambda_invoke(struct lambda_harness *harness, const char *event, int64_t left_ms);
void lambda_invoke_raw(struct lambda_harness *harness, const char *answer);

// lambda_event writes the event with the messages named by one character each, of a queue that is FIFO where
// `fifo`. Digits are of one group, a letter is one of its own.
const char *lambda_event(const char *letters, bool fifo);

// These run the loop until that many requests for an invocation, offers or posts there are in all, or until
// it was broken; they fail the test when that never happens. lambda_posted asserts path (behind runtime/) and
// body of post `index`.
void lambda_await_nexts(struct lambda_harness *harness, int count);
void lambda_await_offered(struct lambda_harness *harness, int count);
void lambda_await_posts(struct lambda_harness *harness, int count);
void lambda_await_over(struct lambda_harness *harness);
void lambda_posted(const struct lambda_harness *harness, int index, const char *path, const char *body);

// lambda_settle settles what was offered as number `index`, from 0.
void lambda_settle(struct lambda_harness *harness, int index, enum intake_kind kind);

// lambda_outage settles it as failed by an outage, lambda_recover ends that.
void lambda_outage(struct lambda_harness *harness, int index);
void lambda_recover(struct lambda_harness *harness);
