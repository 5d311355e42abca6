// SPDX-License-Identifier: Apache-2.0
#include "consumer/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>

enum {
    SIGNATURE_MAX = SIGNING_KEY_BITS_MAX / 8,
    ENCODED_MAX = (SIGNATURE_MAX + 2) / 3 * 4,
    TEXT_LIMIT = 16 << 20, // SQS allows a message 1 MiB
};

static bool is_version(const struct signed_message *message, char version) {
    return message->version.length == 1 && message->version.data[0] == version;
}

static bool check_present(const struct signed_message *message, struct error *error) {
    const struct {
        const char *name;
        const struct slice *value;
    } parts[] = {
        {"Type", &message->type},           {"MessageId", &message->message_id},
        {"TopicArn", &message->topic_arn},  {"Message", &message->message},
        {"Timestamp", &message->timestamp}, {"SignatureVersion", &message->version},
        {"Signature", &message->signature}, {"SigningCertURL", &message->certificate_url},
    };
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++) {
        if (parts[index].value->data == NULL) {
            return error_set(error, ERROR_USAGE, "%s is missing, which a signature needs", parts[index].name);
        }
    }
    return true;
}

// The lines that are signed can only be read in one way when no line break is in them but in the message's,
// which comes first.
static bool check_lines(const struct signed_message *message, struct error *error) {
    const struct slice parts[] = {message->type, message->message_id, message->topic_arn, message->subject,
                                  message->timestamp};
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++) {
        if (parts[index].length > 0 && memchr(parts[index].data, '\n', parts[index].length) != NULL) {
            return error_set(error, ERROR_USAGE,
                             "a member of the envelope has a line break, which SNS allows in Message only");
        }
    }
    return true;
}

bool signature_prepare(const struct signed_message *message, struct error *error) {
    if (!check_present(message, error) || !check_lines(message, error)) {
        return false;
    }
    if (!is_version(message, '1') && !is_version(message, '2')) {
        return error_set(error, ERROR_USAGE, "SignatureVersion must be 1 or 2");
    }
    return signing_url_valid(message->certificate_url) ||
           error_set(error, ERROR_USAGE,
                     "SigningCertURL must be https://sns.REGION.amazonaws.com/NAME.pem: whoever signed this, "
                     "it was not SNS");
}

static void append(struct buffer *ret, const char *name, struct slice value) {
    buffer_append_text(ret, name);
    buffer_append_char(ret, '\n');
    buffer_append(ret, value.data, value.length);
    buffer_append_char(ret, '\n');
}

void signature_text(const struct signed_message *message, struct buffer *ret) {
    append(ret, "Message", message->message);
    append(ret, "MessageId", message->message_id);
    if (message->subject.data != NULL) {
        append(ret, "Subject", message->subject);
    }
    append(ret, "Timestamp", message->timestamp);
    append(ret, "TopicArn", message->topic_arn);
    append(ret, "Type", message->type);
}

// EVP_DecodeBlock skips white space around, and counts what padding stands for.
static size_t decode(struct slice base64, unsigned char ret[SIGNATURE_MAX + 2]) {
    if (base64.length == 0 || base64.length > ENCODED_MAX || base64.length % 4 != 0) {
        return 0;
    }
    int length = EVP_DecodeBlock(ret, (const unsigned char *)base64.data, (int)base64.length);
    if (length != (int)(base64.length / 4 * 3)) {
        return 0;
    }
    size_t padding =
        (size_t)(base64.data[base64.length - 1] == '=') + (size_t)(base64.data[base64.length - 2] == '=');
    return (size_t)length - padding;
}

bool signature_key_usable(const EVP_PKEY *key) {
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= SIGNING_KEY_BITS_MIN &&
           EVP_PKEY_get_bits(key) <= SIGNING_KEY_BITS_MAX;
}

static bool verify_text(EVP_MD_CTX *context, const struct signed_message *message, struct slice signature,
                        EVP_PKEY *key, struct error *error) {
    bool old = is_version(message, '1');
    struct buffer text;
    if (EVP_DigestVerifyInit(context, NULL, old ? EVP_sha1() : EVP_sha256(), NULL, key) != 1) {
        return error_set(error, ERROR_USAGE, "the signature cannot be checked%s",
                         old ? ", as this system refuses SHA-1: set the topic's SignatureVersion to 2" : "");
    }
    buffer_init(&text, TEXT_LIMIT);
    signature_text(message, &text);
    bool good =
        !text.overflow && EVP_DigestVerify(context, (const unsigned char *)signature.data, signature.length,
                                           (const unsigned char *)text.data, text.length) == 1;
    buffer_free(&text);
    return good ||
           error_set(error, ERROR_USAGE, "the signature is wrong: SNS has not sent the message like this");
}

bool signature_verify(const struct signed_message *message, EVP_PKEY *key, struct error *error) {
    unsigned char bytes[ENCODED_MAX / 4 * 3];
    size_t length = decode(message->signature, bytes);
    if (length == 0) {
        return error_set(error, ERROR_USAGE, "Signature must be base64 of at most %d bytes", SIGNATURE_MAX);
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    struct slice signature = {(const char *)bytes, length};
    bool good = context != NULL && verify_text(context, message, signature, key, error);
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}
