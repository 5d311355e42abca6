// SPDX-License-Identifier: Apache-2.0
#include "sqs/queue_url.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define A80 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void a_url_is_taken_apart(void **state) {
    struct queue_url url;
    struct error error = {0};

    (void)state;
    assert_true(
        queue_url_parse(&url, "https://SQS.eu-west-1.amazonaws.com/123456789012/orders.fifo", &error));
    assert_string_equal(url.text, "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo");
    assert_string_equal(url.host, "sqs.eu-west-1.amazonaws.com");
    assert_string_equal(url.account, "123456789012");
    assert_string_equal(url.name, "orders.fifo");
    assert_string_equal(url.region, "eu-west-1");
    assert_true(url.is_public);
    assert_true(url.is_fifo);
    assert_true(queue_url_parse(&url, "http://127.0.0.1:4566/000000000000/" A80, &error));
    assert_string_equal(url.text, "http://127.0.0.1:4566/000000000000/" A80);
    assert_string_equal(url.region, "");
    assert_false(url.is_public);
    assert_false(url.is_fifo);
}

static void what_is_no_queues_url_is_refused(void **state) {
    static const struct {
        const char *text;
        const char *rule;
    } urls[] = {
        {"", "https:// or http://"},
        {"orders", "https:// or http://"},
        {"arn:aws:sqs:eu-west-1:123456789012:orders", "https:// or http://"},
        {"sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders", "https:// or http://"},
        {"https://sqs.eu-west-1.amazonaws.com", "the account and the queue's name"},
        {"https://sqs.eu-west-1.amazonaws.com/", "the account and the queue's name"},
        {"https://sqs.eu-west-1.amazonaws.com/orders", "the account and the queue's name"},
        {"https://sqs.eu-west-1.amazonaws.com/123456789012/", "the account and the queue's name"},
        {"https://sqs.eu-west-1.amazonaws.com/queue/123456789012/orders", "the account and the queue's name"},
        {"https://sqs.eu-west-1.amazonaws.com/12345678901/orders", "12 digits"},
        {"https://sqs.eu-west-1.amazonaws.com/1234567890123/orders", "12 digits"},
        {"https://sqs.eu-west-1.amazonaws.com/12345678901a/orders", "12 digits"},
        {"https://sqs.eu-west-1.amazonaws.com/123456789012/a.b", "A-Z, a-z, 0-9, _ and -"},
        {"https://sqs.eu-west-1.amazonaws.com/123456789012/.fifo", "A-Z, a-z, 0-9, _ and -"},
        {"https://sqs.eu-west-1.amazonaws.com/123456789012/a.fifo.fifo", "A-Z, a-z, 0-9, _ and -"},
        {"https://sqs.eu-west-1.amazonaws.com/123456789012/a" A80, "80 characters"},
        {"https://sqs.eu-west-1.amazonaws.com/123456789012/orders?x=1", "no query"},
        {"https://me:secret@sqs.eu-west-1.amazonaws.com/123456789012/orders", "holds an @"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof urls / sizeof urls[0]; index++) {
        struct queue_url url;
        struct error error = {0};
        assert_false(queue_url_parse(&url, urls[index].text, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, "the queue URL"));
        if (strstr(error.text, urls[index].rule) == NULL || strstr(error.text, "secret") != NULL) {
            fail_msg("%s: %s", urls[index].text, error.text);
        }
    }
}

static void the_host_tells_the_region(void **state) {
    static const struct {
        const char *host;
        const char *region; // NULL: none
        bool is_public;
    } hosts[] = {
        {"sqs.eu-west-1.amazonaws.com", "eu-west-1", true},
        {"sqs.cn-north-1.amazonaws.com.cn", "cn-north-1", true},
        {"sqs.eu-west-1.api.aws", "eu-west-1", true},
        {"sqs-fips.us-east-1.amazonaws.com", "us-east-1", true},
        {"sqs-fips.us-east-1.api.aws", "us-east-1", true},
        {"sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1", true},
        {"sqs.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", true},
        {"eu-west-1.queue.amazonaws.com", "eu-west-1", true},
        {"cn-north-1.queue.amazonaws.com.cn", "cn-north-1", true},
        {"queue.amazonaws.com", "us-east-1", true},
        {"vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1", false},
        {"vpce-0a1b-2c3d-eu-west-1a.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1", false},
        {"sns.eu-west-1.amazonaws.com", NULL, false},
        {"sqs.eu-west-1.amazonaws.com.example", NULL, false},
        {"sqs.eu-west-1.amazonaws.com.cn", NULL, false},
        {"sqs.eu-west-1.example.com", NULL, false},
        {"sqs.eu-west-1", NULL, false},
        {"sqs.amazonaws.com", NULL, false},
        {"sqs..amazonaws.com", NULL, false},
        {"eu-west-1.amazonaws.com", NULL, false},
        {"a.b.queue.amazonaws.com", NULL, false},
        {"sqs.a2345678901234567890123456789012345.amazonaws.com", NULL, false},
        {"127.0.0.1:4566", NULL, false},
        {"localhost", NULL, false},
        {"", NULL, false},
    };

    (void)state;
    for (size_t index = 0; index < sizeof hosts / sizeof hosts[0]; index++) {
        char region[AWS_REGION_SIZE] = "";
        bool is_public = !hosts[index].is_public;
        bool known = queue_url_region(region, &is_public, hosts[index].host);
        if (known != (hosts[index].region != NULL) || is_public != hosts[index].is_public ||
            strcmp(region, known ? hosts[index].region : "") != 0) {
            fail_msg("%s: %d \"%s\" %d", hosts[index].host, known, region, is_public);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(what_is_no_queues_url_is_refused),
        cmocka_unit_test(the_host_tells_the_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
