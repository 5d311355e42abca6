// SPDX-License-Identifier: Apache-2.0
#include "consumer/envelope.h"

#include "consumer/attributes.h"
#include "consumer/content.h"
#include "consumer/texts.h"

enum {
    TYPE,
    MESSAGE_ID,
    TOPIC_ARN,
    SUBJECT,
    MESSAGE,
    TIMESTAMP,
    SIGNATURE_VERSION,
    SIGNATURE,
    SIGNING_CERT_URL,
    MESSAGE_ATTRIBUTES,
    MEMBER_COUNT,
    JSON_LIMIT = 16 << 20, // SQS allows a message 1 MiB
};

static const char *const names[MEMBER_COUNT] = {
    [TYPE] = "Type",
    [MESSAGE_ID] = "MessageId",
    [TOPIC_ARN] = "TopicArn",
    [SUBJECT] = "Subject",
    [MESSAGE] = "Message",
    [TIMESTAMP] = "Timestamp",
    [SIGNATURE_VERSION] = "SignatureVersion",
    [SIGNATURE] = "Signature",
    [SIGNING_CERT_URL] = "SigningCertURL",
    [MESSAGE_ATTRIBUTES] = "MessageAttributes",
};

static bool has(const struct member *members, int index) {
    return members[index].raw.data != NULL;
}

static bool is_type(const struct member *members, const char *quoted) {
    return slice_equals(members[TYPE].raw, quoted);
}

// Also one of SNS's messages about the subscription itself.
static bool is_wrapped(const struct member *members) {
    return has(members, TOPIC_ARN) && has(members, MESSAGE) &&
           (is_type(members, "\"Notification\"") || is_type(members, "\"SubscriptionConfirmation\"") ||
            is_type(members, "\"UnsubscribeConfirmation\""));
}

static bool check_type(const struct member *members, struct error *error) {
    if (is_type(members, "\"SubscriptionConfirmation\"")) {
        return error_set(error, ERROR_USAGE,
                         "it is SNS's SubscriptionConfirmation, not an event: the queue's subscription waits "
                         "for somebody to visit its SubscribeURL");
    }
    return is_type(members, "\"Notification\"") ||
           error_set(error, ERROR_USAGE,
                     "it is SNS's UnsubscribeConfirmation, not an event: a subscription of the queue was "
                     "deleted");
}

static bool read_seal(struct envelope *envelope, const struct member *members, struct error *error) {
    struct signed_message *sealed = &envelope->sealed;
    struct {
        int member;
        struct slice *text;
    } const parts[] = {
        {TYPE, &sealed->type},
        {MESSAGE_ID, &sealed->message_id},
        {TOPIC_ARN, &sealed->topic_arn},
        {SUBJECT, &sealed->subject},
        {MESSAGE, &sealed->message},
        {TIMESTAMP, &sealed->timestamp},
        {SIGNATURE_VERSION, &sealed->version},
        {SIGNATURE, &sealed->signature},
        {SIGNING_CERT_URL, &sealed->certificate_url},
    };
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++) {
        if (!texts_read(&envelope->texts, &members[parts[index].member], parts[index].text, error)) {
            return false;
        }
    }
    return sealed->message.data != NULL || error_set(error, ERROR_USAGE, "Message must be a text");
}

// An envelope of a FIFO topic has nothing of a signature; if it has, that must hold.
static bool is_sealed(const struct signed_message *sealed) {
    static const char ending[] = ".fifo";
    size_t length = sizeof ending - 1;
    bool fifo = sealed->topic_arn.length > length &&
                memcmp(sealed->topic_arn.data + sealed->topic_arn.length - length, ending, length) == 0;
    return !fifo || sealed->version.data != NULL || sealed->signature.data != NULL ||
           sealed->certificate_url.data != NULL;
}

// Only FIFO topics deliver to FIFO queues, so that there nobody gains anything by saying that it was one.
static bool check_seal(const struct signed_message *sealed, bool fifo, struct error *error) {
    return fifo || is_sealed(sealed) ||
           error_set(
               error, ERROR_USAGE,
               "it has no signature and names a FIFO topic: SNS signs nothing from FIFO topics, so what "
               "one delivers to a standard queue cannot be verified; subscribe a FIFO queue, or switch "
               "--verify-signatures off");
}

static bool open_wrapped(struct envelope *envelope, const struct member *members, bool verify, bool fifo,
                         struct error *error) {
    struct attributes attributes;
    if (!check_type(members, error) || !read_seal(envelope, members, error) ||
        (verify && !check_seal(&envelope->sealed, fifo, error)) ||
        !attributes_of_envelope(&attributes, &members[MESSAGE_ATTRIBUTES], &envelope->texts, error)) {
        return false;
    }
    envelope->needs_check = verify && is_sealed(&envelope->sealed);
    return content_read(&envelope->event, envelope->sealed.message, &attributes, !envelope->needs_check,
                        &envelope->texts, &envelope->json, error);
}

static bool open_raw(struct envelope *envelope, const struct incoming *incoming,
                     const struct attributes *attributes, bool verify, struct error *error) {
    if (verify) {
        return error_set(error, ERROR_USAGE,
                         "it was delivered raw, which carries no signature: switch raw message delivery off "
                         "for the subscription, or --verify-signatures");
    }
    struct slice message = texts_copy(&envelope->texts, incoming->body);
    return content_read(&envelope->event, message, attributes, true, &envelope->texts, &envelope->json,
                        error);
}

// Room for every text once in the envelope and once in the message in it, as it is not longer; and for the
// attributes of a raw one.
static size_t texts_needed(const struct incoming *incoming) {
    return 2 * incoming->body.length + ATTRIBUTE_COUNT * EVENT_TEXT_MAX;
}

bool envelope_open(struct envelope *envelope, const struct incoming *incoming, bool verify,
                   struct error *error) {
    struct member members[MEMBER_COUNT] = {0};
    struct attributes attributes;
    const char *fault = NULL;
    *envelope = (struct envelope){0};
    buffer_init(&envelope->json, JSON_LIMIT);
    texts_init(&envelope->texts, texts_needed(incoming));
    attributes_of_message(&attributes, incoming, &envelope->texts);
    for (int index = 0; index < MEMBER_COUNT; index++) {
        members[index].name = names[index];
    }
    if (members_read(incoming->body, members, MEMBER_COUNT, &fault) == JSON_INVALID) {
        return error_set(error, ERROR_USAGE, "the body %s", fault);
    }
    // SNS gives the SQS message no attributes when it wraps.
    return !attributes_identify(&attributes) && is_wrapped(members)
               ? open_wrapped(envelope, members, verify, incoming->fifo, error)
               : open_raw(envelope, incoming, &attributes, verify, error);
}

void envelope_free(struct envelope *envelope) {
    buffer_free(&envelope->texts);
    buffer_free(&envelope->json);
}
