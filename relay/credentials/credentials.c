// SPDX-License-Identifier: Apache-2.0
// schedule.h says when to fetch; here it is done, and what came of it kept and told.
#include "credentials/credentials.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "credentials/schedule.h"
#include "credentials/sources.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_US = 60000000, // how often to look at the wall clock, which may be set and may go on in a suspension
    LOG_US = 60000000,  // between lines that say that a fetch has failed
};

struct credentials {
    struct provider provider;
    const struct settings *settings; // NULL: none that could be reloaded
    uint64_t generation;             // of the settings, at the last fetch
    struct credentials_listener listener;
    struct event *timer;
    struct schedule schedule;
    struct credentials_found found;
    uint64_t version;
    bool fetching;
    bool absent;
    bool expired;      // and that has been told
    bool came_expired; // those that are there, by this machine's clock
    int64_t logged_at;
    char problem[ERROR_TEXT_SIZE];
};

static struct schedule_now read_clocks(void) {
    return (struct schedule_now){.wall = clock_unix_us(), .monotonic = clock_monotonic_us()};
}

static void write_expiry(const struct credentials *credentials, char text[CLOCK_ISO8601_SIZE]) {
    if (credentials->found.expires_at == 0) {
        snprintf(text, CLOCK_ISO8601_SIZE, "unknown");
    } else {
        clock_format_iso8601(credentials->found.expires_at, text);
    }
}

static void set_timer(struct credentials *credentials) {
    int64_t wait = schedule_wait(&credentials->schedule, read_clocks());
    wait = wait < LOOK_US ? wait : LOOK_US;
    const struct timeval delay = {.tv_sec = wait / 1000000, .tv_usec = wait % 1000000};
    evtimer_add(credentials->timer, &delay);
}

static void tell(struct credentials *credentials) {
    if (credentials->listener.changed != NULL) {
        credentials->listener.changed(credentials->listener.context);
    }
}

static bool is_same(const struct credentials *credentials, const struct credentials_found *found) {
    const struct aws_credentials *one = &credentials->found.credentials;
    const struct aws_credentials *other = &found->credentials;
    return credentials->schedule.has && strcmp(one->access_key_id, other->access_key_id) == 0 &&
           strcmp(one->secret_access_key, other->secret_access_key) == 0 &&
           strcmp(one->session_token, other->session_token) == 0;
}

static void fail(struct credentials *credentials, const char *reason) {
    struct schedule_now now = read_clocks();
    bool is_first = credentials->problem[0] == '\0';
    schedule_failed(&credentials->schedule, now);
    snprintf(credentials->problem, sizeof credentials->problem, "%s", reason);
    if (!credentials->absent &&
        (credentials->logged_at == 0 || now.monotonic - credentials->logged_at >= LOG_US)) {
        char expiry[CLOCK_ISO8601_SIZE] = "";
        credentials->logged_at = now.monotonic;
        if (credentials->schedule.has) {
            write_expiry(credentials, expiry);
        }
        log_warn(credentials->schedule.has ? "AWS credentials cannot be refreshed"
                                           : "AWS credentials cannot be had, publishing waits for them",
                 LOG_TEXT("reason", reason), LOG_TEXT("expires", expiry),
                 LOG_INT("delay_ms", schedule_wait(&credentials->schedule, now) / 1000));
    }
    if (!credentials->schedule.has && (is_first || credentials->absent)) {
        tell(credentials);
    }
}

// Absent where they do not expire, or nobody knows when.
static void write_metric(int64_t expires_at) {
    if (expires_at > 0) {
        metric_gauge(METRIC_CREDENTIALS_EXPIRY, expires_at);
    } else {
        metric_clear(METRIC_CREDENTIALS_EXPIRY);
    }
}

static void take(struct credentials *credentials, const struct credentials_found *found) {
    char expiry[CLOCK_ISO8601_SIZE];
    bool is_new = !is_same(credentials, found);
    bool was_out = credentials->problem[0] != '\0' || credentials->expired;
    credentials->version += is_new;
    credentials->found = *found;
    schedule_found(&credentials->schedule, read_clocks(), found->expires_at);
    write_metric(found->expires_at);
    credentials->absent = false;
    credentials->expired = credentials->came_expired = false;
    credentials->logged_at = 0;
    credentials->problem[0] = '\0';
    if (is_new || was_out) {
        write_expiry(credentials, expiry);
        log_info("AWS credentials are there", LOG_TEXT("source", found->source), LOG_TEXT("expires", expiry));
        tell(credentials);
    }
}

// Either our clock is ahead, or whoever hands them out cannot renew them; AWS may take them in both cases
// (the instance metadata service counts on that), so they are tried, unless there are better ones. Those that
// AWS refuses, or that came expired themselves, are not better.
static void take_expired(struct credentials *credentials, const struct credentials_found *found) {
    struct credentials_found endless = *found;
    char expiry[CLOCK_ISO8601_SIZE];
    bool has_better = schedule_alive(&credentials->schedule, read_clocks()) &&
                      !credentials->schedule.refused && !credentials->came_expired;
    clock_format_iso8601(found->expires_at, expiry);
    if (has_better) {
        char reason[CREDENTIALS_SOURCE_SIZE + 64];
        snprintf(reason, sizeof reason, "%s: what is handed out has expired at %s", found->source, expiry);
        fail(credentials, reason);
    } else {
        log_warn("AWS credentials have expired by this machine's clock, they are tried all the same",
                 LOG_TEXT("source", found->source), LOG_TEXT("expired", expiry));
        endless.expires_at = 0;
        take(credentials, &endless);
        credentials->came_expired = true;
    }
    memory_wipe(&endless, sizeof endless);
}

static void on_found(struct credentials *credentials, const struct credentials_found *found) {
    char reason[CREDENTIALS_SOURCE_SIZE + 64];
    if (credentials->schedule.refused && is_same(credentials, found)) {
        snprintf(reason, sizeof reason, "%s: still the same that AWS refuses", found->source);
        fail(credentials, reason);
    } else if (found->expires_at != 0 && found->expires_at <= clock_unix_us()) {
        take_expired(credentials, found);
    } else {
        take(credentials, found);
    }
}

static const char absent[] = "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a "
                             "profile by AWS_PROFILE, or give "
                             "this machine a role; looked for in ";

static void on_done(void *context, enum provider_result result, const struct credentials_found *found,
                    const char *reason) {
    struct credentials *credentials = context;
    char text[ERROR_TEXT_SIZE];
    credentials->fetching = false;
    if (result == PROVIDER_FOUND) {
        on_found(credentials, found);
    } else {
        const char *prefix = result == PROVIDER_ABSENT ? absent : "";
        snprintf(text, sizeof text, "%s%.*s", prefix, (int)(sizeof text - strlen(prefix) - 1), reason);
        credentials->absent = result == PROVIDER_ABSENT && !credentials->schedule.has;
        fail(credentials, text);
    }
    set_timer(credentials);
}

static void fetch(struct credentials *credentials) {
    if (!credentials->fetching) {
        credentials->fetching = true;
        credentials->generation = credentials->settings != NULL ? credentials->settings->generation : 0;
        credentials->provider.fetch(credentials->provider.self, on_done, credentials);
    }
}

static void note_expiry(struct credentials *credentials) {
    if (credentials->schedule.has && !credentials->expired &&
        !schedule_alive(&credentials->schedule, read_clocks())) {
        char expiry[CLOCK_ISO8601_SIZE];
        credentials->expired = true;
        write_expiry(credentials, expiry);
        log_error("AWS credentials have expired, publishing waits for new ones",
                  LOG_TEXT("source", credentials->found.source), LOG_TEXT("expired", expiry),
                  LOG_TEXT("reason", credentials->problem));
    }
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct credentials *credentials = context;
    note_expiry(credentials);
    bool reloaded =
        credentials->settings != NULL && credentials->generation != credentials->settings->generation;
    if (reloaded || schedule_wait(&credentials->schedule, read_clocks()) == 0) {
        fetch(credentials);
    }
    if (!credentials->fetching) {
        set_timer(credentials);
    }
}

struct credentials *credentials_over(struct event_base *base, const struct provider *provider,
                                     const struct credentials_listener *listener) {
    struct credentials *credentials = memory_allocate(1, sizeof *credentials);
    credentials->provider = *provider;
    credentials->timer = evtimer_new(base, on_timer, credentials);
    fetch(credentials); // what is static is there at once, and nobody has to be told
    credentials->listener = *listener;
    return credentials;
}

struct credentials *credentials_new(struct event_base *base, const struct settings *settings,
                                    const struct credentials_listener *listener, struct error *error) {
    struct provider provider;
    if (!sources_provider(&provider, base, settings, error)) {
        return NULL;
    }
    struct credentials *credentials = credentials_over(base, &provider, listener);
    credentials->settings = settings;
    credentials->generation = settings->generation;
    return credentials;
}

void credentials_free(struct credentials *credentials) {
    if (credentials != NULL) {
        credentials->provider.free(credentials->provider.self);
        event_free(credentials->timer);
        memory_wipe(credentials, sizeof *credentials);
        free(credentials);
    }
}

const struct aws_credentials *credentials_now(const struct credentials *credentials) {
    return schedule_alive(&credentials->schedule, read_clocks()) ? &credentials->found.credentials : NULL;
}

const char *credentials_problem(const struct credentials *credentials) {
    return credentials->problem;
}

bool credentials_absent(const struct credentials *credentials) {
    return credentials->absent;
}

void credentials_refused(struct credentials *credentials) {
    if (schedule_refused(&credentials->schedule, read_clocks()) && !credentials->fetching) {
        log_info("AWS refuses the credentials, new ones are fetched",
                 LOG_TEXT("source", credentials->found.source));
        set_timer(credentials);
    }
}

void credentials_accepted(struct credentials *credentials) {
    if (credentials->schedule.refused) {
        schedule_accepted(&credentials->schedule);
        credentials->problem[0] = '\0';
        credentials->logged_at = 0;
        set_timer(credentials);
    }
}

uint64_t credentials_version(const struct credentials *credentials) {
    return credentials->version;
}

const char *credentials_source(const struct credentials *credentials) {
    return credentials->found.source;
}

int64_t credentials_expire_at(const struct credentials *credentials) {
    return credentials->found.expires_at;
}
