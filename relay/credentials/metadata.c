// SPDX-License-Identifier: Apache-2.0
// Version 2 of the instance metadata service alone: a token by PUT, the name of the role, its credentials;
// or, by the same token, the region. Nothing that answers there with an error of the 4xx kind is taken for
// it, for other clouds have other services at this address. Source:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
#include "credentials/metadata.h"

#include "aws/arn.h"
#include "base/memory.h"
#include "credentials/ask.h"
#include "credentials/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_HEADER "X-aws-ec2-metadata-token: "
#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"
#define REGION_PATH "/latest/meta-data/placement/region"

enum {
    ENDPOINT_SIZE = 256,
    ROLE_SIZE = 65, // IAM's own limit
    URL_SIZE = ENDPOINT_SIZE + sizeof ROLES_PATH + ROLE_SIZE,
    TOKEN_MAX = 1024,
    TIMEOUT_S = 1,
};

struct metadata {
    const struct settings *settings;
    struct asker *asker;
    char endpoint[ENDPOINT_SIZE]; // without a slash at its end
    char token_header[sizeof TOKEN_HEADER + TOKEN_MAX];
    char role[ROLE_SIZE];
    provider_done_fn done;          // NULL when the region is asked for
    metadata_region_fn region_done; // and then this one
    void *context;
};

static void end(struct metadata *metadata, enum provider_result result, const struct credentials_found *found,
                const char *reason) {
    memory_wipe(metadata->token_header, sizeof metadata->token_header);
    if (metadata->done != NULL) {
        metadata->done(metadata->context, result, found, reason);
    } else {
        metadata->region_done(metadata->context, NULL, reason);
    }
}

// Why an answer is none; `what` was asked for.
static void end_without(struct metadata *metadata, const struct http_answer *answer, const char *what,
                        enum provider_result result) {
    struct error error;
    if (answer->status == 0) {
        error_set(&error, ERROR_CREDENTIALS, "%s does not answer for %s (%s)", metadata->endpoint, what,
                  answer->failure);
    } else {
        error_set(&error, ERROR_CREDENTIALS, "%s answers HTTP %d for %s", metadata->endpoint, answer->status,
                  what);
    }
    end(metadata, result, NULL, error.text);
}

static void ask(struct metadata *metadata, enum http_method method, const char *url, const char *header,
                void (*done)(void *context, const struct http_answer *answer)) {
    int64_t timeout = metadata->settings->aws_metadata_service_timeout;
    int64_t attempts = metadata->settings->aws_metadata_service_num_attempts;
    const struct question question = {.method = method,
                                      .url = url,
                                      .headers = {header},
                                      .timeout_us = (timeout > 0 ? timeout : TIMEOUT_S) * 1000000,
                                      .attempts = attempts > 0 ? (int)attempts : 1,
                                      .direct = true};
    asker_ask(metadata->asker, &question, done, metadata);
}

// Copies one line of printable ASCII without blanks; false when the text is something else, or too long.
static bool copy_line(char *ret, size_t size, struct slice text) {
    while (text.length > 0 && (text.data[text.length - 1] == '\n' || text.data[text.length - 1] == '\r')) {
        text.length--;
    }
    for (size_t index = 0; index < text.length; index++) {
        if (text.data[index] <= ' ' || text.data[index] > '~') {
            return false;
        }
    }
    if (text.length == 0 || text.length >= size) {
        return false;
    }
    memcpy(ret, text.data, text.length);
    ret[text.length] = '\0';
    return true;
}

static void on_credentials(void *context, const struct http_answer *answer) {
    struct metadata *metadata = context;
    struct credentials_found found = {0};
    struct error error = {0};
    if (answer->status != 200) {
        end_without(metadata, answer, "the role's credentials", PROVIDER_FAILED);
    } else if (!document_parse(&found, DOCUMENT_SERVICE, answer->body, &error)) {
        error_prefix(&error, "the credentials of role %s cannot be used", metadata->role);
        end(metadata, PROVIDER_FAILED, NULL, error.text);
    } else {
        snprintf(found.source, sizeof found.source, "instance metadata (role %s)", metadata->role);
        end(metadata, PROVIDER_FOUND, &found, NULL);
    }
    memory_wipe(&found, sizeof found);
}

static bool is_role(const char *text) {
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-") ==
           strlen(text);
}

static void on_role(void *context, const struct http_answer *answer) {
    struct metadata *metadata = context;
    char url[URL_SIZE];
    if (answer->status == 404) {
        end(metadata, PROVIDER_ABSENT, NULL, "the instance has no role: attach an instance profile to it");
    } else if (answer->status != 200) {
        end_without(metadata, answer, "the instance's role", PROVIDER_FAILED);
    } else if (!copy_line(metadata->role, sizeof metadata->role, answer->body) || !is_role(metadata->role)) {
        end(metadata, PROVIDER_FAILED, NULL, "the instance's role is not named by one line");
    } else {
        snprintf(url, sizeof url, "%s" ROLES_PATH "%s", metadata->endpoint, metadata->role);
        ask(metadata, HTTP_GET, url, metadata->token_header, on_credentials);
    }
}

static void on_region(void *context, const struct http_answer *answer) {
    struct metadata *metadata = context;
    char region[AWS_REGION_SIZE];
    if (answer->status != 200) {
        end_without(metadata, answer, "the instance's region", PROVIDER_FAILED);
    } else if (!copy_line(region, sizeof region, answer->body) || !aws_region_valid(region)) {
        end(metadata, PROVIDER_FAILED, NULL, "the instance's region is none");
    } else {
        memory_wipe(metadata->token_header, sizeof metadata->token_header);
        metadata->region_done(metadata->context, region, NULL);
    }
}

static void on_token(void *context, const struct http_answer *answer) {
    struct metadata *metadata = context;
    char url[URL_SIZE];
    size_t name = sizeof TOKEN_HEADER - 1;
    if (answer->status != 200) {
        bool in_trouble = answer->status >= 500;
        end_without(metadata, answer, "a token", in_trouble ? PROVIDER_FAILED : PROVIDER_ABSENT);
        return;
    }
    memcpy(metadata->token_header, TOKEN_HEADER, name);
    if (!copy_line(metadata->token_header + name, sizeof metadata->token_header - name, answer->body)) {
        end(metadata, PROVIDER_FAILED, NULL, "the service's token is not one line of printable ASCII");
        return;
    }
    bool for_region = metadata->done == NULL;
    snprintf(url, sizeof url, "%s%s", metadata->endpoint, for_region ? REGION_PATH : ROLES_PATH);
    ask(metadata, HTTP_GET, url, metadata->token_header, for_region ? on_region : on_role);
}

static void begin(struct metadata *metadata) {
    char url[URL_SIZE];
    if (metadata->settings->aws_ec2_metadata_disabled) {
        end(metadata, PROVIDER_ABSENT, NULL, "AWS_EC2_METADATA_DISABLED says not to ask");
        return;
    }
    snprintf(url, sizeof url, "%s/latest/api/token", metadata->endpoint);
    ask(metadata, HTTP_PUT, url, "X-aws-ec2-metadata-token-ttl-seconds: 21600", on_token);
}

static void fetch(void *self, provider_done_fn done, void *context) {
    struct metadata *metadata = self;
    metadata->done = done;
    metadata->context = context;
    begin(metadata);
}

void metadata_region(struct metadata *metadata, metadata_region_fn done, void *context) {
    metadata->done = NULL;
    metadata->region_done = done;
    metadata->context = context;
    begin(metadata);
}

void metadata_free(struct metadata *metadata) {
    if (metadata != NULL) {
        asker_free(metadata->asker);
        memory_wipe(metadata->token_header, sizeof metadata->token_header);
        free(metadata);
    }
}

static void free_metadata(void *self) {
    metadata_free(self);
}

static bool set_endpoint(struct metadata *metadata, struct error *error) {
    static const char name[] = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
    const char *given = metadata->settings->aws_ec2_metadata_service_endpoint;
    const char *mode = metadata->settings->aws_ec2_metadata_service_endpoint_mode;
    bool is_v6 = strcasecmp(mode, "IPv6") == 0;
    if (!is_v6 && mode[0] != '\0' && strcasecmp(mode, "IPv4") != 0) {
        return error_set(error, ERROR_USAGE, "%s_MODE is \"%.64s\": it must be IPv4 or IPv6", name, mode);
    }
    const char *standard = is_v6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    const char *text = given[0] != '\0' ? given : standard;
    bool is_url = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
    if (!is_url || strchr(text, '@') != NULL ||
        !copy_line(metadata->endpoint, sizeof metadata->endpoint, slice_of_text(text))) {
        return error_set(error, ERROR_USAGE,
                         "%s must be http://HOST or https://HOST, perhaps with a port and a path, of at most "
                         "%d characters, without blanks and @",
                         name, ENDPOINT_SIZE - 1);
    }
    size_t length = strlen(metadata->endpoint);
    if (metadata->endpoint[length - 1] == '/') {
        metadata->endpoint[length - 1] = '\0';
    }
    return true;
}

struct metadata *metadata_new(const struct provider_means *means, struct error *error) {
    struct metadata *metadata = memory_allocate(1, sizeof *metadata);
    metadata->settings = means->settings;
    metadata->asker = asker_new(means->base, means->http);
    if (!set_endpoint(metadata, error)) {
        metadata_free(metadata);
        return NULL;
    }
    return metadata;
}

bool metadata_provider(struct provider *ret, const struct provider_means *means, struct error *error) {
    struct metadata *metadata = metadata_new(means, error);
    if (metadata == NULL) {
        return false;
    }
    *ret = (struct provider){
        .name = "instance metadata", .self = metadata, .fetch = fetch, .free = free_metadata};
    return true;
}
