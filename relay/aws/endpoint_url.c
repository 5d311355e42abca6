// SPDX-License-Identifier: Apache-2.0
// A configured URL is read into its parts and written anew from them, so that what is connected to, what the
// Host header says and what is signed cannot differ.
#include "aws/endpoint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_NAME_MAX_LENGTH = 253, PORT_MAX = 65535 };

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

struct parts {
    bool is_https;
    const char *host; // a slice of the URL, with the brackets of an IPv6 address
    size_t host_length;
    unsigned port; // 0: the scheme's own
    const char *path;
};

// Each read_ function moves *cursor over its part and returns the rule that is broken, or NULL.

static const char *read_scheme(struct parts *parts, const char **cursor) {
    if (strncasecmp(*cursor, "https://", 8) == 0) {
        parts->is_https = true;
        *cursor += 8;
        return NULL;
    }
    if (strncasecmp(*cursor, "http://", 7) == 0) {
        parts->is_https = false;
        *cursor += 7;
        return NULL;
    }
    return "it must begin with https:// or http://";
}

static const char *read_host(struct parts *parts, const char **cursor) {
    const char *start = *cursor;
    size_t length;

    if (*start == '[') {
        length = 1 + strspn(start + 1, "0123456789abcdefABCDEF:.");
        if (length < 4 || start[length] != ']') {
            return "an IPv6 address must be closed with ], as in http://[::1]:4566";
        }
        length++;
    } else {
        length = strspn(start, ALPHANUMERIC "-._");
    }
    if (length == 0 || length > HOST_NAME_MAX_LENGTH) {
        return "the host must be 1 to 253 of A-Z, a-z, 0-9, hyphen, underscore and dot, or an IPv6 address "
               "in []";
    }
    parts->host = start;
    parts->host_length = length;
    *cursor += length;
    return NULL;
}

static const char *read_port(struct parts *parts, const char **cursor) {
    unsigned port = 0;

    if (**cursor != ':') {
        return NULL;
    }
    for ((*cursor)++; isdigit((unsigned char)**cursor) && port <= PORT_MAX; (*cursor)++) {
        port = port * 10 + (unsigned)(**cursor - '0');
    }
    if (port == 0 || port > PORT_MAX) {
        return "the port must be 1 to 65535";
    }
    parts->port = port == (parts->is_https ? 443u : 80u) ? 0 : port;
    return NULL;
}

// SigV4 signs a normalized path; a path that has nothing to normalize is the same on every side.
static bool path_canonical(const char *path) {
    while (*path == '/') {
        path++;
        size_t length = strcspn(path, "/");
        bool is_last = path[length] == '\0';
        if ((length == 0 && !is_last) || (length == 1 && path[0] == '.') ||
            (length == 2 && path[0] == '.' && path[1] == '.')) {
            return false;
        }
        path += length;
    }
    return *path == '\0';
}

static const char *read_path(struct parts *parts, const char *cursor) {
    if (strpbrk(cursor, "?#") != NULL) {
        return "it must have no query and no fragment";
    }
    parts->path = *cursor == '\0' ? "/" : cursor;
    if (strlen(parts->path) >= AWS_ENDPOINT_PATH_SIZE) {
        return "the path must be shorter than 512 characters";
    }
    if (parts->path[strspn(parts->path, ALPHANUMERIC "-_.~/")] != '\0' || !path_canonical(parts->path)) {
        return "after host and port only a path may follow, of A-Z, a-z, 0-9, - _ . ~ and single /, without "
               ". or ..";
    }
    return NULL;
}

static const char *read_parts(struct parts *parts, const char *url) {
    const char *cursor = url;
    const char *rule = read_scheme(parts, &cursor);

    if (rule == NULL) {
        rule = read_host(parts, &cursor);
    }
    if (rule == NULL) {
        rule = read_port(parts, &cursor);
    }
    return rule == NULL ? read_path(parts, cursor) : rule;
}

static void write_endpoint(struct aws_endpoint *ret, const struct parts *parts) {
    size_t length = parts->host_length;

    for (size_t index = 0; index < length; index++) {
        ret->host[index] = (char)tolower((unsigned char)parts->host[index]);
    }
    ret->host[length] = '\0';
    if (parts->port != 0) {
        snprintf(ret->host + length, sizeof ret->host - length, ":%u", parts->port);
    }
    snprintf(ret->path, sizeof ret->path, "%s", parts->path);
    snprintf(ret->url, sizeof ret->url, "%s://%s%s", parts->is_https ? "https" : "http", ret->host,
             ret->path);
}

bool aws_endpoint_from_url(struct aws_endpoint *ret, const char *name, const char *url, struct error *error) {
    struct parts parts = {0};

    if (strchr(url, '@') != NULL) { // not shown: what stands before the @ may be a password
        return error_set(
            error, ERROR_USAGE,
            "%s holds an @: a URL with a user name or password is not allowed, since AWS requests are "
            "signed with AWS credentials",
            name);
    }
    const char *rule = read_parts(&parts, url);
    if (rule != NULL) {
        return error_set(error, ERROR_USAGE, "%s is \"%.300s\": %s", name, url, rule);
    }
    write_endpoint(ret, &parts);
    return true;
}
