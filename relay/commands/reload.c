// SPDX-License-Identifier: Apache-2.0
// What a value is made into belongs to the modules: they look at settings->generation when they next need it.
#include "commands/reload.h"

#include "base/log.h"
#include "credentials/credentials.h"
#include "handle/webhook.h"
#include "postgres/conninfo.h"
#include "settings/reload.h"

#include <signal.h>
#include <stddef.h>

static struct settings *current;

void reload_prepare(struct settings *settings) {
    current = settings;
    signal(SIGHUP, SIG_IGN);
}

static bool check_webhook(const struct settings *fresh, struct error *error) {
    struct webhook *webhook = NULL;
    bool good =
        fresh->webhook_secret[0] == '\0' || (webhook = webhook_new(fresh->webhook_secret, error)) != NULL;
    webhook_free(webhook);
    return good;
}

// What is looked at when a process begins, besides the form of each value.
static bool check(const struct settings *fresh, struct error *error) {
    return conninfo_check(fresh->database_url, error) && credentials_check_environment(fresh, error) &&
           check_webhook(fresh, error);
}

static bool is_option(const struct option *option, size_t offset) {
    return option->offset == offset;
}

// Connections that lead to different databases must not be open at the same time, and where credentials come
// from is decided at the start.
static bool may(const struct option *option, const struct settings *from, const struct settings *to) {
    if (is_option(option, offsetof(struct settings, database_url))) {
        return conninfo_same_database(from->database_url, to->database_url);
    }
    if (is_option(option, offsetof(struct settings, aws_access_key_id)) ||
        is_option(option, offsetof(struct settings, aws_secret_access_key))) {
        return from->aws_access_key_id[0] != '\0' && to->aws_access_key_id[0] != '\0';
    }
    return true;
}

static void tell(struct settings_changes *changes) {
    if (changes->applied.length > 0) {
        log_info("settings read again", LOG_TEXT("changed", buffer_text(&changes->applied)));
    } else {
        log_info("settings read again, none has changed that can without a restart");
    }
    if (changes->waiting.length > 0) {
        log_warn("settings have changed that need a restart; until then the earlier ones stay in use",
                 LOG_TEXT("settings", buffer_text(&changes->waiting)));
    }
}

static void on_hangup(evutil_socket_t signal_number, short kinds, void *context) {
    (void)signal_number;
    (void)kinds;
    (void)context;
    struct settings fresh;
    struct error error = {0};
    if (!settings_read_again(&fresh, current, &error)) {
        log_error("the settings cannot be read again, the earlier ones stay in use",
                  LOG_TEXT("reason", error.text));
        return;
    }
    if (!check(&fresh, &error)) {
        settings_free(&fresh);
        log_error("the settings cannot be used, the earlier ones stay in use",
                  LOG_TEXT("reason", error.text));
        return;
    }
    struct settings_changes changes;
    settings_changes_init(&changes);
    settings_remark(&fresh);
    settings_adopt(current, &fresh, may, &changes);
    log_configure((enum log_level)current->log_level, (enum log_format)current->log_format);
    tell(&changes);
    settings_changes_free(&changes);
}

struct event *reload_listen(struct event_base *base) {
    struct event *hangup = evsignal_new(base, SIGHUP, on_hangup, NULL);
    evsignal_add(hangup, NULL);
    return hangup;
}
