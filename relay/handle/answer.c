// SPDX-License-Identifier: Apache-2.0
#include "handle/answer.h"

#include "handle/url.h"
#include "http/date.h"

#include <stdio.h>
#include <string.h>

static const int64_t SECOND_US = 1000000;
static const int64_t RETRY_AFTER_MOST_US = 3600 * INT64_C(1000000);

// A number of seconds, of which one with more digits is more than the most in any case, or a date. Source:
// RFC 9110, section 10.2.3.
static int64_t read_retry_after(const char *value, int64_t now_unix_us) {
    int64_t us = 0;
    size_t digits = value != NULL ? strspn(value, "0123456789") : 0;
    if (digits > 0 && value[digits] == '\0') {
        for (size_t index = 0; index < digits && us < RETRY_AFTER_MOST_US; index++) {
            us = us * 10 + (value[index] - '0') * SECOND_US;
        }
    } else if (http_date_parse(value, &us)) {
        us -= now_unix_us;
    }
    return us < 0 ? 0 : us < RETRY_AFTER_MOST_US ? us : RETRY_AFTER_MOST_US;
}

static void describe_redirect(const struct http_answer *answer, char reason[ANSWER_REASON_SIZE]) {
    const char *location = http_answer_header(answer, "Location");
    char where[LINE_SIZE];
    // It often repeats the handler's own path, which can hold a secret.
    line_first(url_origin(location != NULL ? location : ""), where);
    snprintf(reason, ANSWER_REASON_SIZE, "HTTP %d: redirects are not followed%s%s", answer->status,
             where[0] != '\0' ? ", this one leads to " : "", where);
}

static void describe(const struct http_answer *answer, char reason[ANSWER_REASON_SIZE]) {
    char line[LINE_SIZE];
    if (answer->status >= 300 && answer->status < 400) {
        describe_redirect(answer, reason);
        return;
    }
    line_first(answer->status == 0 ? slice_of_text(answer->failure) : answer->body, line);
    if (answer->status == 0) {
        snprintf(reason, ANSWER_REASON_SIZE, "%s: %s",
                 answer->unreached ? "it cannot be reached" : "no answer", line);
    } else {
        snprintf(reason, ANSWER_REASON_SIZE, "HTTP %d%s%s", answer->status, line[0] != '\0' ? ": " : "",
                 line);
    }
}

void answer_judge(const struct http_answer *answer, int64_t now_unix_us, struct handled *ret,
                  char reason[ANSWER_REASON_SIZE]) {
    int status = answer->status;
    if (status >= 200 && status < 300) {
        *ret = (struct handled){.kind = HANDLED_DONE};
        return;
    }
    describe(answer, reason);
    *ret = (struct handled){.kind = HANDLED_FAILED, .reason = reason};
    ret->outage =
        status == 0 ? answer->unreached : status == 429 || status == 502 || status == 503 || status == 504;
    if (status == 429 || status == 503) {
        ret->retry_after_us = read_retry_after(http_answer_header(answer, "Retry-After"), now_unix_us);
    }
}
