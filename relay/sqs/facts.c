// SPDX-License-Identifier: Apache-2.0
#include "sqs/facts.h"

#include "base/log.h"
#include "base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

enum { SECOND_US = 1000000 };

static const char action[] = "GetQueueAttributes";

struct facts {
    struct queue *queue;
    struct facts_listener listener;
    struct event *timer; // until it is asked again
    struct trouble trouble;
    bool asking;
    bool settled;
};

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    facts_ask(context);
}

struct facts *facts_new(struct event_base *base, struct queue *queue, const struct facts_listener *listener) {
    struct facts *facts = memory_allocate(1, sizeof *facts);
    facts->queue = queue;
    facts->listener = *listener;
    facts->timer = evtimer_new(base, on_timer, facts);
    return facts;
}

void facts_free(struct facts *facts) {
    if (facts != NULL) {
        event_free(facts->timer);
        free(facts);
    }
}

const struct trouble *facts_trouble(const struct facts *facts) {
    return &facts->trouble;
}

static const char *text_of(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text != NULL ? text : "";
}

// Without one a message that nobody can handle comes again until SQS forgets it, after days.
static void warn_of_poison(const struct facts *facts, const cJSON *attributes) {
    if (text_of(attributes, "RedrivePolicy")[0] == '\0') {
        log_warn(
            "the queue has no dead-letter queue: what cannot be handled comes again and again, until its "
            "retention is over; set a RedrivePolicy",
            LOG_TEXT("queue", queue_url_of(facts->queue)->text));
    }
}

static void ask_later(struct facts *facts, enum aws_failure failure, const char *reason) {
    int64_t wait = trouble_fail(&facts->trouble, action, failure, reason);
    const struct timeval time = {.tv_sec = wait / SECOND_US, .tv_usec = wait % SECOND_US};
    evtimer_add(facts->timer, &time);
}

// SQS tells what it is asked for, so an answer without the ARN is not one about the queue.
static void take_attributes(struct facts *facts, const cJSON *attributes) {
    static const char no_arn[] =
        "the answer has no QueueArn, which was asked for; see whether AWS_ENDPOINT_URL is that of SQS";
    const char *arn = text_of(attributes, "QueueArn");
    if (arn[0] == '\0') {
        queue_count_failure(action, 0, "");
        ask_later(facts, AWS_FAILURE_TRANSIENT, no_arn);
        return;
    }
    facts->settled = true;
    trouble_end(&facts->trouble, action);
    warn_of_poison(facts, attributes);
    facts->listener.known(facts->listener.context, arn);
}

static void on_answer(void *context, const struct queue_answer *answer) {
    struct facts *facts = context;
    facts->asking = false;
    if (answer->good) {
        take_attributes(facts, cJSON_GetObjectItemCaseSensitive(answer->json, "Attributes"));
    } else if (trouble_is_final(answer->failure)) {
        struct error error;
        facts->settled = true;
        trouble_explain(queue_url_of(facts->queue), action, answer, &error);
        facts->listener.broken(facts->listener.context, &error);
    } else {
        ask_later(facts, answer->failure, answer->reason);
    }
}

void facts_ask(struct facts *facts) {
    static const char *const names[] = {"QueueArn", "RedrivePolicy"};
    if (facts->asking || facts->settled) {
        return;
    }
    event_del(facts->timer);
    facts->asking = true;
    cJSON *input = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(input, "AttributeNames");
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        cJSON_AddItemToArray(list, cJSON_CreateString(names[index]));
    }
    const struct queue_question question = {
        .action = action, .input = input, .done = on_answer, .context = facts};
    queue_ask(facts->queue, &question);
}
