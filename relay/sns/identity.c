// SPDX-License-Identifier: Apache-2.0
// Who the publisher is to SNS: what follows when credentials come, and when they are refused.
#include "aws/failure.h"
#include "base/clock.h"
#include "sns/state.h"

// New credentials are tried at once, and with them what has waited since the old ones were refused. That
// there are none ends the relay only where none can come.
static void on_credentials(void *context) {
    struct publisher *publisher = context;
    struct error error;
    if (credentials_now(publisher->credentials) != NULL) {
        if (breaker_hurry(&publisher->breaker, clock_monotonic_us())) {
            publisher->listener.recovered(publisher->listener.context);
        }
        send_waiting(publisher);
    } else if (credentials_absent(publisher->credentials)) {
        error_set(&error, ERROR_CREDENTIALS, "%s", credentials_problem(publisher->credentials));
        publisher->listener.broken(publisher->listener.context, &error);
    }
}

bool identity_init(struct publisher *publisher, struct event_base *base, struct error *error) {
    const struct credentials_listener listener = {publisher, on_credentials};
    publisher->credentials = credentials_new(base, publisher->settings, &listener, error);
    if (publisher->credentials != NULL && credentials_absent(publisher->credentials)) {
        return error_set(error, ERROR_CREDENTIALS, "%s", credentials_problem(publisher->credentials));
    }
    return publisher->credentials != NULL;
}

void identity_accepted(struct publisher *publisher, const struct batch *batch) {
    if (batch->signed_with == credentials_version(publisher->credentials)) {
        credentials_accepted(publisher->credentials);
    }
}

// What was signed with credentials that others have replaced since is signed again. A refusal of those that
// are in use has them fetched anew, if that may help.
void identity_refused(struct publisher *publisher, struct batch *batch, const char *code,
                      const char *reason) {
    if (batch->signed_with != credentials_version(publisher->credentials)) {
        breaker_release(&publisher->breaker);
        breaker_release(&batch->topic->breaker);
        judge_send_again(batch);
        return;
    }
    if (aws_failure_of_code(code) == AWS_FAILURE_CREDENTIALS) {
        credentials_refused(publisher->credentials);
    }
    judge_credentials(publisher, batch, reason);
}
