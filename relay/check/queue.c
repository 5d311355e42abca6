// SPDX-License-Identifier: Apache-2.0
// One queue that is subscribed to a topic: how the subscription delivers, whether the queue is there, and
// whether it can take what SNS delivers.
#include "aws/failure.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "check/policy.h"
#include "check/queue_arn.h"
#include "check/state.h"
#include "message/message.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { BODY_SIZE = 4096, FILTER_SHOWN = 300, RAW_ATTRIBUTES_MAX = 10 };

_Static_assert((int)MESSAGE_ATTRIBUTES_MAX <= (int)RAW_ATTRIBUTES_MAX,
               "raw delivery loses messages with more attributes");

struct queue {
    struct check *check;
    struct subject *subject;
    const struct target *target;
    struct queue_arn arn;
    char subscription[512];
    char url[512];
};

static const char *text_of(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text != NULL ? text : "";
}

// The statement that the queue's policy should have.
static void write_statement(const struct queue *queue, char *statement, size_t size) {
    snprintf(
        statement, size,
        "{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Action\":"
        "\"sqs:SendMessage\",\"Resource\":\"%s\",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":\"%s\"}}}",
        queue->arn.text, queue->target->arn);
}

// Where there is no policy yet a command can set one; else it would take away what is there.
static void remedy_policy(const struct queue *queue, struct finding *finding, bool has_policy) {
    char statement[2048];
    write_statement(queue, statement, sizeof statement);
    if (has_policy) {
        finding_remedy(finding, "add to the statements of the queue's policy:\n%s", statement);
        return;
    }
    cJSON *attributes = cJSON_CreateObject();
    char policy[2200];
    snprintf(policy, sizeof policy, "{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statement);
    cJSON_AddStringToObject(attributes, "Policy", policy);
    char *text = cJSON_PrintUnformatted(attributes);
    finding_remedy(finding, "aws sqs set-queue-attributes --region %s --queue-url %s --attributes '%s'",
                   queue->arn.region, finding_pasteable(queue->url, "QUEUE_URL"), text != NULL ? text : "");
    cJSON_free(text);
    cJSON_Delete(attributes);
}

static void judge_policy(const struct queue *queue, const cJSON *attributes) {
    const char *policy = text_of(attributes, "Policy");
    const struct policy_request request = {.topic_arn = queue->target->arn,
                                           .topic_account = queue->target->parts.account,
                                           .topic_region = queue->target->parts.region,
                                           .queue_arn = queue->arn.text};
    char reason[POLICY_REASON_SIZE];
    struct finding *finding;
    switch (policy_judge(policy, &request, reason)) {
    case POLICY_ALLOWS:
        finding_add(queue->subject, FINDING_OK, "queue.policy", "its policy lets the topic send");
        break;
    case POLICY_UNSURE:
        finding = finding_add(queue->subject, FINDING_WARNING, "queue.policy",
                              "its policy may let the topic send, or not: %s", reason);
        remedy_policy(queue, finding, true);
        break;
    case POLICY_VARIABLE:
        finding_add(queue->subject, FINDING_NOTE, "queue.policy",
                    "whether its policy lets the topic send cannot be judged: %s", reason);
        break;
    case POLICY_DENIES:
        finding = finding_add(queue->subject, FINDING_ERROR, "queue.policy",
                              "its policy keeps the topic from sending: %s", reason);
        finding_remedy(finding, "take that statement out, or except the topic from it");
        break;
    case POLICY_SILENT:
    case POLICY_UNREADABLE:
        finding = finding_add(queue->subject, FINDING_ERROR, "queue.policy",
                              "its policy does not let the topic send: %s", reason);
        remedy_policy(queue, finding, policy[0] != '\0');
        break;
    }
}

static void judge_kind(const struct queue *queue) {
    bool topic = queue->target->parts.is_fifo;
    if (topic && !queue->arn.is_fifo) {
        finding_remedy(
            finding_add(queue->subject, FINDING_WARNING, "queue.kind",
                        "is a standard queue behind a FIFO topic: it keeps no order, and delivers twice at "
                        "times"),
            "subscribe a FIFO queue where the order matters");
    } else if (!topic && queue->arn.is_fifo) {
        finding_remedy(finding_add(queue->subject, FINDING_ERROR, "queue.kind",
                                   "is a FIFO queue behind a standard topic: SNS cannot deliver to it"),
                       "subscribe a standard queue, or route the events to a FIFO topic");
    }
}

// The key that AWS manages lets nobody but the account use it, and its policy cannot be changed.
static void judge_key(const struct queue *queue, const cJSON *attributes) {
    const char *key = text_of(attributes, "KmsMasterKeyId");
    if (key[0] == '\0') {
        return;
    }
    bool managed = strstr(key, "alias/aws/sqs") != NULL;
    struct finding *finding =
        managed
            ? finding_add(queue->subject, FINDING_ERROR, "queue.key",
                          "is encrypted with %s, the key that AWS manages, which SNS may not use: it cannot "
                          "deliver",
                          key)
            : finding_add(queue->subject, FINDING_NOTE, "queue.key",
                          "is encrypted with the KMS key %s, whose policy must let SNS use it", key);
    finding_remedy(finding,
                   "%sadd to the key's policy:\n"
                   "{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Action\":"
                   "[\"kms:GenerateDataKey*\",\"kms:Decrypt\"],\"Resource\":\"*\"}",
                   managed ? "use SqsManagedSseEnabled=true instead, or a key of your own, and " : "");
}

static void judge_dead_letters(const struct queue *queue, const cJSON *attributes) {
    cJSON *policy = cJSON_Parse(text_of(attributes, "RedrivePolicy"));
    const char *target = text_of(policy, "deadLetterTargetArn");
    if (target[0] != '\0') {
        finding_add(queue->subject, FINDING_OK, "queue.dead_letters", "has the dead-letter queue %s", target);
    } else {
        finding_remedy(
            finding_add(queue->subject, FINDING_NOTE, "queue.dead_letters",
                        "has no dead-letter queue: a message that cannot be handled comes back until it is "
                        "too old"),
            "aws sqs set-queue-attributes --region %s --queue-url %s --attributes "
            "'{\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"arn:%s:sqs:%s:%s:%s\\\","
            "\\\"maxReceiveCount\\\":\\\"5\\\"}\"}'",
            queue->arn.region, finding_pasteable(queue->url, "QUEUE_URL"), queue->arn.partition,
            queue->arn.region, queue->arn.account, queue->arn.is_fifo ? "DEAD.fifo" : "DEAD");
    }
    cJSON_Delete(policy);
}

static void on_attributes(void *context, const struct aws_answer *answer) {
    const struct queue *queue = context;
    const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(answer->json, "Attributes");
    if (!ask_good(answer) || !cJSON_IsObject(attributes)) {
        ask_explain(queue->subject, answer, "sqs:GetQueueAttributes", queue->arn.text);
        return;
    }
    finding_add(queue->subject, FINDING_OK, "queue",
                "exists, %s; %.20s messages wait in it, %.20s are being handled",
                queue->arn.is_fifo ? "FIFO" : "standard", text_of(attributes, "ApproximateNumberOfMessages"),
                text_of(attributes, "ApproximateNumberOfMessagesNotVisible"));
    judge_kind(queue);
    judge_policy(queue, attributes);
    judge_key(queue, attributes);
    judge_dead_letters(queue, attributes);
}

static void ask_sqs(struct queue *queue, const char *target, const cJSON *input,
                    void (*done)(void *context, const struct aws_answer *answer)) {
    char *body = cJSON_PrintUnformatted(input);
    const struct inquiry inquiry = {.service = "sqs",
                                    .region = queue->arn.region,
                                    .target = target,
                                    .body = slice_of_text(body != NULL ? body : "{}"),
                                    .done = done,
                                    .context = queue};
    ask(queue->check, &inquiry);
    cJSON_free(body);
}

static void ask_attributes(struct queue *queue, const char *url) {
    cJSON *input = cJSON_CreateObject();
    cJSON_AddStringToObject(input, "QueueUrl", url);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(input, "AttributeNames"), cJSON_CreateString("All"));
    ask_sqs(queue, "AmazonSQS.GetQueueAttributes", input, on_attributes);
    cJSON_Delete(input);
}

// A queue of another account is told to be missing also where we just may not see it.
static void explain_missing(const struct queue *queue) {
    const char *ours = queue->check->account;
    if (ours[0] != '\0' && strcmp(ours, queue->arn.account) != 0) {
        finding_remedy(finding_add(queue->subject, FINDING_NOTE, "queue.foreign",
                                   "belongs to account %s and cannot be seen from account %s",
                                   queue->arn.account, ours),
                       "run outbox-relay check with credentials of account %s, or look at its policy there",
                       queue->arn.account);
        return;
    }
    finding_remedy(finding_add(queue->subject, FINDING_ERROR, "queue.missing",
                               "does not exist: what the topic sends to it is lost"),
                   "create it, or take the subscription away:\n"
                   "aws sqs create-queue --region %s --queue-name %s%s\n"
                   "aws sns unsubscribe --region %s --subscription-arn %s",
                   queue->arn.region, queue->arn.name,
                   queue->arn.is_fifo ? " --attributes FifoQueue=true" : "", queue->target->parts.region,
                   finding_pasteable(queue->subscription, "SUBSCRIPTION_ARN"));
}

static void on_url(void *context, const struct aws_answer *answer) {
    struct queue *queue = context;
    if (ask_good(answer)) {
        snprintf(queue->url, sizeof queue->url, "%s", text_of(answer->json, "QueueUrl"));
        ask_attributes(queue, text_of(answer->json, "QueueUrl"));
    } else if (aws_failure_of_code(answer->code) == AWS_FAILURE_MISSING) {
        explain_missing(queue);
    } else {
        ask_explain(queue->subject, answer, "sqs:GetQueueUrl", queue->arn.text);
    }
}

static void ask_url(struct queue *queue) {
    cJSON *input = cJSON_CreateObject();
    cJSON_AddStringToObject(input, "QueueName", queue->arn.name);
    cJSON_AddStringToObject(input, "QueueOwnerAWSAccountId", queue->arn.account);
    ask_sqs(queue, "AmazonSQS.GetQueueUrl", input, on_url);
    cJSON_Delete(input);
}

static void on_subscription(void *context, const struct aws_answer *answer) {
    struct queue *queue = context;
    const struct xml_element *result = ask_result(answer, "GetSubscriptionAttributesResult");
    if (result == NULL) {
        // IAM knows no narrower resource for this action.
        ask_explain(queue->subject, answer, "sns:GetSubscriptionAttributes", "*");
    } else {
        bool raw = strcmp(ask_attribute(result, "RawMessageDelivery"), "true") == 0;
        const char *filter = ask_attribute(result, "FilterPolicy");
        finding_add(queue->subject, FINDING_OK, "subscription", "gets each message %s",
                    raw ? "as it was published (raw delivery)" : "in SNS's envelope");
        if (filter[0] != '\0') {
            finding_remedy(
                finding_add(queue->subject, FINDING_NOTE, "subscription.filter",
                            "has a filter policy, so it gets only what that matches: %.*s", FILTER_SHOWN,
                            filter),
                "where events are missed, hold it against event-type and the other attributes that are "
                "sent");
        }
    }
    ask_url(queue);
}

void queue_check(struct check *check, struct subject *subject, const struct target *target,
                 const char *subscription_arn, const char *queue_arn) {
    struct queue *queue = check_keep(check, sizeof *queue);
    queue->check = check;
    queue->subject = subject;
    queue->target = target;
    if (!queue_arn_parse(&queue->arn, queue_arn)) {
        finding_add(subject, FINDING_ERROR, "queue.arn", "is no ARN of a queue");
        return;
    }
    snprintf(queue->subscription, sizeof queue->subscription, "%s", subscription_arn);
    const struct inquiry inquiry = {
        .service = "sns", .region = target->parts.region, .done = on_subscription, .context = queue};
    ask_form(check, &inquiry, "GetSubscriptionAttributes",
             (const char *const[]){"SubscriptionArn", queue->subscription, NULL});
}
