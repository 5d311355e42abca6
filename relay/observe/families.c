// SPDX-License-Identifier: Apache-2.0
// The table of metric families; see families.h.
#include "observe/families.h"

#include <stddef.h>

// From half a millisecond, faster than any request, to the five minutes after which somebody should have
// looked.
static const int64_t durations[] = {500,     1000,     2500,     5000,     10000,     25000,
                                    50000,   100000,   250000,   500000,   1000000,   2500000,
                                    5000000, 10000000, 30000000, 60000000, 300000000, 0};
// Of what waits for something: up to two hours.
static const int64_t delays[] = {1000,     2500,      5000,       10000,      25000,   50000,    100000,
                                 250000,   500000,    1000000,    2500000,    5000000, 10000000, 30000000,
                                 60000000, 300000000, 1800000000, 7200000000, 0};
static const int64_t entries[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0};

#define COUNTER .kind = METRIC_COUNTER
#define GAUGE .kind = METRIC_GAUGE
#define HISTOGRAM(of) .kind = METRIC_HISTOGRAM, .bounds = (of)
#define SECONDS .unit = METRIC_MICROSECONDS
#define OF_RUN .owners = METRIC_OF_RUN
#define OF_CONSUME .owners = METRIC_OF_CONSUME
#define OF_BOTH .owners = METRIC_OF_BOTH
#define ABSENT_AT_FIRST .absent_at_first = true

// clang-format off
const struct metric_family metric_families[METRIC_NAMES] = {
    [METRIC_PENDING_EVENTS] = {.name = "outbox_relay_pending_events", GAUGE, OF_RUN, .labels = {"topic"},
        .help = "Events that are to be published now; an estimate where there are many."},
    [METRIC_OLDEST_PENDING_AGE] = {.name = "outbox_relay_oldest_pending_age_seconds", GAUGE, SECONDS, OF_RUN, .labels = {"topic"},
        .help = "Age of the oldest event that is to be published now; 0 when there is none."},
    [METRIC_WAITING_EVENTS] = {.name = "outbox_relay_waiting_events", GAUGE, OF_RUN, ABSENT_AT_FIRST,
        .help = "Events that wait for their topic, their route or an earlier event, or to be retried."},
    [METRIC_PARKED_EVENTS] = {.name = "outbox_relay_parked_events", GAUGE, OF_RUN, ABSENT_AT_FIRST,
        .help = "Events that a person must decide about."},
    [METRIC_SCHEDULED_EVENTS] = {.name = "outbox_relay_scheduled_events", GAUGE, OF_RUN, ABSENT_AT_FIRST,
        .help = "Events that their writers have set for later."},
    [METRIC_FLOOR_LAG_EVENTS] = {.name = "outbox_relay_floor_lag_events", GAUGE, OF_RUN,
        .help = "Ids between the newest event and the floor, below which everything is settled."},
    [METRIC_BACKLOG_READ_TIMESTAMP] = {.name = "outbox_relay_backlog_read_timestamp_seconds", GAUGE, SECONDS, OF_RUN, ABSENT_AT_FIRST,
        .help = "When the figures of the backlog were last read from the database."},
    [METRIC_BLOCKER_AGE] = {.name = "outbox_relay_blocker_age_seconds", GAUGE, SECONDS, OF_RUN, .labels = {"kind"},
        .help = "Age of the oldest of what holds back the outbox or vacuum; 0 when there is none."},

    [METRIC_PUBLISHED] = {.name = "outbox_relay_published_total", COUNTER, OF_RUN, .labels = {"topic"},
        .help = "Events accepted by SNS, or (topic is stdout or handlers) by another sink."},
    [METRIC_RETRIED] = {.name = "outbox_relay_retried_total", COUNTER, OF_RUN, .labels = {"topic"},
        .help = "Events put off to be tried again: after a failure, or as their topic takes no more for now."},
    [METRIC_PARKED] = {.name = "outbox_relay_parked_total", COUNTER, OF_RUN, .labels = {"topic"},
        .help = "Events parked by this relay."},
    [METRIC_DUPLICATES_AVOIDED] = {.name = "outbox_relay_duplicates_avoided_total", COUNTER, OF_RUN,
        .help = "Events marked from memory, as their transaction was lost or over, instead of being published again."},
    [METRIC_RESCUED] = {.name = "outbox_relay_rescued_total", COUNTER, OF_RUN,
        .help = "Events found only by the sweep; always 0, or there is a defect."},
    [METRIC_IN_FLIGHT_EVENTS] = {.name = "outbox_relay_in_flight_events", GAUGE, OF_RUN,
        .help = "Events claimed and not settled yet."},
    [METRIC_IN_FLIGHT_REQUESTS] = {.name = "outbox_relay_in_flight_requests", GAUGE, OF_RUN,
        .help = "SNS requests under way."},
    [METRIC_BATCH_EVENTS] = {.name = "outbox_relay_batch_events", HISTOGRAM(entries), OF_RUN,
        .help = "Events of an SNS request."},
    [METRIC_PUBLISH_DURATION] = {.name = "outbox_relay_publish_duration_seconds", HISTOGRAM(durations), SECONDS, OF_RUN,
        .help = "From the start of an SNS request to its answer."},
    [METRIC_DELIVERY_DELAY] = {.name = "outbox_relay_delivery_delay_seconds", HISTOGRAM(delays), SECONDS, OF_RUN,
        .help = "From an event's occurred_at, or the due_at that its writer has set, to the acknowledgement of the sink."},
    [METRIC_SNS_ERRORS] = {.name = "outbox_relay_sns_errors_total", COUNTER, OF_RUN, .labels = {"code"},
        .help = "Failures of SNS requests and of single entries: SNS's code where it is known, else http_503, unreached, no_answer, unsaid, other."},
    [METRIC_THROTTLED] = {.name = "outbox_relay_throttled_total", COUNTER, OF_RUN, .labels = {"topic"},
        .help = "Requests and single entries that SNS has refused as too many."},
    [METRIC_TOPIC_RESTING] = {.name = "outbox_relay_topic_resting", GAUGE, OF_RUN, .labels = {"topic"},
        .help = "1 from when requests to the topic fail, or credentials do, until one succeeds or there has been none to send for a minute; else 0."},
    [METRIC_LEADER] = {.name = "outbox_relay_leader", GAUGE, OF_RUN,
        .help = "1 for the relay that holds the waker lock, so that writers wake it; else 0."},
    [METRIC_PRUNED] = {.name = "outbox_relay_pruned_total", COUNTER, OF_BOTH,
        .help = "Sent events, or the consumer's memory of processed ones, deleted after the retention time."},

    [METRIC_RECEIVED] = {.name = "outbox_relay_received_messages_total", COUNTER, OF_CONSUME,
        .help = "Messages received from the queue."},
    [METRIC_DELETED] = {.name = "outbox_relay_deleted_messages_total", COUNTER, OF_CONSUME,
        .help = "Messages deleted because they were handled, or no handler is for them."},
    [METRIC_RETURNED] = {.name = "outbox_relay_returned_messages_total", COUNTER, OF_CONSUME,
        .help = "Messages left to come again, because they failed or the consumer stopped."},
    [METRIC_REFUSED] = {.name = "outbox_relay_refused_messages_total", COUNTER, OF_CONSUME, .labels = {"reason"},
        .help = "Messages that cannot be handled: reason is malformed or signature."},
    [METRIC_HELD_MESSAGES] = {.name = "outbox_relay_held_messages", GAUGE, OF_CONSUME,
        .help = "Messages in hand: received, and not yet deleted or given back."},
    [METRIC_RECEIVE_DURATION] = {.name = "outbox_relay_receive_duration_seconds", HISTOGRAM(durations), SECONDS, OF_CONSUME,
        .help = "From the start of a receive request to its answer, of those that brought messages."},
    [METRIC_MESSAGE_AGE] = {.name = "outbox_relay_message_age_seconds", HISTOGRAM(delays), SECONDS, OF_CONSUME,
        .help = "From SQS's SentTimestamp to the deletion of a message."},
    [METRIC_SQS_ERRORS] = {.name = "outbox_relay_sqs_errors_total", COUNTER, OF_CONSUME, .labels = {"action", "code"},
        .help = "Failures of SQS requests, after their retries, and of single entries; codes as of SNS."},

    [METRIC_HANDLED] = {.name = "outbox_relay_handled_total", COUNTER, OF_BOTH, .labels = {"handler", "outcome"},
        .help = "Calls of handlers; outcome is done, duplicate, failed, unreachable or put_off."},
    [METRIC_HANDLER_DURATION] = {.name = "outbox_relay_handler_duration_seconds", HISTOGRAM(durations), SECONDS, OF_BOTH,
        .labels = {"handler"}, .help = "From handing an event to a handler to its end, with the transaction that handlers in SQL share."},

    [METRIC_DATABASE_DURATION] = {.name = "outbox_relay_database_duration_seconds", HISTOGRAM(durations), SECONDS, OF_BOTH,
        .labels = {"statement"}, .help = "From sending a statement to the end of its answer; claim: while many bytes of its rows wait for the sink, the others do, too."},
    [METRIC_DATABASE_CONNECTIONS] = {.name = "outbox_relay_database_connections", GAUGE, OF_BOTH,
        .help = "Connections to PostgreSQL that are open."},
    [METRIC_DATABASE_RECONNECTS] = {.name = "outbox_relay_database_reconnects_total", COUNTER, OF_BOTH,
        .help = "Connections to PostgreSQL that were lost, each to be made anew."},
    [METRIC_CREDENTIALS_EXPIRY] = {.name = "outbox_relay_credentials_expiry_timestamp_seconds", GAUGE, SECONDS, OF_BOTH, ABSENT_AT_FIRST,
        .help = "When the AWS credentials in use expire; absent when they do not."},
    [METRIC_READY] = {.name = "outbox_relay_ready", GAUGE, OF_BOTH,
        .help = "1 when /readyz says so; else 0."},
    [METRIC_BUILD_INFO] = {.name = "outbox_relay_build_info", GAUGE, OF_BOTH, .labels = {"version"},
        .help = "Always 1."},
};
// clang-format on
