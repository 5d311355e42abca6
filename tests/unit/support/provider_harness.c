// SPDX-License-Identifier: Apache-2.0
#include "support/provider_harness.h"

#include "base/memory.h"
#include "support/loop.h"
#include "support/settings_fill.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { TIMEOUT_US = 5000000, PATH_SIZE = 128, FILES = 8 };

static char folder[PATH_SIZE];
static char paths[FILES][PATH_SIZE + 64];
static int path_count;

static void on_request(void *context, struct http_received *request) {
    struct provider_harness *harness = context;
    assert_true(harness->script_left > 0);
    const struct scripted scripted = *harness->script;
    if (harness->script_left > 1) {
        harness->script++;
        harness->script_left--;
    }
    if (scripted.status == NULL) {
        return;
    }
    if (scripted.status[0] == '\0') {
        http_server_reply_raw(request, "", 0, true);
    } else if (strcmp(scripted.status, "raw") == 0) {
        http_server_reply_raw(request, scripted.body, strlen(scripted.body), true);
    } else {
        http_server_reply(request, scripted.status, scripted.body);
    }
}

struct provider_harness *provider_harness_new(void) {
    static char region[] = "eu-west-1", no_file[] = "/dev/null";
    struct provider_harness *harness = memory_allocate(1, sizeof *harness);
    harness->base = event_base_new();
    harness->server = http_server_new(harness->base, on_request, harness);
    snprintf(harness->url, sizeof harness->url, "http://127.0.0.1:%d", http_server_port(harness->server));
    harness->settings = (struct settings){
        .aws_region = region, .aws_config_file = no_file, .aws_shared_credentials_file = no_file};
    settings_fill(&harness->settings);
    return harness;
}

void provider_harness_start(struct provider_harness *harness) {
    const struct http_options options = {.ca_bundle = "", .timeout_us = TIMEOUT_US, .connections = 2};
    struct provider_means *means = &harness->means;
    *means = (struct provider_means){.base = harness->base, .settings = &harness->settings};
    means->http = http_client_new(harness->base, &options, NULL);
    means->caller = aws_caller_new(harness->base, &harness->settings, NULL, means->http, NULL);
    assert_non_null(means->caller);
}

void provider_harness_close(struct provider_harness *harness) {
    http_client_free(harness->means.http);
    harness->means.http = NULL;
}

void provider_harness_free(struct provider_harness *harness) {
    http_client_free(harness->means.http);
    aws_caller_free(harness->means.caller);
    http_server_free(harness->server);
    event_base_free(harness->base);
    free(harness);
    while (path_count > 0) {
        unlink(paths[--path_count]);
    }
    if (folder[0] != '\0') {
        rmdir(folder);
        folder[0] = '\0';
    }
}

static void on_done(void *context, enum provider_result result, const struct credentials_found *found,
                    const char *reason) {
    struct provider_harness *harness = context;
    harness->calls++;
    harness->result = result;
    assert_true((found != NULL) == (result == PROVIDER_FOUND));
    assert_true((reason != NULL) == (result != PROVIDER_FOUND));
    harness->found = found != NULL ? *found : (struct credentials_found){0};
    snprintf(harness->reason, sizeof harness->reason, "%s", reason != NULL ? reason : "");
}

void provider_harness_begin(struct provider_harness *harness, const struct provider *provider) {
    harness->calls = 0;
    provider->fetch(provider->self, on_done, harness);
}

static bool is_done(void *context) {
    return ((struct provider_harness *)context)->calls > 0;
}

void provider_harness_await(struct provider_harness *harness) {
    assert_true(loop_until(harness->base, is_done, harness));
    loop_settle(harness->base);
    assert_int_equal(harness->calls, 1);
}

void provider_harness_fetch(struct provider_harness *harness, const struct provider *provider) {
    provider_harness_begin(harness, provider);
    provider_harness_await(harness);
}

void provider_harness_script(struct provider_harness *harness, const struct scripted *script, size_t count) {
    harness->script = script;
    harness->script_left = (int)count;
}

void provider_harness_failed(const struct provider_harness *harness, enum provider_result result,
                             const char *text) {
    if (harness->result != result || strstr(harness->reason, text) == NULL) {
        fail_msg("result %d with \"%s\", not %d with \"%s\"", (int)harness->result, harness->reason,
                 (int)result, text);
    }
    assert_null(strstr(harness->reason, SECRET));
    assert_null(strstr(harness->reason, TOKEN));
    assert_null(strchr(harness->reason, '\n'));
}

void provider_harness_found(const struct provider_harness *harness, const char *source) {
    if (harness->result != PROVIDER_FOUND) {
        fail_msg("%s", harness->reason);
    }
    assert_string_equal(harness->found.credentials.access_key_id, KEY_ID);
    assert_string_equal(harness->found.credentials.secret_access_key, SECRET);
    assert_string_equal(harness->found.credentials.session_token, TOKEN);
    assert_string_equal(harness->found.source, source);
}

const char *provider_harness_file(struct provider_harness *harness, const char *name, const char *content) {
    (void)harness;
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "%s/provider-XXXXXX",
                 getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
        assert_non_null(mkdtemp(folder));
    }
    char path[sizeof paths[0]];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    fclose(file);
    for (int index = 0; index < path_count; index++) {
        if (strcmp(paths[index], path) == 0) {
            return paths[index];
        }
    }
    assert_true(path_count < FILES);
    memcpy(paths[path_count], path, sizeof path);
    return paths[path_count++];
}

struct http_received *provider_harness_request(const struct provider_harness *harness, int index) {
    struct http_received *request = http_server_requests(harness->server);
    for (; request != NULL && index > 0; index--) {
        request = request->next;
    }
    assert_non_null(request);
    return request;
}

int provider_harness_requests(const struct provider_harness *harness) {
    return http_server_counts(harness->server)->requests;
}
