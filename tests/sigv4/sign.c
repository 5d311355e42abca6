// SPDX-License-Identifier: Apache-2.0
// Signs the requests it reads, for the cross-check. A line of standard input is a request, its fields ended
// by the byte 0x1f:
//     method path query region service access-key-id secret session-token unix-seconds body header...
// The body is in hexadecimal digits; an empty field is an empty text; a header is two fields, name and value.
// A line of standard output is the request's x-amz-date, a tab, and its Authorization. One signer serves all
// lines, so that the reuse of keys is checked as well.
#include "aws/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METHOD, PATH, QUERY, REGION, SERVICE, ACCESS_KEY_ID, SECRET, TOKEN, SECONDS, BODY, FIELD_COUNT };

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "sign: %s\n", what);
    exit(1);
}

// Takes the next field off the line.
static char *take(char **line) {
    char *end = strchr(*line, 0x1f);
    char *field = *line;

    if (end == NULL) {
        fail("a line has too few fields");
    }
    *end = '\0';
    *line = end + 1;
    return field;
}

static size_t take_headers(char **line, struct sigv4_header headers[SIGV4_HEADERS_MAX]) {
    size_t count = 0;

    for (; **line != '\n' && **line != '\0'; count++) {
        if (count == SIGV4_HEADERS_MAX) {
            fail("a line has too many headers");
        }
        headers[count].name = take(line);
        headers[count].value = take(line);
    }
    return count;
}

static unsigned digit_value(char digit) {
    const char *digits = "0123456789abcdef";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit);

    if (found == NULL) {
        fail("a body is not in hexadecimal digits");
    }
    return (unsigned)(found - digits);
}

// Turns the digits into bytes, in place.
static size_t decode(char *hex) {
    size_t length = strlen(hex) / 2;

    for (size_t index = 0; index < length; index++) {
        hex[index] = (char)(digit_value(hex[2 * index]) << 4 | digit_value(hex[2 * index + 1]));
    }
    return length;
}

static void copy(char *target, size_t size, const char *text) {
    if (strlen(text) >= size) {
        fail("a credential is too long");
    }
    memcpy(target, text, strlen(text) + 1);
}

static void sign(struct sigv4_signer *signer, char *line) {
    char *fields[FIELD_COUNT];
    struct aws_credentials credentials;
    struct sigv4_signature signature;
    struct sigv4_header headers[SIGV4_HEADERS_MAX];
    struct error error;

    for (int index = 0; index < FIELD_COUNT; index++) {
        fields[index] = take(&line);
    }
    size_t header_count = take_headers(&line, headers);
    copy(credentials.access_key_id, sizeof credentials.access_key_id, fields[ACCESS_KEY_ID]);
    copy(credentials.secret_access_key, sizeof credentials.secret_access_key, fields[SECRET]);
    copy(credentials.session_token, sizeof credentials.session_token, fields[TOKEN]);
    struct sigv4_request request = {
        .method = fields[METHOD],
        .path = fields[PATH],
        .query = fields[QUERY],
        .region = fields[REGION],
        .service = fields[SERVICE],
        .headers = headers,
        .header_count = header_count,
        .payload = fields[BODY],
        .payload_length = decode(fields[BODY]),
    };
    if (!sigv4_sign(signer, &credentials, &request, strtoll(fields[SECONDS], NULL, 10) * 1000000, &signature,
                    &error)) {
        fail(error.text);
    }
    printf("%s\t%s\n", signature.date, signature.authorization);
}

int main(void) {
    struct error error;
    struct sigv4_signer *signer = sigv4_signer_create(&error);
    char *line = NULL;
    size_t size = 0;

    if (signer == NULL) {
        fail(error.text);
    }
    while (getline(&line, &size, stdin) > 0) {
        sign(signer, line);
    }
    free(line);
    sigv4_signer_free(signer);
    return 0;
}
