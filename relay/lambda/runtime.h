// SPDX-License-Identifier: Apache-2.0
// The runtime API of AWS Lambda, by which a process takes invocations and answers them, one after the other
// (AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes"). Plain HTTP on the machine
// itself.
//
// Between an answer and the next invocation Lambda freezes the process, for seconds or for hours: nothing is
// timed while an invocation is waited for.
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "settings/settings.h"

#include <event2/event.h>
#include <stdint.h>

struct runtime;

// What came from the API. Views that live while `invoked` runs.
struct invocation {
    const char *request_id;
    int64_t deadline_unix_us; // by which it must be answered; 0: not known
    const char *trace_id;     // of AWS X-Ray; "": none
    struct slice event;
};

struct runtime_listener {
    void *context;
    void (*invoked)(void *context, const struct invocation *invocation);
    // What was posted is accepted, or refused as too late or too large: the next invocation may be asked for.
    void (*answered)(void *context);
    // The API cannot be reached, or has failed: the process must end (as Lambda demands for its status 500).
    void (*broken)(void *context, const struct error *error);
};

// runtime_new checks settings->aws_lambda_runtime_api (host:port) and asks nothing yet. Fails (ERROR_USAGE)
// when that is not set or malformed.
struct runtime *runtime_new(struct event_base *base, const struct settings *settings,
                            const struct runtime_listener *listener, struct error *error);

// runtime_free drops what is under way; not from within a call of the listener. NULL is fine.
void runtime_free(struct runtime *runtime);

// runtime_next asks for the next invocation, for as long as it takes.
void runtime_next(struct runtime *runtime);

// These answer the invocation that came last; the text is copied. runtime_fail says that it has failed as a
// whole, with a type ("Runtime.BadEvent") and a message.
void runtime_respond(struct runtime *runtime, struct slice json);
void runtime_fail(struct runtime *runtime, const char *type, const char *message);

// runtime_fail_start says that there will be no invocations: only before the first runtime_next.
void runtime_fail_start(struct runtime *runtime, const char *type, const char *message);

// runtime_request_id is that of the invocation that came last; "" before.
const char *runtime_request_id(const struct runtime *runtime);
