// SPDX-License-Identifier: Apache-2.0
// The consumer as a custom runtime of AWS Lambda, whose function gets the messages of an SQS queue. It takes
// one invocation after the other, hands all its messages to the intake, and answers with those that are to
// come again (Lambda Developer Guide, "Reporting batch item failures": the event source mapping must have
// FunctionResponseTypes ReportBatchItemFailures).
//
// A message that no handler has finished when the invocation's deadline is near is answered as failed. Its
// handler is not ended by that, and may go on in the next invocation: at least once. Where its effect is in
// SQL, the next delivery is recognised as repeated.
//
// Lambda freezes the process between invocations. Connections to the database may be dead afterwards, which
// shows when they are used: what fails then is tried again when the handlers have opened new ones, if that
// takes no longer than two seconds.
#pragma once

#include "base/error.h"
#include "settings/settings.h"

#include <event2/event.h>
#include <stdbool.h>

struct lambda;

// lambda_new begins; the loop does the rest, and is broken (event_base_loopbreak) when it is over. Fails
// (ERROR_USAGE) where there is no runtime API; all other errors are told to that, and then to lambda_result.
struct lambda *lambda_new(struct event_base *base, const struct settings *settings, struct error *error);
void lambda_free(struct lambda *lambda); // NULL is fine

// lambda_stop ends in good order, within half a second: what no handler has begun is let go, what is under
// way has a moment, and the invocation is answered.
void lambda_stop(struct lambda *lambda);

// lambda_result is false, with the error, when the loop was broken by one.
bool lambda_result(const struct lambda *lambda, struct error *error);
