// SPDX-License-Identifier: Apache-2.0
// The handlers are looked at as the relay does it before it runs them (handle/sql_check.h), one after the
// other, so that each has a finding of its own.
#include "check/inbox.h"

#include "base/memory.h"
#include "check/installed.h"
#include "handle/sql_check.h"
#include "handle/table.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

struct looker {
    struct subject *subject;
    struct event_base *base;
    struct pg_connection *connection;
    const struct table *table;
    int next; // index of the handler after the one that is looked at
    struct sql_function function;
    struct sql_check check;
};

void inbox_explain(struct subject *subject, const char *problem) {
    const char *grant = strstr(problem, "GRANT ");
    if (grant == NULL) {
        finding_add(subject, FINDING_ERROR, "inbox.handler", "%s", problem);
        return;
    }
    int length = (int)(grant - problem);
    while (length > 0 && strchr(": ", problem[length - 1]) != NULL) {
        length--;
    }
    finding_remedy(finding_add(subject, FINDING_ERROR, "inbox.rights", "%.*s", length, problem), "%s;",
                   grant);
}

static void look_at_next(struct looker *looker);

static void on_checked(void *context, const struct error *problem) {
    struct looker *looker = context;
    if (problem == NULL) {
        finding_add(looker->subject, FINDING_OK, "inbox.handler", "%s can be called", looker->function.text);
    } else {
        inbox_explain(looker->subject, problem->text);
    }
    sql_function_free(&looker->function);
    look_at_next(looker);
}

static void look_at_next(struct looker *looker) {
    const struct table *table = looker->table;
    while (looker->next < table->handler_count && table->handlers[looker->next].kind != HANDLER_SQL) {
        looker->next++;
    }
    if (looker->next == table->handler_count) {
        event_base_loopbreak(looker->base);
        return;
    }
    sql_function_init(&looker->function, table->handlers[looker->next++].where, 0);
    looker->check =
        (struct sql_check){.functions = &looker->function, .count = 1, .done = on_checked, .context = looker};
    sql_check_start(&looker->check, looker->connection);
}

static void on_ready(void *context) {
    look_at_next(context);
}

static void on_lost(void *context, const struct error *error) {
    struct looker *looker = context;
    finding_add(looker->subject, FINDING_ERROR, "inbox.unknown", "the handlers are not known: %s",
                error->text);
    sql_function_free(&looker->function);
    looker->function = (struct sql_function){0};
    event_base_loopbreak(looker->base);
}

static void on_notified(void *context, const char *payload) {
    (void)context;
    (void)payload;
}

static void look_at_handlers(struct subject *subject, const struct table *table, const char *conninfo) {
    struct looker looker = {.subject = subject, .base = event_base_new(), .table = table};
    const struct pg_handler handler = {.context = &looker,
                                       .ready = on_ready,
                                       .lost = on_lost,
                                       .notified = on_notified,
                                       .application = "outbox-relay check"};
    struct error error = {0};
    pg_choose_again();
    looker.connection = looker.base != NULL ? pg_open(looker.base, conninfo, &handler, &error) : NULL;
    if (looker.connection != NULL) {
        event_base_dispatch(looker.base);
        pg_close(looker.connection);
    } else {
        finding_add(subject, FINDING_ERROR, "inbox.unknown", "the handlers are not known: %s", error.text);
    }
    if (looker.base != NULL) {
        event_base_free(looker.base);
    }
}

// A relay ends there.
static void miss_handlers(struct findings *findings) {
    finding_remedy(finding_add(findings_subject(findings, NULL, "Handlers"), FINDING_ERROR, "handlers.none",
                               "there are no handlers, and run needs one with --sink handlers"),
                   "name one with --on PATTERN=HANDLER, or:\n"
                   "export OUTBOX_ON='order.*=sql:shop.reserve_stock'");
}

void inbox_check(struct findings *findings, PGconn *connection, const struct settings *settings) {
    struct error error = {0};
    struct table *table = settings->on[0] != '\0' ? table_read(settings->on, &error) : NULL;
    if (settings->on[0] != '\0' && table == NULL) {
        finding_add(findings_subject(findings, NULL, "Handlers"), FINDING_ERROR, "handlers", "%s",
                    error.text);
    }
    if (settings->on[0] == '\0' && settings->sink == SINK_HANDLERS) {
        miss_handlers(findings);
    }
    bool needed = table != NULL && table_count(table, HANDLER_SQL) > 0;
    installed_check(findings, connection, &schema_inbox, !needed);
    if (needed) {
        look_at_handlers(findings_subject(findings, NULL, "Handlers"), table, settings->database_url);
    }
    table_free(table);
}
