// SPDX-License-Identifier: Apache-2.0
// outbox-relay lambda: the consumer as a custom runtime of AWS Lambda, around one event loop.
#include "lambda/lambda.h"

#include "commands/command.h"
#include "commands/stop.h"

#include <signal.h>

struct stopping {
    struct lambda *lambda;
    bool begun;
};

// The first signal stops in good order, the second at once.
static void on_stop_signal(evutil_socket_t signal_number, short kinds, void *context) {
    (void)kinds;
    struct stopping *stopping = context;
    if (stopping->begun) {
        stop_at_once(signal_number);
    }
    stopping->begun = true;
    lambda_stop(stopping->lambda);
}

static bool run(struct event_base *base, const struct settings *settings, struct error *error) {
    struct stopping stopping = {.lambda = lambda_new(base, settings, error)};
    if (stopping.lambda == NULL) {
        return false;
    }
    struct event *terminate = evsignal_new(base, SIGTERM, on_stop_signal, &stopping);
    struct event *interrupt = evsignal_new(base, SIGINT, on_stop_signal, &stopping);
    evsignal_add(terminate, NULL);
    evsignal_add(interrupt, NULL);
    event_base_dispatch(base);
    bool good = lambda_result(stopping.lambda, error);
    event_free(terminate);
    event_free(interrupt);
    lambda_free(stopping.lambda);
    return good;
}

bool command_lambda(const struct settings *settings, const char *const *operands, int operand_count,
                    struct error *error) {
    (void)operands;
    (void)operand_count;
    signal(SIGPIPE, SIG_IGN);
    struct event_base *base = event_base_new();
    if (base == NULL) {
        return error_set(error, ERROR_INTERNAL, "the event loop cannot be made");
    }
    bool good = run(base, settings, error);
    event_base_free(base);
    return good;
}
