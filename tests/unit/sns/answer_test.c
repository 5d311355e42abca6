// SPDX-License-Identifier: Apache-2.0
// Answers of SNS: what each entry's fate is, what a refusal says, and that nothing doubtful counts as sent.
#include "sns/answer.h"

#include <stdio.h>
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

#define HEAD "<PublishBatchResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishBatchResult>"
#define TAIL                                                                                                 \
    "</PublishBatchResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>"             \
    "</PublishBatchResponse>"
#define SENT(id, message_id) "<member><Id>" id "</Id><MessageId>" message_id "</MessageId></member>"
#define FAILED(id, code)                                                                                     \
    "<member><Id>" id "</Id><Code>" code "</Code><SenderFault>true</SenderFault></member>"
#define ANSWER(successful, failed)                                                                           \
    HEAD "<Successful>" successful "</Successful><Failed>" failed "</Failed>" TAIL

static struct sns_answer answer; // of the last parse

static int create(void **state) {
    struct error error;

    *state = sns_answer_parser_create(&error);
    memset(&answer, 'x', sizeof answer);
    return *state == NULL ? -1 : 0;
}

static int release(void **state) {
    sns_answer_parser_free(*state);
    return 0;
}

// The body is copied to a block of exactly its length, so that a sanitizer sees a byte read beyond it.
static void parse(void **state, long status, const char *text, size_t entry_count) {
    size_t length = strlen(text);
    char *body = malloc(length == 0 ? 1 : length);

    memcpy(body, text, length);
    sns_answer_parse(*state, status, body, length, entry_count, &answer);
    free(body);
}

static void assert_sent(size_t index, const char *message_id) {
    assert_int_equal(answer.entries[index].outcome, SNS_SENT);
    assert_string_equal(answer.entries[index].message_id, message_id);
    assert_false(answer.entries[index].contradictory);
}

static void assert_unknown(size_t index, bool contradictory) {
    assert_int_equal(answer.entries[index].outcome, SNS_UNKNOWN);
    assert_int_equal(answer.entries[index].contradictory, contradictory);
    assert_string_equal(answer.entries[index].message_id, "");
}

static void assert_all_unknown(void) {
    assert_false(answer.parsed);
    for (size_t index = 0; index < SNS_BATCH_MAX; index++) {
        assert_unknown(index, false);
    }
}

static void reads_who_was_sent_and_who_failed(void **state) {
    parse(state, 200,
          "<?xml version=\"1.0\"?>\n" HEAD "\n <Successful>\n  " SENT("0", "m-0") "\n  " SENT(
              "2",
              "m-2") "\n </Successful>\n <Failed>\n  <member>\n   <Id>1</Id>\n   <Code>InternalError</Code>\n"
                     "   <Message>try &quot;later&quot; &amp; again</Message>\n   "
                     "<SenderFault>false</SenderFault>\n"
                     "  </member>\n </Failed>\n" TAIL "\n",
          3);

    assert_true(answer.parsed);
    assert_false(answer.contradictory);
    assert_sent(0, "m-0");
    assert_sent(2, "m-2");
    assert_int_equal(answer.entries[1].outcome, SNS_FAILED);
    assert_string_equal(answer.entries[1].code, "InternalError");
    assert_string_equal(answer.entries[1].message, "try \"later\" & again");
    assert_false(answer.entries[1].sender_fault);
    assert_string_equal(answer.request_id, "request-1");
    assert_string_equal(answer.code, "");
}

static void reads_all_ten_and_sequence_numbers(void **state) {
    parse(state, 200,
          ANSWER("<member><Id>9</Id><MessageId>m-9</MessageId><SequenceNumber>10000000000000003000</"
                 "SequenceNumber>"
                 "</member>" SENT("0", "m") SENT("1", "m") SENT("2", "m") SENT("3", "m") SENT("4", "m")
                     SENT("5", "m") SENT("6", "m") SENT("7", "m") SENT("8", "m"),
                 ""),
          10);

    assert_true(answer.parsed);
    assert_false(answer.contradictory);
    assert_sent(9, "m-9");
    assert_string_equal(answer.entries[9].sequence_number, "10000000000000003000");
    for (size_t index = 0; index < 9; index++) {
        assert_sent(index, "m");
        assert_string_equal(answer.entries[index].sequence_number, "");
    }
}

static void empty_lists_may_be_closed_or_missing(void **state) {
    parse(state, 200, HEAD "<Successful>" SENT("0", "m") "</Successful><Failed/>" TAIL, 1);
    assert_sent(0, "m");
    parse(state, 200, HEAD "<Failed></Failed><Successful/>" TAIL, 1);
    assert_true(answer.parsed);
    assert_unknown(0, false);
    parse(state, 200, HEAD TAIL, 1);
    assert_true(answer.parsed);
    assert_unknown(0, false);
    assert_false(answer.contradictory);
}

static void prefixes_and_unknown_elements_do_not_matter(void **state) {
    parse(state, 200,
          "<s:PublishBatchResponse xmlns:s=\"x\"><s:New><Successful>" SENT(
              "1", "no") "</Successful></s:New>"
                         "<s:PublishBatchResult><s:Successful><s:member "
                         "a=\"b\"><s:Extra><Id>1</Id></s:Extra><s:Id>0</s:Id>"
                         "<s:MessageId><![CDATA[m-0]]></s:MessageId></s:member></s:Successful></"
                         "s:PublishBatchResult>"
                         "</s:PublishBatchResponse>",
          2);
    assert_true(answer.parsed);
    assert_sent(0, "m-0");
    assert_unknown(1, false);
}

static void sender_fault_is_only_true_when_it_says_so(void **state) {
    parse(state, 200,
          ANSWER("", FAILED("0", "InvalidParameter") "<member><Id>1</Id><SenderFault>1</SenderFault></member>"
                                                     "<member><Id>2</Id></member>"),
          3);
    assert_true(answer.entries[0].sender_fault);
    assert_string_equal(answer.entries[0].code, "InvalidParameter");
    assert_int_equal(answer.entries[1].outcome, SNS_FAILED);
    assert_false(answer.entries[1].sender_fault);
    assert_int_equal(answer.entries[2].outcome, SNS_FAILED);
    assert_string_equal(answer.entries[2].code, "");
}

static void contradictions_are_unknown(void **state) {
    static const char *const bodies[] = {
        ANSWER(SENT("1", "m"), FAILED("1", "InternalError")),
        HEAD "<Failed>" FAILED("1", "X") "</Failed><Successful>" SENT("1", "m") "</Successful>" TAIL,
        ANSWER(SENT("1", "m") SENT("1", "m"), ""),
        ANSWER(SENT("1", "m") SENT("1", "m") SENT("1", "m"), ""),
        ANSWER("", FAILED("1", "X") FAILED("1", "X")),
        ANSWER(SENT("1", ""), ""),
        ANSWER(SENT("1", " \n "), ""),
        ANSWER("<member><Id>1</Id></member>", ""),
        ANSWER("<member><Id>1</Id><Id>1</Id><MessageId>m</MessageId></member>", ""),
        ANSWER("<member><Id>1</Id><Id>x</Id><MessageId>m</MessageId></member>", ""),
        ANSWER("<member><Id>1</Id><MessageId>m</MessageId><MessageId>n</MessageId></member>", ""),
        ANSWER("<member><Id>1</Id><MessageId>m<b/></MessageId></member>", ""),
        ANSWER("<member><MessageId>m</MessageId><Id><b/>1</Id></member>", ""),
    };

    for (size_t index = 0; index < sizeof bodies / sizeof bodies[0]; index++) {
        parse(state, 200, bodies[index], 2);
        assert_true(answer.parsed);
        assert_true(answer.contradictory);
        assert_unknown(0, false);
        assert_unknown(1, true);
    }
}

static void a_member_with_two_ids_makes_both_unknown(void **state) {
    parse(state, 200,
          ANSWER("<member><Id>0</Id><Id>1</Id><MessageId>m</MessageId></member>" SENT("2", "m"), ""), 3);
    assert_unknown(0, true);
    assert_unknown(1, true);
    assert_sent(2, "m");
}

static void ids_that_were_not_sent_are_only_flagged(void **state) {
    static const char *const bodies[] = {
        ANSWER(SENT("0", "m") SENT("2", "m"), ""),  ANSWER(SENT("0", "m") SENT("", "m"), ""),
        ANSWER(SENT("0", "m") SENT("01", "m"), ""), ANSWER(SENT("0", "m") SENT(" 1", "m"), ""),
        ANSWER(SENT("0", "m") SENT("-1", "m"), ""), ANSWER(SENT("0", "m") SENT("10", "m"), ""),
        ANSWER(SENT("0", "m") SENT("/", "m"), ""),  ANSWER(SENT("0", "m") "<member/>", ""),
        ANSWER(SENT("0", "m"), FAILED("a", "X")),   ANSWER(SENT("0", "m"), FAILED("\xc2\xb9", "X")),
    };

    for (size_t index = 0; index < sizeof bodies / sizeof bodies[0]; index++) {
        parse(state, 200, bodies[index], 2);
        assert_true(answer.parsed);
        assert_true(answer.contradictory);
        assert_sent(0, "m");
        assert_unknown(1, false);
    }
}

static void text_outside_its_place_means_nothing(void **state) {
    parse(state, 200, HEAD "<Successful>" SENT("0", "m") "</Successful>" SENT("1", "m") TAIL, 2);
    assert_sent(0, "m");
    assert_unknown(1, false);
    parse(state, 200, HEAD "<Successful><Successful>" SENT("1", "m") "</Successful></Successful>" TAIL, 2);
    assert_unknown(1, false);
}

static void an_answer_that_cannot_be_read_is_all_unknown(void **state) {
    static const char *const bodies[] = {
        "",
        "<html><body>It works!</body></html>",
        "{\"PublishBatchResponse\":{}}",
        HEAD "<Successful>" SENT("0", "m") "</Successful>",
        ANSWER(SENT("0", "m") "<member>", ""),
        ANSWER(SENT("0", "m&undefined;"), ""),
        ANSWER(SENT("0", "m\xff"), ""),
        ANSWER(SENT("0", "m"), "") "<more/>",
        "<Other>" ANSWER(SENT("0", "m"), "") "</Other>",
        "<!DOCTYPE PublishBatchResponse>" ANSWER(SENT("0", "m"), ""),
    };

    for (size_t index = 0; index < sizeof bodies / sizeof bodies[0]; index++) {
        parse(state, 200, bodies[index], 1);
        assert_all_unknown();
        assert_false(answer.contradictory);
        assert_string_equal(answer.code, "HTTP 200");
        assert_int_not_equal(answer.message[0], '\0');
    }
    parse(state, 200, ANSWER(SENT("0", "m"), ""), 1); // and the parser still works
    assert_sent(0, "m");
}

static void entities_cannot_be_declared(void **state) {
    parse(state, 200,
          "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\"><!ENTITY c "
          "\"&b;&b;&b;&b;&b;\">]>" HEAD
          "<Successful><member><Id>0</Id><MessageId>&c;</MessageId></member></Successful>" TAIL,
          1);
    assert_all_unknown();
    parse(state, 400,
          "<!DOCTYPE x [<!ENTITY a "
          "\"Throttling\">]><ErrorResponse><Error><Code>&a;</Code></Error></ErrorResponse>",
          1);
    assert_string_equal(answer.code, "HTTP 400");
}

static void a_broken_answer_of_sns_is_not_shown(void **state) {
    static const struct {
        long status;
        const char *body;
    } broken[] = {
        {200, HEAD "<Failed><member><Id>0</Id><Message>hunter2 \a</Message></member></Failed>" TAIL},
        {200, "hunter2"},
        {400, HEAD "<Failed>hunter2"},
        {400, "<ErrorResponse><Error><Code>InvalidParameter</Code><Message>hunter2 \a</Message></Error>"},
    };
    for (size_t index = 0; index < sizeof broken / sizeof broken[0]; index++) {
        char expected[80];
        parse(state, broken[index].status, broken[index].body, 1);
        assert_all_unknown();
        (void)snprintf(expected, sizeof expected, "the body, of %zu bytes, is no answer that SNS documents",
                       strlen(broken[index].body));
        assert_string_equal(answer.message, expected);
    }
}

static void depth_is_bounded(void **state) {
    char body[4096] = HEAD;
    size_t half;

    for (int depth = 2; depth < 16; depth++) {
        strncat(body, "<d>", 4);
    }
    half = strlen(body);
    for (int depth = 2; depth < 16; depth++) {
        strncat(body, "</d>", 5);
    }
    strncat(body, "<Successful>" SENT("0", "m") "</Successful>" TAIL, 1024);
    parse(state, 200, body, 1);
    assert_sent(0, "m");

    memcpy(body + half, "<e/>", 5); // one deeper
    for (int depth = 2; depth < 16; depth++) {
        strncat(body, "</d>", 5);
    }
    strncat(body, "<Successful>" SENT("0", "m") "</Successful>" TAIL, 1024);
    parse(state, 200, body, 1);
    assert_all_unknown();
}

static void a_refusal_gives_code_message_and_fault(void **state) {
    parse(state, 403,
          "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>"
          "<Code>AuthorizationError</Code><Message>not authorized\n to perform: SNS:Publish</Message></Error>"
          "<RequestId>request-2</RequestId></ErrorResponse>",
          2);
    assert_all_unknown();
    assert_string_equal(answer.code, "AuthorizationError");
    assert_string_equal(answer.message, "not authorized  to perform: SNS:Publish");
    assert_int_equal(answer.fault, SNS_FAULT_SENDER);
    assert_string_equal(answer.request_id, "request-2");

    parse(state, 500,
          "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalError</Code></Error></ErrorResponse>", 2);
    assert_int_equal(answer.fault, SNS_FAULT_RECEIVER);
    assert_string_equal(answer.message, "");
    assert_string_equal(answer.request_id, "");

    parse(state, 200, "<ErrorResponse><Error><Type>?</Type><Code>Odd</Code></Error></ErrorResponse>", 2);
    assert_all_unknown();
    assert_string_equal(answer.code, "Odd");
    assert_int_equal(answer.fault, SNS_FAULT_UNSTATED);
}

static void other_refusals_give_status_and_beginning_of_the_body(void **state) {
    parse(state, 502, "<html>\r\n<h1>Bad\tGateway\x01\xff</h1>", 2);
    assert_all_unknown();
    assert_string_equal(answer.code, "HTTP 502");
    assert_string_equal(answer.message, "<html>  <h1>Bad Gateway ?</h1>");
    assert_int_equal(answer.fault, SNS_FAULT_UNSTATED);
    parse(state, 503, "", 2);
    assert_string_equal(answer.code, "HTTP 503");
    assert_string_equal(answer.message, "the body is empty");
    sns_answer_parse(*state, 504, NULL, 0, 2, &answer);
    assert_string_equal(answer.code, "HTTP 504");
    parse(state, 500, "<ErrorResponse><Error><Type>Sender</Type><Code></Code></Error></ErrorResponse>", 2);
    assert_string_equal(answer.code, "HTTP 500");
    assert_int_equal(answer.fault, SNS_FAULT_UNSTATED);
}

static void nothing_is_sent_unless_the_status_is_200(void **state) {
    static const long statuses[] = {0, 100, 201, 204, 302, 400, 500, 503};

    for (size_t index = 0; index < sizeof statuses / sizeof statuses[0]; index++) {
        parse(state, statuses[index], ANSWER(SENT("0", "m") SENT("0", "m"), ""), 1);
        assert_all_unknown();
        assert_false(answer.contradictory);
        assert_non_null(strstr(answer.code, "HTTP "));
    }
}

static void texts_are_cut_and_printable(void **state) {
    char body[4096], expected[SNS_ID_SIZE];
    static char many[1001];

    memset(many, 'm', sizeof many - 1);
    memset(expected, 'm', sizeof expected - 1);
    expected[sizeof expected - 1] = '\0';
    snprintf(body, sizeof body,
             ANSWER("<member><Id>0</Id><MessageId>%s</MessageId></member>",
                    "<member><Id>1</Id><Code>%s</Code><Message>%s</Message></member>"),
             many, many, "\xe2\x82\xac&#10;&#9;x \n");
    parse(state, 200, body, 2);
    assert_sent(0, expected);
    assert_int_equal(strlen(answer.entries[1].code), SNS_CODE_SIZE - 1);
    assert_string_equal(answer.entries[1].message, "???  x");
}

static void a_body_has_at_most_a_mebibyte(void **state) {
    static const char small[] = ANSWER(SENT("0", "m"), "");
    char *body = malloc(SNS_ANSWER_MAX + 1);

    memset(body, ' ', SNS_ANSWER_MAX + 1);
    memcpy(body, small, sizeof small - 1);
    sns_answer_parse(*state, 200, body, SNS_ANSWER_MAX, 1, &answer);
    assert_sent(0, "m");
    sns_answer_parse(*state, 200, body, SNS_ANSWER_MAX + 1, 1, &answer);
    assert_all_unknown();
    free(body);
}

static void nothing_is_left_of_the_answer_before(void **state) {
    parse(state, 200, HEAD "<Successful>" SENT("0", "m") "<member><Id>1</Id><MessageId>m", 2);
    parse(state, 200, ANSWER("<member><Id>1</Id></member>", ""), 2);
    assert_unknown(0, false);
    assert_unknown(1, true);
    parse(state, 200, ANSWER(SENT("1", "n"), ""), 2);
    assert_unknown(0, false);
    assert_sent(1, "n");
    assert_false(answer.contradictory);
    assert_string_equal(answer.message, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, release)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(reads_who_was_sent_and_who_failed),
        TEST(reads_all_ten_and_sequence_numbers),
        TEST(empty_lists_may_be_closed_or_missing),
        TEST(prefixes_and_unknown_elements_do_not_matter),
        TEST(sender_fault_is_only_true_when_it_says_so),
        TEST(contradictions_are_unknown),
        TEST(a_member_with_two_ids_makes_both_unknown),
        TEST(ids_that_were_not_sent_are_only_flagged),
        TEST(text_outside_its_place_means_nothing),
        TEST(an_answer_that_cannot_be_read_is_all_unknown),
        TEST(entities_cannot_be_declared),
        TEST(a_broken_answer_of_sns_is_not_shown),
        TEST(depth_is_bounded),
        TEST(a_refusal_gives_code_message_and_fault),
        TEST(other_refusals_give_status_and_beginning_of_the_body),
        TEST(nothing_is_sent_unless_the_status_is_200),
        TEST(texts_are_cut_and_printable),
        TEST(a_body_has_at_most_a_mebibyte),
        TEST(nothing_is_left_of_the_answer_before),
    };
    return cmocka_run_group_tests_name("sns/answer", tests, NULL, NULL);
}
