// SPDX-License-Identifier: Apache-2.0
// What the metrics say of requests (observe/families.h).
#include "aws/failure.h"
#include "base/clock.h"
#include "sns/failure.h"
#include "sns/state.h"

static void note_resting(const struct sns_topic *topic, int64_t now) {
    bool rests = breaker_rests(&topic->breaker, now) || breaker_rests(&topic->publisher->breaker, now);
    metric_set(topic->resting, rests ? 1 : 0);
}

void figures_topic(struct sns_topic *topic) {
    topic->throttled = metric_series(METRIC_THROTTLED, topic->topic->arn, NULL);
    topic->resting = metric_series(METRIC_TOPIC_RESTING, topic->topic->arn, NULL);
    note_resting(topic, clock_monotonic_us());
}

void figures_breakers(const struct publisher *publisher) {
    int64_t now = clock_monotonic_us();
    for (const struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        note_resting(topic, now);
    }
}

void figures_request(const struct publisher *publisher, const struct batch *batch) {
    metric_record(METRIC_BATCH_EVENTS, batch->count);
    metric_gauge(METRIC_IN_FLIGHT_REQUESTS, publisher->in_flight);
}

void figures_answer(const struct publisher *publisher, const struct batch *batch) {
    metric_record(METRIC_PUBLISH_DURATION, clock_monotonic_us() - batch->sent_at);
    metric_gauge(METRIC_IN_FLIGHT_REQUESTS, publisher->in_flight);
}

static void count_error(const char *word) {
    metric_add(metric_series(METRIC_SNS_ERRORS, word, NULL), 1);
}

void figures_refusal(const struct http_answer *http, const char *code) {
    char word[AWS_CODE_WORD_SIZE];
    aws_failure_word(word, http->status, code, failure_is_known(code));
    count_error(http->unreached ? "unreached" : word);
}

void figures_entry(const struct sns_entry *entry) {
    char word[AWS_CODE_WORD_SIZE];
    aws_failure_word(word, 200, entry->code, failure_is_known(entry->code));
    count_error(entry->outcome == SNS_FAILED ? word : "unsaid");
}
