// SPDX-License-Identifier: Apache-2.0
// The variable stays where it is and only its value is written anew: libcurl looks names up in threads, which
// read the environment, so that it must not be built anew under them.
#include "lambda/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "_X_AMZN_TRACE_ID="

enum { TRACE_ID_MAX = 1024 };

static char variable[sizeof VARIABLE + TRACE_ID_MAX] = VARIABLE;

void trace_begin(void) {
    trace_set("");
    (void)putenv(variable);
}

void trace_set(const char *trace_id) {
    size_t length = strlen(trace_id);
    char *value = variable + sizeof VARIABLE - 1;
    memcpy(value, trace_id, length <= TRACE_ID_MAX ? length : 0);
    value[length <= TRACE_ID_MAX ? length : 0] = '\0';
}
