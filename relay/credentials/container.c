// SPDX-License-Identifier: Apache-2.0
// What is sent to this endpoint, and what it answers, is worth stealing: plain http goes only to the machine
// itself and to the addresses of ECS and EKS, nothing goes through a proxy, and no redirect is followed. The
// path of an ECS endpoint names the task's credentials, so it is not shown. Source:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
#include "base/memory.h"
#include "credentials/ask.h"
#include "credentials/document.h"
#include "credentials/providers.h"
#include "http/host.h"
#include "settings/secret_file.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ECS_ENDPOINT "http://169.254.170.2"

enum { TIMEOUT_US = 2000000, ATTEMPTS = 3, HOST_SIZE = 256 };

static const char relative[] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
static const char full[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

struct container {
    const struct settings *settings;
    struct asker *asker;
    char *url; // NULL: none is set
    char host[HOST_SIZE];
    provider_done_fn done;
    void *context;
};

static bool is_same_address(const char *host, const char *address) {
    struct in6_addr one, other;
    return inet_pton(AF_INET6, host, &one) == 1 && inet_pton(AF_INET6, address, &other) == 1 &&
           memcmp(&one, &other, sizeof one) == 0;
}

static bool may_use_http(const char *host) {
    return host_is_loopback(host) || strcmp(host, "169.254.170.2") == 0 ||
           strcmp(host, "169.254.170.23") == 0 || is_same_address(host, "fd00:ec2::23");
}

// Copies a part of the URL; "" when it has none.
static void copy_part(CURLU *url, CURLUPart part, char *ret, size_t size) {
    char *text = NULL;
    snprintf(ret, size, "%s", curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : "");
    curl_free(text);
}

static bool check_parts(CURLU *url, const char *host, struct error *error) {
    char scheme[16], user[2], password[2];
    copy_part(url, CURLUPART_SCHEME, scheme, sizeof scheme);
    copy_part(url, CURLUPART_USER, user, sizeof user);
    copy_part(url, CURLUPART_PASSWORD, password, sizeof password);
    if (user[0] != '\0' || password[0] != '\0') {
        return error_set(error, ERROR_USAGE, "%s holds an @: credentials do not belong in it", full);
    }
    if (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && may_use_http(host))) {
        return true;
    }
    return error_set(
        error, ERROR_USAGE,
        "%s names the host %.100s with %s: it must be https, or http to this machine (127.0.0.1, "
        "::1, localhost), 169.254.170.2, 169.254.170.23 or fd00:ec2::23",
        full, host, scheme);
}

static void set_host(struct container *container, CURLU *url) {
    copy_part(url, CURLUPART_HOST, container->host, sizeof container->host);
    size_t length = strlen(container->host);
    if (length >= 2 && container->host[0] == '[') { // an IPv6 address
        memmove(container->host, container->host + 1, length - 2);
        container->host[length - 2] = '\0';
    }
}

// The URL as libcurl understands it, so that what is checked is what is used.
static bool set_url(struct container *container, const char *text, const char *variable,
                    struct error *error) {
    CURLU *url = curl_url();
    char *whole = NULL;
    bool valid = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                 curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK;
    if (valid) {
        set_host(container, url);
        valid = check_parts(url, container->host, error);
        container->url = valid ? memory_copy_text(whole) : NULL;
    } else {
        error_set(error, ERROR_USAGE, "%s is no %s", variable,
                  variable == full ? "URL: it must be http://HOST/PATH or https://HOST/PATH"
                                   : "path: it must begin with /");
    }
    curl_free(whole);
    curl_url_cleanup(url);
    return valid;
}

static bool set_endpoint(struct container *container, struct error *error) {
    const char *path = container->settings->aws_container_credentials_relative_uri;
    const char *uri = container->settings->aws_container_credentials_full_uri;
    char text[1024];
    if (path[0] == '\0') {
        return uri[0] == '\0' || set_url(container, uri, full, error);
    }
    if (path[0] != '/' || strlen(path) > sizeof text - sizeof ECS_ENDPOINT) {
        return error_set(error, ERROR_USAGE, "%s must be a path that begins with /, of at most %zu bytes",
                         relative, sizeof text - sizeof ECS_ENDPOINT);
    }
    snprintf(text, sizeof text, ECS_ENDPOINT "%s", path);
    return set_url(container, text, relative, error);
}

static void on_answer(void *context, const struct http_answer *answer) {
    struct container *container = context;
    struct credentials_found found = {0};
    struct error error = {0};
    char said[DOCUMENT_ERROR_SIZE];
    if (answer->status == 0) {
        provider_say(container->done, container->context, PROVIDER_FAILED, "%.100s gives no answer: %s",
                     container->host, answer->failure);
    } else if (answer->status != 200) {
        document_error(answer->body, said);
        provider_say(container->done, container->context, PROVIDER_FAILED, "%.100s answers HTTP %d%s%s%s",
                     container->host, answer->status, said[0] != '\0' ? ": " : "", said,
                     answer->status >= 300 && answer->status < 400 ? " (redirects are not followed)" : "");
    } else if (!document_parse(&found, DOCUMENT_SERVICE, answer->body, &error)) {
        provider_say(container->done, container->context, PROVIDER_FAILED,
                     "what %.100s answers cannot be used: %s", container->host, error.text);
    } else {
        snprintf(found.source, sizeof found.source, "container (%.100s)", container->host);
        container->done(container->context, PROVIDER_FOUND, &found, NULL);
    }
    memory_wipe(&found, sizeof found);
}

static void strip_line_breaks(char *text) {
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) {
        text[--length] = '\0';
    }
}

// The token for the header, "" when none is set, or NULL (error) when it cannot be used.
static char *read_token(const struct settings *settings, struct error *error) {
    const char *path = settings->aws_container_authorization_token_file;
    const char *name =
        path[0] != '\0' ? "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" : "AWS_CONTAINER_AUTHORIZATION_TOKEN";
    char *token = path[0] != '\0' ? secret_file_read(path, name, error)
                                  : memory_copy_text(settings->aws_container_authorization_token);
    if (token == NULL) {
        return NULL;
    }
    strip_line_breaks(token);
    for (const char *byte = token; *byte != '\0'; byte++) {
        if (*byte < ' ' || *byte > '~') {
            error_set(error, ERROR_CREDENTIALS,
                      "%s holds byte 0x%02x at position %zu, but only printable ASCII is allowed: a line "
                      "break would be a header of its own",
                      name, (unsigned char)*byte, (size_t)(byte - token) + 1);
            memory_free_secret(token);
            return NULL;
        }
    }
    return token;
}

static void ask(struct container *container, const char *token) {
    size_t size = sizeof "Authorization: " + strlen(token);
    char *header = memory_allocate(size, 1);
    snprintf(header, size, "Authorization: %s", token);
    const struct question question = {
        .method = HTTP_GET,
        .url = container->url,
        .headers = {"Accept: application/json", token[0] != '\0' ? header : NULL},
        .timeout_us = TIMEOUT_US,
        .attempts = ATTEMPTS,
        .direct = true};
    asker_ask(container->asker, &question, on_answer, container);
    memory_free_secret(header);
}

static void fetch(void *self, provider_done_fn done, void *context) {
    struct container *container = self;
    struct error error = {0};
    container->done = done;
    container->context = context;
    if (container->url == NULL) {
        provider_say(done, context, PROVIDER_ABSENT, "%s and ..._FULL_URI are not set", relative);
        return;
    }
    char *token = read_token(container->settings, &error);
    if (token == NULL) {
        done(context, PROVIDER_FAILED, NULL, error.text);
        return;
    }
    ask(container, token);
    memory_free_secret(token);
}

static void free_container(void *self) {
    struct container *container = self;
    asker_free(container->asker);
    memory_free_secret(container->url);
    free(container);
}

bool container_provider(struct provider *ret, const struct provider_means *means, struct error *error) {
    struct container *container = memory_allocate(1, sizeof *container);
    container->settings = means->settings;
    container->asker = asker_new(means->base, means->http);
    if (!set_endpoint(container, error)) {
        free_container(container);
        return false;
    }
    *ret = (struct provider){.name = "container", .self = container, .fetch = fetch, .free = free_container};
    return true;
}
