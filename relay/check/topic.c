// SPDX-License-Identifier: Apache-2.0
// One topic: its attributes, then the list of what is subscribed to it, page by page; each queue of it is
// looked at as soon as it is known.
#include "aws/failure.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "check/state.h"
#include "settings/value.h"

#include <stdio.h>

enum {
    QUEUES_MAX = 100,
    PAGES_MAX = 20, // of a hundred subscriptions each
    MESSAGE_BYTES_DEFAULT = 262144,
    TOKEN_SIZE = 2048,
};

struct topic_check {
    struct check *check;
    const struct target *target;
    struct subject *subject;
    struct subject *last; // the topic's, or that of its last queue so far
    int pages;
    int queues;
    int others; // that are confirmed
    int pending;
};

static void ask_sns(struct topic_check *topic, const char *action, const char *const *fields,
                    void (*done)(void *context, const struct aws_answer *answer)) {
    const struct inquiry inquiry = {
        .service = "sns", .region = topic->target->parts.region, .done = done, .context = topic};
    ask_form(topic->check, &inquiry, action, fields);
}

static int64_t number_or(const char *text, int64_t fallback) {
    int64_t number = 0;
    return value_parse_integer(text, &number) ? number : fallback;
}

static void judge_size(const struct topic_check *topic, const struct xml_element *result) {
    int64_t takes = number_or(ask_attribute(result, "MaximumMessageSize"), MESSAGE_BYTES_DEFAULT);
    int64_t ours = topic->check->settings->max_message_bytes;
    if (ours <= takes) {
        finding_add(topic->subject, FINDING_OK, "topic.size",
                    "takes messages of %lld bytes, at most %lld are sent", (long long)takes, (long long)ours);
        return;
    }
    finding_remedy(
        finding_add(topic->subject, FINDING_WARNING, "topic.size",
                    "takes messages of %lld bytes, but OUTBOX_MAX_MESSAGE_BYTES is %lld: events between "
                    "the two are refused and parked",
                    (long long)takes, (long long)ours),
        "set OUTBOX_MAX_MESSAGE_BYTES=%lld, or:\n"
        "aws sns set-topic-attributes --region %s --topic-arn %s --attribute-name MaximumMessageSize "
        "--attribute-value %lld",
        (long long)takes, topic->target->parts.region, topic->target->arn, (long long)ours);
}

static void judge_key(const struct topic_check *topic, const struct xml_element *result) {
    const char *key = ask_attribute(result, "KmsMasterKeyId");
    if (key[0] != '\0') {
        finding_remedy(
            finding_add(topic->subject, FINDING_NOTE, "topic.key",
                        "is encrypted with the KMS key %s: who publishes needs that key as well", key),
            "where publishing fails with KMSAccessDenied, add to the role's or user's policy:\n"
            "{\"Effect\":\"Allow\",\"Action\":[\"kms:GenerateDataKey*\",\"kms:Decrypt\"],\"Resource\":"
            "\"ARN of the key\"}");
    }
}

static void judge_kind(const struct topic_check *topic, const struct xml_element *result) {
    bool is_fifo = strcmp(ask_attribute(result, "FifoTopic"), "true") == 0;
    if (is_fifo == topic->target->parts.is_fifo) {
        finding_add(topic->subject, FINDING_OK, "topic", "exists, %s", is_fifo ? "FIFO" : "standard");
        return;
    }
    finding_remedy(finding_add(topic->subject, FINDING_ERROR, "topic.kind",
                               "is %s, but its name says otherwise",
                               is_fifo ? "a FIFO topic" : "a standard topic"),
                   "delete it and create it anew: only a FIFO topic has a name that ends in .fifo");
}

static void judge_owner(const struct topic_check *topic) {
    const char *owner = topic->target->parts.account;
    const char *ours = topic->check->account;
    if (ours[0] != '\0' && strcmp(owner, ours) != 0) {
        finding_remedy(
            finding_add(topic->subject, FINDING_NOTE, "topic.account",
                        "belongs to account %s, the credentials to %s: both sides must allow sns:Publish",
                        owner, ours),
            "the topic's policy needs a statement like:\n"
            "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"%s\"},\"Action\":\"sns:Publish\",\"Resource\":"
            "\"%s\"}",
            ours, topic->target->arn);
    }
}

static void note_unsubscribed(const struct topic_check *topic) {
    const struct aws_topic_arn *parts = &topic->target->parts;
    finding_remedy(finding_add(topic->subject, FINDING_WARNING, "topic.unsubscribed",
                               "has no subscription: what is published reaches nobody"),
                   "aws sns subscribe --region %s --topic-arn %s --protocol sqs --notification-endpoint "
                   "arn:%s:sqs:%s:%s:QUEUE",
                   parts->region, topic->target->arn, parts->partition, parts->region, parts->account);
}

static void note_pending(const struct topic_check *topic) {
    finding_remedy(finding_add(topic->subject, FINDING_WARNING, "topic.pending",
                               "subscriptions that are not confirmed, and so get nothing: %d",
                               topic->pending),
                   "open the address (SubscribeURL) that SNS has sent to the subscriber, or:\n"
                   "aws sns confirm-subscription --region %s --topic-arn %s --token TOKEN",
                   topic->target->parts.region, topic->target->arn);
}

static void judge_subscriptions(const struct topic_check *topic) {
    int confirmed = topic->queues + topic->others;
    if (confirmed > 0) {
        finding_add(topic->subject, FINDING_OK, "topic.subscriptions",
                    "subscriptions: %d confirmed, %d of them of queues", confirmed, topic->queues);
    } else {
        note_unsubscribed(topic);
    }
    if (topic->pending > 0) {
        note_pending(topic);
    }
    if (topic->others > 0) {
        finding_add(topic->subject, FINDING_NOTE, "topic.others",
                    "subscriptions of other protocols than sqs, which are not looked at: %d", topic->others);
    }
    if (topic->pages == PAGES_MAX) {
        finding_add(topic->subject, FINDING_NOTE, "topic.more",
                    "only the first %d pages of its subscriptions are looked at", PAGES_MAX);
    }
    if (topic->queues > QUEUES_MAX) {
        finding_add(topic->subject, FINDING_NOTE, "topic.queues", "only the first %d queues are looked at",
                    QUEUES_MAX);
    }
}

static void look_at_queue(struct topic_check *topic, const char *subscription, const char *queue) {
    char about[512];
    if (topic->queues++ < QUEUES_MAX) {
        snprintf(about, sizeof about, "Queue %.350s (topic %.100s)", queue, topic->target->parts.name);
        topic->last = findings_subject(topic->check->findings, topic->last, about);
        queue_check(topic->check, topic->last, topic->target, subscription, queue);
    }
}

static void look_at(struct topic_check *topic, const struct xml_element *member) {
    const char *subscription = xml_text(member, "SubscriptionArn");
    if (strcmp(subscription, "PendingConfirmation") == 0) {
        topic->pending++;
    } else if (strcmp(subscription, "Deleted") == 0) {
        return;
    } else if (strcmp(xml_text(member, "Protocol"), "sqs") == 0) {
        look_at_queue(topic, subscription, xml_text(member, "Endpoint"));
    } else {
        topic->others++;
    }
}

static void list_subscriptions(struct topic_check *topic, const char *token);

static void on_subscriptions(void *context, const struct aws_answer *answer) {
    struct topic_check *topic = context;
    const struct xml_element *result = ask_result(answer, "ListSubscriptionsByTopicResult");
    if (result == NULL) {
        ask_explain(topic->subject, answer, "sns:ListSubscriptionsByTopic", topic->target->arn);
        return;
    }
    const struct xml_element *member = xml_child(xml_child(result, "Subscriptions"), "member");
    for (; member != NULL; member = xml_next(member)) {
        look_at(topic, member);
    }
    const char *token = xml_text(result, "NextToken");
    if (token[0] != '\0' && ++topic->pages < PAGES_MAX) {
        list_subscriptions(topic, token);
    } else {
        judge_subscriptions(topic);
    }
}

static void list_subscriptions(struct topic_check *topic, const char *token) {
    const char *const fields[] = {"TopicArn", topic->target->arn, token[0] != '\0' ? "NextToken" : NULL,
                                  token, NULL};
    ask_sns(topic, "ListSubscriptionsByTopic", fields, on_subscriptions);
}

static void note_missing(const struct topic_check *topic) {
    const struct aws_topic_arn *parts = &topic->target->parts;
    finding_remedy(
        finding_add(topic->subject, FINDING_ERROR, "topic.missing", "does not exist: its events wait"),
        "check account, region and name in %s, or create it:\n"
        "aws sns create-topic --region %s --name %s%s",
        topic->target->because, parts->region, parts->name,
        parts->is_fifo ? " --attributes FifoTopic=true" : "");
}

static void on_attributes(void *context, const struct aws_answer *answer) {
    struct topic_check *topic = context;
    const struct xml_element *result = ask_result(answer, "GetTopicAttributesResult");
    bool missing = aws_failure_of_code(answer->code) == AWS_FAILURE_MISSING;
    if (result != NULL) {
        judge_kind(topic, result);
        judge_owner(topic);
        judge_size(topic, result);
        judge_key(topic, result);
    } else if (missing) {
        note_missing(topic);
    } else {
        ask_explain(topic->subject, answer, "sns:GetTopicAttributes", topic->target->arn);
    }
    if (result != NULL || aws_failure_of_code(answer->code) == AWS_FAILURE_DENIED) {
        list_subscriptions(topic, "");
    }
}

void topic_check(struct check *check, const struct target *target, struct subject *subject) {
    struct topic_check *topic = check_keep(check, sizeof *topic);
    *topic = (struct topic_check){.check = check, .target = target, .subject = subject, .last = subject};
    if (target->paused) {
        finding_remedy(finding_add(subject, FINDING_WARNING, "topic.paused",
                                   "is paused: nothing is published to it, its events wait"),
                       "outbox-relay resume %s", target->arn);
    }
    ask_sns(topic, "GetTopicAttributes", (const char *const[]){"TopicArn", target->arn, NULL}, on_attributes);
}
