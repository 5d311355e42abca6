// SPDX-License-Identifier: Apache-2.0
// Members of outbox.report()'s answer, of which none is taken for granted.
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

// What is not there, or of another kind, is NULL (field_object, field_list), "", 0 or false.
const cJSON *field_object(const cJSON *object, const char *name);
const cJSON *field_list(const cJSON *object, const char *name);
const char *field_text(const cJSON *object, const char *name);
double field_number(const cJSON *object, const char *name);
bool field_is_true(const cJSON *object, const char *name);

// field_has_number tells 0 from what is not known.
bool field_has_number(const cJSON *object, const char *name);
