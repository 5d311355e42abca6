// SPDX-License-Identifier: Apache-2.0
// What the parts of the publisher share: publisher.c takes events in, send.c sends batches, judge.c decides
// what becomes of their events. Nobody else includes this.
#pragma once

#include "aws/config.h"
#include "aws/endpoint.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "aws/skew.h"
#include "credentials/credentials.h"
#include "http/client.h"
#include "message/message.h"
#include "observe/metrics.h"
#include "settings/settings.h"
#include "sink/sink.h"
#include "sns/batch.h"
#include "sns/breaker.h"
#include "sns/groups.h"
#include "sns/limiter.h"

#include <event2/event.h>

// What the publisher keeps of a topic.
struct sns_topic {
    struct sns_topic *next;
    struct sns_topic *next_active;
    bool active;        // in the list of those that may have something to send
    const void *shut;   // of a FIFO topic: an event of this claim had to wait, so must all after it
    bool shut_for_pace; // and only because it was too much for now
    struct publisher *publisher;
    const struct topic *topic;         // one of those with this ARN; they may differ in format
    int users;                         // how many they are
    char failure[BREAKER_REASON_SIZE]; // why a batch is in `delayed`
    struct aws_endpoint endpoint;
    struct batch *open;         // being filled; NULL when none is
    struct batch_queue queue;   // sealed, waiting for their turn
    struct batch_queue delayed; // waiting for their retry_at
    struct groups *groups;      // of a FIFO topic, else NULL
    int events;                 // not settled yet
    int late;                   // of them, those whose claims do not wait for them any more
    struct breaker breaker;
    bool outage; // why the breaker is not closed: nobody answers, so other topics will fare no better
    struct limiter limiter;
    struct metric *throttled;
    struct metric *resting;
    int64_t put_off_until; // when the last event that was too much is to come again
};

struct publisher {
    struct sink_listener listener;
    const struct settings *settings;
    uint64_t generation; // of the settings that limiter and breakers have
    struct aws_config *config;
    struct http_client *http;
    struct credentials *credentials;
    struct sigv4_signer *signer;
    struct aws_skew skew;
    struct sns_answer_parser *parser;
    struct message message;
    struct event *timer; // for delayed batches and limited topics
    struct event *probe_timer;
    struct sns_topic *topics;
    struct sns_topic *active;
    struct breaker breaker; // of everything: credentials
    struct limiter limiter; // of everything: OUTBOX_RATE_LIMIT
    struct retry_quota quota;
    struct batch *spare;
    struct batch *made_last; // of all batches, wherever they are now
    size_t bytes;            // of all that is held or under way
    int events;
    int64_t in_flight;
    bool was_full;    // too many bytes
    bool was_cramped; // room() was 0
    bool one_topic;   // as room() was told last
};

// In publisher.c:

// publisher_renew gives limiter and breakers what a reload has changed.
void publisher_renew(struct publisher *publisher);

// publisher_batch returns an empty batch for a topic; publisher_recycle takes it back.
struct batch *publisher_batch(struct publisher *publisher, struct sns_topic *topic);
void publisher_recycle(struct publisher *publisher, struct batch *batch);

// publisher_settle settles one entry; its group, if any, goes on when it was sent, and lets go of what it
// holds if not.
void publisher_settle(struct sns_topic *topic, const struct batch_entry *entry,
                      const struct outcome *outcome);

// publisher_settle_batch settles all entries of a batch that is in no list, and recycles it.
void publisher_settle_batch(struct publisher *publisher, struct batch *batch, const struct outcome *outcome);

// publisher_settle_waiting settles whatever of a topic is not under way: with `outcome`, but lets go what is
// held in order.
void publisher_settle_waiting(struct sns_topic *topic, const struct outcome *outcome);

// In room.c:

enum {
    BYTES_FULL = 16 << 20, // of forms and held events: above this no more events are taken
    PROBE_EVENTS = SNS_BATCH_MAX,
};

// room_has_too_many: the topic is slow, and has as many events as it can send for now; room_put_off is what
// becomes of a further one. room_shed gives back the events of a topic that has just become slow, but for a
// few. room_keeps_for_long: a batch waits for the topic's pace for so long that its claims keep out other
// topics; room_put_off_batch gives back the events of one that is in no list, and recycles it.
bool room_has_too_many(struct sns_topic *topic);
struct outcome room_put_off(struct sns_topic *topic);
bool room_keeps_for_long(struct sns_topic *topic, const struct batch *batch, int64_t now);
void room_put_off_batch(struct batch *batch);
void room_shed(struct sns_topic *topic);

// room_for and room_resting_us are `room` and `resting_us` of the sink; room_check tells the listener when
// there is room again.
int room_for(void *self, bool one_topic);
int64_t room_resting_us(void *self);
void room_check(struct publisher *publisher);

// In probe.c:

void probe_init(struct publisher *publisher, struct event_base *base);

// probe_expect has the listener asked for an event to probe with, when a breaker that has opened is half open
// and none has come.
void probe_expect(struct publisher *publisher);

// In send.c:

// send_activate notes that a topic may have something to send; send_waiting sends what may be sent now.
void send_activate(struct sns_topic *topic);
void send_waiting(struct publisher *publisher);

// In judge.c:

// judge_answer settles the batch's events by the answer, or puts it back to be sent again.
void judge_answer(struct publisher *publisher, struct batch *batch, const struct http_answer *http);

// judge_give_up treats a batch that was to be sent again, but has no time left for it.
void judge_give_up(struct publisher *publisher, struct batch *batch);

// judge_credentials treats a batch that cannot be signed, or whose signature is refused: everything rests.
void judge_credentials(struct publisher *publisher, struct batch *batch, const char *reason);

// judge_send_again puts a batch first in line.
void judge_send_again(struct batch *batch);

// In figures.c:

// figures_topic makes the topic's series. figures_breakers notes which topics rest: whenever a breaker has
// opened or closed, and before anybody looks, as rest also ends with time. The others count what their names
// say: a request before it is sent, its answer, of whatever kind, a request that was refused as a whole or
// not answered, and an entry that was not accepted.
void figures_topic(struct sns_topic *topic);
void figures_breakers(const struct publisher *publisher);
void figures_request(const struct publisher *publisher, const struct batch *batch);
void figures_answer(const struct publisher *publisher, const struct batch *batch);
void figures_refusal(const struct http_answer *http, const char *code);
void figures_entry(const struct sns_entry *entry);

// In identity.c:

// identity_init begins to fetch credentials. Fails (ERROR_CREDENTIALS, ERROR_USAGE) when there are none, and
// none can come.
bool identity_init(struct publisher *publisher, struct event_base *base, struct error *error);

// identity_accepted notes that SNS has taken what a batch was signed with.
void identity_accepted(struct publisher *publisher, const struct batch *batch);

// identity_refused treats a batch that SNS has refused for who we are.
void identity_refused(struct publisher *publisher, struct batch *batch, const char *code, const char *reason);

// In health.c:

void publisher_health(void *self, struct health *health); // `health` of the sink
