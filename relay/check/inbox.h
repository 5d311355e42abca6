// SPDX-License-Identifier: Apache-2.0
// Schema inbox and the handlers in SQL that OUTBOX_ON names. Nobody else includes this.
#pragma once

#include "check/findings.h"
#include "settings/settings.h"

#include <libpq-fe.h>

// inbox_check opens subjects where there is something to look at: the schema is there, or handlers need it.
void inbox_check(struct findings *findings, PGconn *connection, const struct settings *settings);

// inbox_explain makes a finding of what is said of a handler; a statement in it becomes the remedy.
void inbox_explain(struct subject *subject, const char *problem);
