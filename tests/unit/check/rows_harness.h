// SPDX-License-Identifier: Apache-2.0
// Results without a server, and what a judge makes of them.
#pragma once

#include "check/look.h"

// rows_of makes a result of lines: names of columns, then rows, separated by |; an empty value is NULL.
PGresult *rows_of(const char *lines);

// judged is what a judge finds in such rows, as the text "LEVEL name\n..." without what is good; the caller
// frees it. judged_remedies has the remedies instead. `context` NULL: one on this machine, with the defaults.
char *judged(void (*judge)(struct subject *, const PGresult *, struct look_context *), const char *lines,
             struct look_context *context);
char *judged_remedies(void (*judge)(struct subject *, const PGresult *, struct look_context *),
                      const char *lines);
