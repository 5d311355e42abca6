// SPDX-License-Identifier: Apache-2.0
// TLS of the HTTP client: whom it trusts, whom it does not, and what it shares between connections.
#include "base/log.h"
#include "support/authority.h"
#include "support/client_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define HERE "IP:127.0.0.1"

static char folder[] = "/tmp/client_tls_test.XXXXXX";
static char bundle[64];
static struct authority *ours; // in the bundle at first
static struct authority *other;

// What `handle` sends instead of a whole answer, before it closes the connection; NULL: a whole answer.
static const char *raw_answer;

static void handle(void *context, struct http_received *request) {
    (void)context;
    if (raw_answer != NULL) {
        http_server_reply_raw(request, raw_answer, strlen(raw_answer), true);
    } else {
        http_server_reply(request, "200 OK", "good");
    }
}

// The whole answer, and the end of the connection.
#define GOOD_AND_CLOSE "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood"

static int set_up(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(bundle, sizeof bundle, "%s/bundle.pem", folder);
    ours = authority_new("ours");
    other = authority_new("other");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    authority_free(ours);
    authority_free(other);
    unlink(bundle);
    return rmdir(folder);
}

static struct client_harness *open_with(SSL_CTX *tls) {
    authority_write(ours, bundle);
    struct client_harness *harness = client_open_trusting(handle, bundle);
    http_server_use_tls(harness->server, tls);
    raw_answer = NULL;
    return harness;
}

static void assert_refused(struct client_harness *harness, const char *reason) {
    assert_int_equal(client_try(harness), 0);
    const char *failure = harness->failure[harness->answers - 1];
    if (strstr(failure, reason) == NULL) {
        fail_msg("the reason is \"%s\", not \"%s\"", failure, reason);
    }
}

static void trusts_its_bundle(void **state) {
    SSL_CTX *tls = authority_server(ours, HERE);
    struct client_harness *harness = open_with(tls);

    (void)state;
    for (int count = 1; count <= 3; count++) {
        assert_int_equal(client_try(harness), 200);
    }
    assert_int_equal(http_server_counts(harness->server)->accepted, 1);
    client_close(harness);
    SSL_CTX_free(tls);
}

// Nothing is sent to whom cannot be verified.
static void refuses_an_authority_it_does_not_know(void **state) {
    SSL_CTX *tls = authority_server(other, HERE);
    struct client_harness *harness = open_with(tls);

    (void)state;
    assert_refused(harness, "certificate");
    client_replace(harness, ""); // nor is it one of the system's
    assert_refused(harness, "certificate");
    assert_true(harness->unreached[0] && harness->unreached[1]);
    assert_int_equal(http_server_counts(harness->server)->requests, 0);
    client_close(harness);
    SSL_CTX_free(tls);
}

static void refuses_another_host(void **state) {
    static const char *const hosts[] = {"DNS:127.0.0.1", "IP:127.0.0.2", "DNS:localhost", "DNS:*"};

    (void)state;
    for (size_t index = 0; index < sizeof hosts / sizeof hosts[0]; index++) {
        SSL_CTX *tls = authority_server(ours, hosts[index]);
        struct client_harness *harness = open_with(tls);
        assert_refused(harness, "127.0.0.1");
        assert_int_equal(http_server_counts(harness->server)->requests, 0);
        client_close(harness);
        SSL_CTX_free(tls);
    }
}

static void refuses_old_versions_of_tls(void **state) {
    static const int versions[] = {TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (size_t index = 0; index < sizeof versions / sizeof versions[0]; index++) {
        SSL_CTX *tls = authority_server(ours, HERE);
        SSL_CTX_set_security_level(tls, 0);
        SSL_CTX_set_min_proto_version(tls, versions[index]);
        SSL_CTX_set_max_proto_version(tls, versions[index]);
        struct client_harness *harness = open_with(tls);
        if (versions[index] < TLS1_2_VERSION) {
            assert_refused(harness, "version");
        } else {
            assert_int_equal(client_try(harness), 200);
        }
        client_close(harness);
        SSL_CTX_free(tls);
    }
}

// Whichever transfer shook hands, the next ones resume what it began.
static void resumes_sessions_of_all_transfers(void **state) {
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (size_t index = 0; index < sizeof versions / sizeof versions[0]; index++) {
        SSL_CTX *tls = authority_server(ours, HERE);
        SSL_CTX_set_max_proto_version(tls, versions[index]);
        struct client_harness *harness = open_with(tls);
        raw_answer = GOOD_AND_CLOSE;
        assert_int_equal(client_try(harness), 200);
        assert_int_equal(http_server_counts(harness->server)->resumed, 0);
        for (int count = 0; count < CONNECTIONS; count++) {
            client_post(harness, harness->url, "x");
        }
        client_await(harness, 1 + CONNECTIONS);
        assert_int_equal(http_server_counts(harness->server)->accepted, 1 + CONNECTIONS);
        assert_int_equal(http_server_counts(harness->server)->resumed, CONNECTIONS);
        client_close(harness);
        SSL_CTX_free(tls);
    }
}

// The file is looked at once a second, so the first tries may come too early.
static void try_until(struct client_harness *harness, int status) {
    while (client_try(harness) != status) {
        assert_true(harness->answers < ANSWERS_MAX - 1);
        usleep(SHORT_US);
    }
}

static void follows_its_file(void **state) {
    SSL_CTX *old = authority_server(ours, HERE);
    SSL_CTX *new = authority_server(other, HERE);
    struct client_harness *harness = open_with(old);

    (void)state;
    raw_answer = GOOD_AND_CLOSE;
    assert_int_equal(client_try(harness), 200);
    assert_int_equal(client_try(harness), 200);
    assert_int_equal(http_server_counts(harness->server)->resumed, 1);
    authority_write(other, bundle);
    assert_int_equal(client_try(harness), 200); // not looked at yet
    try_until(harness, 0);                      // nor is a session resumed, though the server would
    assert_refused(harness, "certificate");
    http_server_use_tls(harness->server, new);
    for (int count = 0; count < 2 * CONNECTIONS; count++) {
        assert_int_equal(client_try(harness), 200);
    }
    assert_true(http_server_counts(harness->server)->resumed > 2);
    http_server_use_tls(harness->server, old);
    assert_refused(harness, "certificate");
    client_close(harness);
    SSL_CTX_free(old);
    SSL_CTX_free(new);
}

static void write_bundle(const char *text) {
    FILE *file = fopen(bundle, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

// It goes on with what it has read, and follows the file again as soon as it can be used.
static void survives_a_file_that_is_spoilt(void **state) {
    SSL_CTX *old = authority_server(ours, HERE);
    SSL_CTX *new = authority_server(other, HERE);
    struct client_harness *harness = open_with(old);

    (void)state;
    raw_answer = GOOD_AND_CLOSE;
    assert_int_equal(client_try(harness), 200);
    write_bundle("garbage");
    for (int count = 0; count < 25; count++) { // more than a second: it has been looked at
        assert_int_equal(client_try(harness), 200);
        usleep(SHORT_US);
    }
    unlink(bundle);
    for (int count = 0; count < 25; count++) {
        assert_int_equal(client_try(harness), 200);
        usleep(SHORT_US);
    }
    authority_write(other, bundle);
    http_server_use_tls(harness->server, new);
    try_until(harness, 200);
    client_close(harness);
    SSL_CTX_free(old);
    SSL_CTX_free(new);
}

static void reports_an_answer_that_is_cut(void **state) {
    static const char *const answers[] = {
        "",
        "HTTP/1.1 200 OK\r\nConte",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    };
    SSL_CTX *tls = authority_server(ours, HERE);
    struct client_harness *harness = open_with(tls);

    (void)state;
    for (size_t index = 0; index < sizeof answers / sizeof answers[0]; index++) {
        raw_answer = answers[index];
        assert_refused(harness, "");
    }
    client_close(harness);
    SSL_CTX_free(tls);
}

static void says_what_is_wrong_with_a_bundle(void **state) {
    static const struct {
        const char *path; // NULL: the bundle with this text
        const char *text;
    } cases[] = {
        {"/nonexistent/bundle.pem", "No such file"},
        {"/dev/null", "not a file"},
        {"/tmp", "not a file"},
        {NULL, ""},
        {NULL, "garbage"},
        {NULL, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        const char *path = cases[index].path != NULL ? cases[index].path : bundle;
        const struct http_options options = {.ca_bundle = path, .timeout_us = LONG_US, .connections = 1};
        struct event_base *base = event_base_new();
        struct error error = {0};
        if (cases[index].path == NULL) {
            write_bundle(cases[index].text);
        }
        assert_null(http_client_new(base, &options, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, "AWS_CA_BUNDLE: "));
        assert_non_null(strstr(error.text, path));
        assert_non_null(
            strstr(error.text, cases[index].path != NULL ? cases[index].text : "BEGIN CERTIFICATE"));
        event_base_free(base);
    }
}

// The system's configuration of OpenSSL may forbid old versions as well, which would hide that we do.
static void permit_old_versions(void) {
    char path[] = "/tmp/client_tls_test.XXXXXX";
    int file = mkstemp(path);
    static const char text[] = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n"
                               "[tls]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n";
    if (file < 0 || write(file, text, sizeof text - 1) < 0) {
        abort();
    }
    close(file);
    setenv("OPENSSL_CONF", path, 1);
    OPENSSL_init_ssl(0, NULL);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trusts_its_bundle),
        cmocka_unit_test(refuses_an_authority_it_does_not_know),
        cmocka_unit_test(refuses_another_host),
        cmocka_unit_test(refuses_old_versions_of_tls),
        cmocka_unit_test(resumes_sessions_of_all_transfers),
        cmocka_unit_test(follows_its_file),
        cmocka_unit_test(survives_a_file_that_is_spoilt),
        cmocka_unit_test(reports_an_answer_that_is_cut),
        cmocka_unit_test(says_what_is_wrong_with_a_bundle),
    };
    setenv("no_proxy", "*", 1);
    permit_old_versions();
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
