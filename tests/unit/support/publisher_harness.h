// SPDX-License-Identifier: Apache-2.0
// The SNS sink between a test and a scripted server: offers numbered events, records how each was settled,
// and fails the test when one is settled twice or with another's receipt.
#pragma once

#include "settings/settings.h"
#include "sink/sink.h"
#include "support/form_reader.h"
#include "support/http_server.h"

#include <event2/event.h>

enum { HARNESS_ROWS = 400, HARNESS_LONG_US = 60000000 };

struct settlement {
    const void *claim; // that it was offered for
    int times;
    enum outcome_kind kind;
    int64_t retry_after_us;
    char reason[512]; // "" when there is none
    bool is_culprit;  // for harness_refuse_culprits and harness_fail_culprits
};

struct harness;

typedef void harness_answer(struct harness *harness, struct http_received *request);

struct harness {
    struct event_base *base;
    struct http_server *server;
    struct settings settings; // to be changed before harness_start
    char endpoint[64];
    struct sink sink;
    struct topic standard;
    struct topic other;
    struct topic fifo;
    void *claim;                   // of the events that are offered
    harness_answer *answer;        // NULL holds the request
    harness_answer *const *script; // ends with NULL; its answers go before `answer`, each once
    const char *status;            // for harness_answer_with and harness_refuse_culprits
    const char *text;
    const char *failed; // for harness_fail_culprits: what follows the Id in Failed
    bool (*may_send)(const struct harness *harness, int row); // NULL: always
    struct settlement rows[HARNESS_ROWS];
    int offered;
    int settled;
    int sent;
    int drained;
    int recovered;
    int probing; // how many events it has been asked for last, to probe with
    int broken;
    const char *reason_to_end; // what the error of a sink that breaks must hold; NULL: it must not break
    int left;                  // by their claims, and then
    int settled_late;
    enum outcome_kind late_kind; // of the last one
    int goal;
};

// harness_new prepares everything but the sink: a rest of a minute, four requests at once, 256 KiB.
// harness_start makes the sink. harness_free releases all.
struct harness *harness_new(void);
void harness_start(struct harness *harness);
void harness_free(struct harness *harness);

// harness_event is event number `row`; its texts live until the next call. harness_offer hands the next one
// to the sink, harness_offer_many more of them, with data {}. Each is of another aggregate, but those of
// harness_offer_group: they are of aggregate number `group`.
struct outbox_event harness_event(int row, const char *data);
void harness_offer(struct harness *harness, struct topic *topic, const char *data);
void harness_offer_many(struct harness *harness, struct topic *topic, int count);
void harness_offer_group(struct harness *harness, struct topic *topic, int group);
void harness_flush(struct harness *harness);

// harness_await_settled runs the loop until so many events are settled in all, harness_await_requests until
// so many requests came in all; both fail the test when that never happens.
void harness_await_settled(struct harness *harness, int count);
void harness_await_requests(struct harness *harness, int count);

// harness_await_rest runs the loop until the sink does not rest any more.
void harness_await_rest(struct harness *harness);

// harness_assert_settled: the rows from `first` to before `end` are settled in this way, and the reason of
// those that have one holds `reason`. harness_count is how many of them are.
void harness_assert_settled(const struct harness *harness, int first, int end, enum outcome_kind kind,
                            const char *reason);
int harness_count(const struct harness *harness, int first, int end, enum outcome_kind kind);

// Answers: harness_accept names every entry in Successful, with the MessageId that its event is to get;
// harness_answer_with sends `status` and `text`; harness_hang_up closes the connection without a word.
// harness_refuse_culprits refuses with `status` and `text` a request that has a culprit in it,
// harness_fail_culprits names culprits in Failed and the others in Successful.
harness_answer harness_accept;
harness_answer harness_answer_with;
harness_answer harness_hang_up;
harness_answer harness_refuse_culprits;
harness_answer harness_fail_culprits;

#define HARNESS_ERROR(type, code)                                                                            \
    "<ErrorResponse><Error><Type>" type "</Type><Code>" code "</Code><Message>because</Message></Error>"     \
    "<RequestId>r</RequestId></ErrorResponse>"
#define HARNESS_FAILED(code, sender)                                                                         \
    "<Code>" code "</Code><Message>because</Message><SenderFault>" sender "</SenderFault>"

// harness_request is request number `index` (from 0); harness_assert_request: its entries are these rows in
// this order, ended by -1.
struct http_received *harness_request(const struct harness *harness, int index);
void harness_assert_request(const struct harness *harness, int index, const int *rows);
#define ROWS(...) ((const int[]){__VA_ARGS__, -1})

// harness_row_of is the number of the event at place `index` of a batch.
int harness_row_of(const struct form *form, int index);

// harness_read_form decodes a request's body; form_free releases it.
void harness_read_form(const struct http_received *request, struct form *form);
