// SPDX-License-Identifier: Apache-2.0
// SNS's signature: known answers, made by the openssl command from texts that were written by hand after the
// documentation; what is altered or missing; the addresses of certificates.
#include "consumer/signature.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

// openssl genrsa 2048; openssl dgst -sha1 -sign key.pem text | base64
static const char public_key[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAkWC4Z/78cRTrJNUyycZh\n"
                                 "cEzlEH/Iu6b4NSbC6q5wXt1by5eUOl2o9iLAs2JSZ2iO57VplxP8Zw7xKJGJ69+f\n"
                                 "NIF8R7wmsRsDTPpTmBSRx0S8sbacmtQ3w+9IXmpSgzCX+wLqsvdqHSqg0YmL1u7a\n"
                                 "PXZhZc4UkWqceJodrT9PG4mZhmndaqK2ATFbdH3EKtTLjFSvyietLPgViEmvXP4X\n"
                                 "SnLHJ2uxlJmk1jahTe7T8ZxoGy7cIofCwG8xyJeWixg5o03TLqvJmlq0a7Z9WSHF\n"
                                 "S0HppG4+IpT2+1YNmXNHb+2ynnDqUJq4KfSi4cr8oGqcR7LOwKWsqLahD3J7DkWL\n"
                                 "rQIDAQAB\n"
                                 "-----END PUBLIC KEY-----\n";
static const char plain_sha1[] =
    "H8Wegn5mGkTQreFO8dTo9sfNgMqLw0OOuZ/10+IaxFMzjBdnBV9eEg7MmApAw4+oDrVPmrTcqahc"
    "FReh1pp1PHrmuuntlaw342vYNtoh2AYp6IeXpssrp6eu/uB6up+mUr5KywoYTlR+HBg+y04CH25W"
    "v7dQmJiIOs35lNNo1wQGmY10YDekbbK4mbYti/s77xv0YM3nvlj3TzVdmH1lwYy92vrk8DnVdp0V"
    "eAJnmj9ku4sLdW9QBWMhjmuhXQZfH1+IJtOKXycLBP0zwLiaZNlXwaum8vRPy+kX2zhCwb2T1czW"
    "nc8nC9i4CdNtPRzQEfarDivq4My52FEbzcSyTA==";
static const char plain_sha256[] =
    "Vxza0Ueozk5fbOTSEjeKj7q5Lx2jwHyiXE++M8+6lp5p68nCeRJwaVr5tGcK2QfC/oEHJiwnHcdu"
    "x2tGC4Vp2M0gnBsLS/2QWD1CYPw9yBVLXjFSNMBjU0ooxnKhOHuKiq5wZwmcLSqbwLSrhe3WQc8d"
    "IbJ0MIYLB7vbWfeRFfRSrgxIX63M0UHM6nUdki7yHhbOpjEdzgcCO0ZR7U+FCzwKOFa14DMoP5GQ"
    "Z8UH+0Fp97F4/72ecoEcJ+Jqa3HD7WgRK+i05F0g2nqBaSz6KVnejzjsF+XV88gc2WzB7fEKaiD9"
    "f5pwLk2uWSWHWvtwE5atnO8QMkuEOx8RcBurrQ==";
static const char subject_sha1[] =
    "Nw0N14bIc5kDbSPeNa6H73Yg//HwgIfbVugDypM7lG2LQeHL09QXwRnBtpzsw0WKkRTr8lHMklp0"
    "RNimMP42eXfDF3BaGAiqJPU5Xsbaqa1U0xym2pDfoXU5I7N8O/UiorTE/ZT5iX1xidlEDaYuaBXN"
    "21C4WboynLuMYQtHzXdnkU1GGX/gifkiZWe6BR8OucWvWLjESAvRVskUN5B47mjQGLBrMbI5l2Z5"
    "BM7yscU6YhNoh17g8HvZtaJXsne955ZXqNJefUDJxjDtcM/ioNZMEcgc8o25kJwJQ9FsX3xqs6XP"
    "E4tzsQ9Uaz1RgMse05SpNLIWbvjT4EGIhqLFPA==";
static const char subject_sha256[] =
    "PPxw7x48jkjLwsD4tWavKJmeaYRRC5hIE6ubQ98gw1ntgc+yqfjDIZ8oGQT3k1Bg82ON1YzbK4F7"
    "q1w4Yu2cVRJgbK0vSBFZpnE4onoXPx5YJsUT5Bt/33O7j0UI4hym0OXdvu7/y3Wpd3QO6r++JCGg"
    "tHxduneZ/Gdxh19ldaCDgi/OJB7CV378gN0WO9YnFPi9qQf834f4aCd4Nw2OR1heSZAembHuRUMt"
    "i471g/tdY7nhNZ3KCpIjKAPgehmEGZ7bNeCFUZ1/pUP9DAwEmsZ0sZILuDsjPND5WRDa6GY5QyiI"
    "01PMIlEqfB3PXk5JwN7I84etHgYt56EOZyVaBw==";

#define MESSAGE "{\"eventId\":\"x\",\"text\":\"\xc3\xa4\\n\"}"
#define URL "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"

static EVP_PKEY *key;

static int set_up(void **state) {
    BIO *memory = BIO_new_mem_buf(public_key, -1);
    (void)state;
    key = PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL);
    BIO_free(memory);
    return key != NULL ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static struct signed_message message_with(const char *version, const char *signature, const char *subject) {
    return (struct signed_message){
        .type = slice_of_text("Notification"),
        .message_id = slice_of_text("0b6e4a2c-1f0a-5c0e-9f0b-1b2c3d4e5f60"),
        .topic_arn = slice_of_text("arn:aws:sns:eu-central-1:123456789012:orders"),
        .subject = subject != NULL ? slice_of_text(subject) : (struct slice){0},
        .message = slice_of_text(MESSAGE),
        .timestamp = slice_of_text("2026-01-31T12:34:56.789Z"),
        .version = slice_of_text(version),
        .signature = slice_of_text(signature),
        .certificate_url = slice_of_text(URL),
    };
}

static void accepts_what_was_signed(void **state) {
    const struct signed_message messages[] = {
        message_with("1", plain_sha1, NULL),
        message_with("2", plain_sha256, NULL),
        message_with("1", subject_sha1, "An order"),
        message_with("2", subject_sha256, "An order"),
    };
    (void)state;
    for (size_t index = 0; index < 4; index++) {
        struct error error = {0};
        assert_true(signature_prepare(&messages[index], &error));
        if (!signature_verify(&messages[index], key, &error)) {
            fail_msg("%zu: %s", index, error.text);
        }
    }
}

static void refuse(const struct signed_message *message, const char *reason) {
    struct error error = {0};
    assert_true(signature_prepare(message, &error));
    assert_false(signature_verify(message, key, &error));
    assert_string_equal(error.text, reason);
}

static const char wrong[] = "the signature is wrong: SNS has not sent the message like this";

static void refuses_the_other_version(void **state) {
    const struct signed_message one = message_with("1", plain_sha256, NULL);
    const struct signed_message two = message_with("2", plain_sha1, NULL);
    (void)state;
    refuse(&one, wrong);
    refuse(&two, wrong);
}

static void refuses_a_subject_that_was_not_signed(void **state) {
    const struct signed_message more = message_with("2", plain_sha256, "An order");
    const struct signed_message less = message_with("2", subject_sha256, NULL);
    const struct signed_message empty = message_with("2", plain_sha256, "");
    (void)state;
    refuse(&more, wrong);
    refuse(&less, wrong);
    refuse(&empty, wrong);
}

// Every member, each byte of it.
static void refuses_what_was_altered(void **state) {
    struct signed_message message = message_with("2", subject_sha256, "An order");
    struct slice *const parts[] = {&message.type,    &message.message_id, &message.topic_arn,
                                   &message.subject, &message.message,    &message.timestamp};
    (void)state;
    for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
        const struct slice right = *parts[part];
        char altered[256];
        memcpy(altered, right.data, right.length);
        parts[part]->data = altered;
        for (size_t index = 0; index < right.length; index++) {
            altered[index] ^= 1;
            refuse(&message, wrong);
            altered[index] ^= 1;
        }
        *parts[part] = (struct slice){right.data, right.length - 1};
        refuse(&message, wrong);
        *parts[part] = right;
    }
}

static void refuses_another_signature(void **state) {
    static const char no_base64[] = "Signature must be base64 of at most 1024 bytes";
    char altered[sizeof plain_sha256];
    char longest[1373] = {0};
    struct signed_message message = message_with("2", "", NULL);
    (void)state;
    memcpy(altered, plain_sha256, sizeof altered);
    message.signature = slice_of_text(altered);
    altered[10] = altered[10] == 'A' ? 'B' : 'A';
    refuse(&message, wrong);
    altered[10] = '*';
    refuse(&message, no_base64);
    memcpy(altered, plain_sha256, sizeof altered);
    message.signature.length -= 4;
    refuse(&message, wrong);
    message.signature.length -= 1;
    refuse(&message, no_base64);
    message.signature = slice_of_text("");
    refuse(&message, no_base64);
    message.signature = slice_of_text("    ");
    refuse(&message, no_base64);
    message.signature = slice_of_text("====");
    assert_false(signature_verify(&message, key, NULL));
    memset(longest, 'A', sizeof longest - 1);
    message.signature = slice_of_text(longest);
    refuse(&message, no_base64);
    message.signature.length -= 4;
    refuse(&message, wrong);
}

static void refuses_another_key(void **state) {
    const struct signed_message message = message_with("2", plain_sha256, NULL);
    EVP_PKEY *other = EVP_RSA_gen(2048);
    (void)state;
    assert_false(signature_verify(&message, other, NULL));
    EVP_PKEY_free(other);
}

static void needs_every_member(void **state) {
    static const struct signed_message whole;
    struct signed_message message = message_with("1", plain_sha1, NULL);
    const struct {
        struct slice *part;
        const char *name;
    } cases[] = {
        {&message.type, "Type"},           {&message.message_id, "MessageId"},
        {&message.topic_arn, "TopicArn"},  {&message.message, "Message"},
        {&message.timestamp, "Timestamp"}, {&message.version, "SignatureVersion"},
        {&message.signature, "Signature"}, {&message.certificate_url, "SigningCertURL"},
    };
    (void)state;
    assert_false(signature_prepare(&whole, NULL));
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct slice right = *cases[index].part;
        struct error error = {0};
        char expected[100];
        *cases[index].part = (struct slice){0};
        assert_false(signature_prepare(&message, &error));
        snprintf(expected, sizeof expected, "%s is missing, which a signature needs", cases[index].name);
        assert_string_equal(error.text, expected);
        *cases[index].part = right;
    }
    assert_true(signature_prepare(&message, NULL));
}

// What is signed is the same text, taken apart elsewhere.
static void refuses_texts_that_move_between_members(void **state) {
    static const char id[] = "0b6e4a2c-1f0a-5c0e-9f0b-1b2c3d4e5f60";
    struct signed_message message = message_with("2", subject_sha256, "An order");
    struct slice *const parts[] = {&message.type, &message.message_id, &message.topic_arn, &message.subject,
                                   &message.timestamp};
    struct error error = {0};
    char moved[100];
    (void)state;
    snprintf(moved, sizeof moved, "%s\nSubject\nAn order", id);
    message.message_id = slice_of_text(moved);
    message.subject = (struct slice){0};
    assert_true(signature_verify(&message, key, NULL)); // hence
    assert_false(signature_prepare(&message, &error));
    assert_string_equal(error.text,
                        "a member of the envelope has a line break, which SNS allows in Message only");
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++) {
        message = message_with("2", subject_sha256, "An order");
        *parts[index] = slice_of_text("a\nb");
        assert_false(signature_prepare(&message, NULL));
    }
    message = message_with("2", subject_sha256, "An order");
    message.message = slice_of_text("{\n}");
    assert_true(signature_prepare(&message, NULL));
}

static void knows_two_versions(void **state) {
    static const char *const versions[] = {"", "0", "3", "11", "1 ", "01", "one"};
    (void)state;
    for (size_t index = 0; index < sizeof versions / sizeof versions[0]; index++) {
        const struct signed_message message = message_with(versions[index], plain_sha1, NULL);
        struct error error = {0};
        assert_false(signature_prepare(&message, &error));
        assert_string_equal(error.text, "SignatureVersion must be 1 or 2");
    }
}

static void refuses_certificates_from_elsewhere(void **state) {
    struct signed_message message = message_with("1", plain_sha1, NULL);
    struct error error = {0};
    (void)state;
    message.certificate_url = slice_of_text("https://sns.eu-central-1.example.com/x.pem");
    assert_false(signature_prepare(&message, &error));
    assert_string_equal(error.text,
                        "SigningCertURL must be https://sns.REGION.amazonaws.com/NAME.pem: whoever "
                        "signed this, it was not SNS");
}

static void uses_rsa_keys_of_enough_bits(void **state) {
    static const struct {
        unsigned bits;
        bool usable;
    } cases[] = {{1024, false}, {2047, false}, {2048, true}};
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        EVP_PKEY *made = EVP_RSA_gen(cases[index].bits);
        assert_non_null(made);
        assert_int_equal(signature_key_usable(made), cases[index].usable);
        EVP_PKEY_free(made);
    }
    EVP_PKEY *curve = EVP_EC_gen("P-521");
    assert_false(signature_key_usable(curve));
    EVP_PKEY_free(curve);
}

static void knows_where_sns_keeps_certificates(void **state) {
    static const char *const urls[] = {
        URL,
        "https://sns.us-east-1.amazonaws.com/x.pem",
        "https://sns.cn-north-1.amazonaws.com.cn/x.pem",
        "https://sns.us-gov-west-1.amazonaws.com/a/b_C-9/x.pem",
        "https://sns.ap-southeast-3.amazonaws.com/x.pem",
        "https://sns.us-iso-east-1.amazonaws.com/x.pem",
        "https://sns.eusc-de-east-12.amazonaws.com/x.pem",
        "https://sns.us-east-1.amazonaws.com/x.y.pem",
    };
    (void)state;
    for (size_t index = 0; index < sizeof urls / sizeof urls[0]; index++) {
        if (!signing_url_valid(slice_of_text(urls[index]))) {
            fail_msg("%s", urls[index]);
        }
    }
}

static const char *const other_addresses[] = {
    "",
    "https",
    "https://",
    "https://sns.",
    "https://sns.us-east-1.amazonaws.com",
    "https://sns.us-east-1.amazonaws.com/",
    "https://sns.us-east-1.amazonaws.com/.pem",
    "https://sns.us-east-1.amazonaws.com/x.pem/",
    "https://sns.us-east-1.amazonaws.com/x.pem ",
    " https://sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com/x.pem\n",
    "https://sns.us-east-1.amazonaws.com/x.PEM",
    "https://sns.us-east-1.amazonaws.com/xpem",
    "http://sns.us-east-1.amazonaws.com/x.pem",
    "HTTPS://sns.us-east-1.amazonaws.com/x.pem",
    "ftp://sns.us-east-1.amazonaws.com/x.pem",
    "file:///sns.us-east-1.amazonaws.com/x.pem",
    "//sns.us-east-1.amazonaws.com/x.pem",
    "https:/sns.us-east-1.amazonaws.com/x.pem",
    "https:///sns.us-east-1.amazonaws.com/x.pem",
    "https:\\\\sns.us-east-1.amazonaws.com/x.pem",
    "https://SNS.us-east-1.amazonaws.com/x.pem",
    "https://sqs.us-east-1.amazonaws.com/x.pem",
    "https://xsns.us-east-1.amazonaws.com/x.pem",
    "https://x.sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.amazonaws.com/x.pem",
    "https://sns..amazonaws.com/x.pem",
    "https://sns.ab.amazonaws.com/x.pem",
    "https://sns.us.east.amazonaws.com/x.pem",
    "https://sns.us_east.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.org/x.pem",
    "https://sns.us-east-1xamazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com./x.pem",
    "https://sns.us-east-1.amazonaws.comx/x.pem",
    "https://sns.us-east-1.amazonaws.com.cnx/x.pem",
    "https://sns.us-east-1.amazonaws.com.cn.evil.example/x.pem",
    "https://sns.us-east-1.amazonaws.com.evil.example/x.pem",
    "https://sns.us-east-1.evil.example/x.pem",
    "https://evil.example/sns.us-east-1.amazonaws.com/x.pem",
    "https://evil.example/?https://sns.us-east-1.amazonaws.com/x.pem",
    "https://evil.example#sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com:443/x.pem",
    "https://sns.us-east-1.amazonaws.com:@evil.example/x.pem",
    "https://sns.us-east-1.amazonaws.com@evil.example/x.pem",
    "https://user@sns.us-east-1.amazonaws.com/x.pem",
    "https://user:word@sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com\\@evil.example/x.pem",
    "https://sns.us-east-1.amazonaws.com\\x.pem",
    "https://sns.us-east-1.amazonaws.com%2f@evil.example/x.pem",
    "https://sns.us-east-1.amazonaws.com%00/x.pem",
    "https://sns.us-east-1%2eamazonaws.com/x.pem",
    "https://sns.us-east-1\343\200\202amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com?/x.pem",
    "https://sns.us-east-1.amazonaws.com#/x.pem",
    "https://sns.us-east-1.amazonaws.com;/x.pem",
    "https://sns.us-east-1.amazonaws.com/x.pem?y",
    "https://sns.us-east-1.amazonaws.com/?x.pem",
    "https://sns.us-east-1.amazonaws.com/x.pem#y",
    "https://sns.us-east-1.amazonaws.com/#x.pem",
    "https://sns.us-east-1.amazonaws.com/../x.pem",
    "https://sns.us-east-1.amazonaws.com/a/..x.pem",
    "https://sns.us-east-1.amazonaws.com/%2e%2e/x.pem",
    "https://sns.us-east-1.amazonaws.com/a b.pem",
    "https://sns.us-east-1.amazonaws.com/a\tb.pem",
    "https://sns.us-east-1.amazonaws.com/a\r\nHost: evil.example\r\n/x.pem",
    "https://sns.us-east-1.amazonaws.com/a@b.pem",
    "https://sns.us-east-1.amazonaws.com/a:b.pem",
    "https://sns.us-east-1.amazonaws.com/\xc3\xa4.pem",
    "https://[::1]/x.pem",
    "https://127.0.0.1/x.pem",
    "https://sns.eu-central-1.amazonaws.com.pem",
};

static void refuses_all_other_addresses(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof other_addresses / sizeof other_addresses[0]; index++) {
        if (signing_url_valid(slice_of_text(other_addresses[index]))) {
            fail_msg("%s", other_addresses[index]);
        }
    }
    static const char zero[] = "https://sns.us-east-1.amazonaws.com/x\0.pem";
    assert_false(signing_url_valid((struct slice){zero, sizeof zero - 1}));
}

// Among them a bucket of S3, which may be anybody's.
static void refuses_what_is_no_region(void **state) {
    static const char *const urls[] = {
        "https://sns.abc.amazonaws.com/x.pem",          "https://sns.s3.amazonaws.com/x.pem",
        "https://sns.s3-us-west-2.amazonaws.com/x.pem", "https://sns.s3-accelerate.amazonaws.com/x.pem",
        "https://sns.us-east.amazonaws.com/x.pem",      "https://sns.us-1.amazonaws.com/x.pem",
        "https://sns.us-east-.amazonaws.com/x.pem",     "https://sns.us--east-1.amazonaws.com/x.pem",
        "https://sns.-us-east-1.amazonaws.com/x.pem",   "https://sns.us-east-1-.amazonaws.com/x.pem",
        "https://sns.us-east-1a.amazonaws.com/x.pem",   "https://sns.us-east-1-2.amazonaws.com/x.pem",
        "https://sns.us-west-2.s3.amazonaws.com/x.pem",
    };
    (void)state;
    for (size_t index = 0; index < sizeof urls / sizeof urls[0]; index++) {
        if (signing_url_valid(slice_of_text(urls[index]))) {
            fail_msg("%s", urls[index]);
        }
    }
}

static void bounds_the_address(void **state) {
    static const char begin[] = "https://sns.us-east-1.amazonaws.com/";
    char url[SIGNING_URL_MAX + 2];
    (void)state;
    memset(url, 'x', sizeof url);
    memcpy(url, begin, sizeof begin - 1);
    memcpy(url + SIGNING_URL_MAX - 4, ".pem", 4);
    assert_true(signing_url_valid((struct slice){url, SIGNING_URL_MAX}));
    memcpy(url + SIGNING_URL_MAX - 4, "x.pem", 5);
    assert_false(signing_url_valid((struct slice){url, SIGNING_URL_MAX + 1}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_was_signed),
        cmocka_unit_test(refuses_the_other_version),
        cmocka_unit_test(refuses_a_subject_that_was_not_signed),
        cmocka_unit_test(refuses_what_was_altered),
        cmocka_unit_test(refuses_another_signature),
        cmocka_unit_test(refuses_another_key),
        cmocka_unit_test(needs_every_member),
        cmocka_unit_test(refuses_texts_that_move_between_members),
        cmocka_unit_test(knows_two_versions),
        cmocka_unit_test(refuses_certificates_from_elsewhere),
        cmocka_unit_test(uses_rsa_keys_of_enough_bits),
        cmocka_unit_test(knows_where_sns_keeps_certificates),
        cmocka_unit_test(refuses_all_other_addresses),
        cmocka_unit_test(refuses_what_is_no_region),
        cmocka_unit_test(bounds_the_address),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
