// SPDX-License-Identifier: Apache-2.0
// A provider of credentials between a test and a scripted server on 127.0.0.1: what it fetches is recorded.
#pragma once

#include "credentials/providers.h"
#include "support/http_server.h"

enum { PROVIDER_REASON_SIZE = 1024 };

// What the server answers to one request; a NULL status never, "" hangs up, "raw" sends the body as it is.
struct scripted {
    const char *status;
    const char *body;
};

struct provider_harness {
    struct event_base *base;
    struct http_server *server;
    struct settings settings; // to be changed before provider_harness_start
    struct provider_means means;
    char url[64];                  // of the server
    const struct scripted *script; // for the requests to come; behind its end the last one counts
    int script_left;
    int calls; // of `done`
    enum provider_result result;
    struct credentials_found found;
    char reason[PROVIDER_REASON_SIZE];
};

struct provider_harness *provider_harness_new(void);
void provider_harness_start(struct provider_harness *harness);

// provider_harness_close drops what is under way, before the provider is freed; provider_harness_free after.
void provider_harness_close(struct provider_harness *harness);
void provider_harness_free(struct provider_harness *harness);

// provider_harness_begin begins a fetch, _await runs the loop until there is a result; _fetch does both.
void provider_harness_begin(struct provider_harness *harness, const struct provider *provider);
void provider_harness_await(struct provider_harness *harness);
void provider_harness_fetch(struct provider_harness *harness, const struct provider *provider);

#define SCRIPT(harness, ...)                                                                                 \
    provider_harness_script(harness, (const struct scripted[]){__VA_ARGS__},                                 \
                            sizeof((const struct scripted[]){__VA_ARGS__}) / sizeof(struct scripted))
void provider_harness_script(struct provider_harness *harness, const struct scripted *script, size_t count);

// provider_harness_failed asserts that the fetch ended with `result`, and the reason holds `text`, but no
// secret of this file's documents.
void provider_harness_failed(const struct provider_harness *harness, enum provider_result result,
                             const char *text);

// provider_harness_found asserts that it found the credentials of the documents below.
void provider_harness_found(const struct provider_harness *harness, const char *source);

// provider_harness_file writes a file of the test's own folder, and returns its path, which is good until the
// harness is freed.
const char *provider_harness_file(struct provider_harness *harness, const char *name, const char *content);

// Number `index` (from 0) of the requests that came in, and how many there are.
struct http_received *provider_harness_request(const struct provider_harness *harness, int index);
int provider_harness_requests(const struct provider_harness *harness);

#define KEY_ID "ASIAEXAMPLE"
#define SECRET "s3cr3t/s3cr3t+s3cr3t"
#define TOKEN "t0k3n/t0k3n=="
#define LATER "2100-01-31T12:34:56Z"
#define DOCUMENT                                                                                             \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"" KEY_ID "\",\"SecretAccessKey\":\"" SECRET                     \
    "\",\"Token\":\"" TOKEN "\",\"Expiration\":\"" LATER "\"}"
#define STS_DOCUMENT(action)                                                                                 \
    "<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action                       \
    "Result><Credentials><AccessKeyId>" KEY_ID "</AccessKeyId><SecretAccessKey>" SECRET                      \
    "</SecretAccessKey><SessionToken>" TOKEN "</SessionToken><Expiration>" LATER                             \
    "</Expiration></Credentials></" action "Result></" action "Response>"
