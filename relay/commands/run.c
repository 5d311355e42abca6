// SPDX-License-Identifier: Apache-2.0
// The command `run`: builds the relay around one event loop, and turns signals into stopping.
#include "admin/admin.h"
#include "base/log.h"
#include "bus/bus.h"
#include "commands/command.h"
#include "commands/log_timer.h"
#include "commands/reload.h"
#include "commands/stop.h"
#include "commands/supervision.h"
#include "outbox/relay.h"
#include "sink/stdout.h"
#include "sns/publisher.h"
#include "upkeep/upkeep.h"

#include <signal.h>

struct run {
    struct event_base *base;
    struct relay *relay;
    struct sink sink;
    struct upkeep *upkeep;           // NULL until the relay has started
    struct supervision *supervision; // the same
    bool stopping;                   // by a signal
};

// The first signal stops in good order, the second at once.
static void on_stop_signal(evutil_socket_t signal_number, short kinds, void *context) {
    (void)kinds;
    struct run *run = context;
    if (run->stopping) {
        stop_at_once(signal_number);
    }
    run->stopping = true;
    upkeep_stop(run->upkeep);
    relay_stop(run->relay);
    supervision_look(run->supervision);
}

static bool make_sink(struct sink *sink, struct run *run, const struct settings *settings,
                      struct error *error) {
    struct sink_listener listener = relay_listener(run->relay);
    switch ((enum sink_kind)settings->sink) {
    case SINK_STDOUT:
        return sink_stdout_new(sink, run->base, settings, &listener, error);
    case SINK_HANDLERS:
        return bus_new(sink, run->base, settings, &listener, error);
    case SINK_SNS:
        break;
    }
    return sns_publisher_new(sink, run->base, settings, &listener, error);
}

static void add_health(void *context, struct health *health) {
    const struct run *run = context;
    relay_health(run->relay, health);
    run->sink.health(run->sink.self, health);
}

static bool is_stopping(void *context) {
    const struct run *run = context;
    return run->stopping || relay_is_stopping(run->relay);
}

static const char *report(void *context) {
    const struct run *run = context;
    return run->upkeep != NULL ? upkeep_report(run->upkeep) : NULL;
}

static struct admin_subject subject_of(struct run *run) {
    return (struct admin_subject){.context = run,
                                  .owner = METRIC_OF_RUN,
                                  .command = "run",
                                  .health = add_health,
                                  .is_stopping = is_stopping,
                                  .report = report};
}

static bool start_and_loop(struct run *run, const struct settings *settings, struct routes *routes,
                           struct error *error) {
    struct event *terminate = evsignal_new(run->base, SIGTERM, on_stop_signal, run);
    struct event *interrupt = evsignal_new(run->base, SIGINT, on_stop_signal, run);
    evsignal_add(terminate, NULL);
    evsignal_add(interrupt, NULL);
    bool good = relay_start(run->relay, &run->sink, error);
    if (good) {
        run->upkeep = upkeep_new(run->base, settings, routes);
        const struct admin_subject subject = subject_of(run);
        run->supervision = supervision_new(run->base, &subject);
        event_base_dispatch(run->base);
        good = relay_result(run->relay, error);
    }
    supervision_free(run->supervision);
    run->supervision = NULL;
    upkeep_free(run->upkeep);
    run->upkeep = NULL;
    event_free(terminate);
    event_free(interrupt);
    return good;
}

// Whatever looks at relay and sink is made after them and freed before.
static bool run_relay(struct run *run, const struct settings *settings, struct routes *routes,
                      struct error *error) {
    if (!make_sink(&run->sink, run, settings, error)) {
        return false;
    }
    const struct admin_subject subject = subject_of(run);
    struct admin *admin = admin_new(run->base, settings, &subject, error);
    bool good = admin != NULL && start_and_loop(run, settings, routes, error);
    admin_free(admin);
    run->sink.free(run->sink.self);
    return good;
}

// The changelist saves system calls: libcurl changes what it waits for several times a request. Timers are
// precise: those of the coarse clock are up to 4 ms late, twice the time between two looks.
static struct event_base *new_event_base(void) {
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST | EVENT_BASE_FLAG_PRECISE_TIMER);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

// Whoever names handlers wants them to run. They are not even read then.
static void warn_of_handlers(const struct settings *settings) {
    if (settings->on[0] != '\0' && settings->sink != SINK_HANDLERS) {
        log_warn("no handler runs: --on (OUTBOX_ON) counts only with --sink handlers");
    }
}

bool command_run(const struct settings *settings, const char *const *operands, int operand_count,
                 struct error *error) {
    (void)operands;
    (void)operand_count;
    signal(SIGPIPE, SIG_IGN);
    warn_of_handlers(settings);
    struct run run = {.base = new_event_base()};
    if (run.base == NULL) {
        return error_set(error, ERROR_INTERNAL, "the event loop cannot be made");
    }
    struct event *reload = reload_listen(run.base);
    struct event *log_timer = log_timer_new(run.base);
    struct routes *routes = routes_new(settings);
    run.relay = relay_new(run.base, settings, routes);
    bool good = run_relay(&run, settings, routes, error);
    relay_free(run.relay);
    routes_free(routes, settings->sink == SINK_SNS ? sns_publisher_free_topic : NULL);
    event_free(reload);
    event_free(log_timer);
    event_base_free(run.base);
    return good;
}
