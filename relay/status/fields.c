// SPDX-License-Identifier: Apache-2.0
#include "status/fields.h"

#include <stddef.h>

const cJSON *field_object(const cJSON *object, const char *name) {
    const cJSON *field = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsObject(field) ? field : NULL;
}

const cJSON *field_list(const cJSON *object, const char *name) {
    const cJSON *field = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsArray(field) ? field : NULL;
}

const char *field_text(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text != NULL ? text : "";
}

double field_number(const cJSON *object, const char *name) {
    return field_has_number(object, name) ? cJSON_GetObjectItemCaseSensitive(object, name)->valuedouble : 0;
}

bool field_is_true(const cJSON *object, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool field_has_number(const cJSON *object, const char *name) {
    return cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(object, name));
}
