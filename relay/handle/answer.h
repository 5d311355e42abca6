// SPDX-License-Identifier: Apache-2.0
// What a handler's answer says about the event. An outage does not count against the event: nobody could be
// reached, or who answered says that the application could not (429, 502, 503, 504). All else but 2xx is
// counted: an event that brings the application down, or that it never answers, must not come for ever.
#pragma once

#include "handle/handlers.h"
#include "handle/line.h"
#include "http/client.h"

enum {
    ANSWER_REASON_SIZE = LINE_SIZE + 100,
    ANSWER_BODY_KEPT = 4096, // what is needed of a body
};

// answer_judge fills `ret`; its reason is `reason`. The time that Retry-After asks for (with 429 and 503) is
// an hour at most.
void answer_judge(const struct http_answer *answer, int64_t now_unix_us, struct handled *ret,
                  char reason[ANSWER_REASON_SIZE]);
