// SPDX-License-Identifier: Apache-2.0
// expat says where elements begin and end; a field counts only where it belongs:
// ACTIONResponse / ACTIONResult / Credentials / AccessKeyId.
#include "credentials/sts_answer.h"

#include "base/memory.h"
#include "credentials/expiry.h"
#include "credentials/wiping.h"

#include <expat.h>
#include <string.h>

enum { DEPTH_MAX = 16, DEPTH_OF_CREDENTIALS = 3 };

enum field { FIELD_ID, FIELD_SECRET, FIELD_TOKEN, FIELD_EXPIRATION, FIELD_COUNT };

static const char *const field_names[FIELD_COUNT] = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                                     "Expiration"};

struct reading {
    XML_Parser expat;
    const char *action;
    int depth;
    int matched;                                       // how many of the elements around are as expected
    int field;                                         // the one being read; -1: none
    char texts[FIELD_COUNT][AWS_SESSION_TOKEN_MAX + 2]; // one more than is allowed, to notice it
    size_t lengths[FIELD_COUNT];
    bool seen[FIELD_COUNT];
    const char *problem; // NULL: none so far
};

static void stop(struct reading *reading, const char *problem) {
    reading->problem = reading->problem == NULL ? problem : reading->problem;
    XML_StopParser(reading->expat, XML_FALSE);
}

// The name that leads on to the credentials at this depth (from 0).
static bool leads_on(const struct reading *reading, int depth, const char *name) {
    static const char *const endings[] = {"Response", "Result"};
    size_t length = strlen(reading->action);
    if (depth < 2) {
        return strncmp(name, reading->action, length) == 0 && strcmp(name + length, endings[depth]) == 0;
    }
    return depth == 2 && strcmp(name, "Credentials") == 0;
}

static void begin_field(struct reading *reading, const char *name) {
    for (int field = 0; field < FIELD_COUNT; field++) {
        if (strcmp(name, field_names[field]) == 0) {
            if (reading->seen[field]) {
                stop(reading, "a field comes twice");
            }
            reading->seen[field] = true;
            reading->field = field;
        }
    }
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes) {
    struct reading *reading = data;
    (void)attributes;
    if (reading->depth == DEPTH_MAX) {
        stop(reading, "it is nested too deep");
        return;
    }
    if (reading->field >= 0) {
        stop(reading, "a field holds an element");
        return;
    }
    if (reading->matched == reading->depth && leads_on(reading, reading->depth, name)) {
        reading->matched++;
    } else if (reading->matched == DEPTH_OF_CREDENTIALS && reading->depth == DEPTH_OF_CREDENTIALS) {
        begin_field(reading, name);
    }
    reading->depth++;
}

static void XMLCALL on_end(void *data, const XML_Char *name) {
    struct reading *reading = data;
    (void)name;
    reading->depth--;
    reading->field = -1;
    reading->matched = reading->matched < reading->depth ? reading->matched : reading->depth;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int length) {
    struct reading *reading = data;
    if (reading->field < 0) {
        return;
    }
    size_t *used = &reading->lengths[reading->field];
    size_t room = sizeof reading->texts[0] - 1 - *used;
    size_t taken = (size_t)length < room ? (size_t)length : room;
    memcpy(reading->texts[reading->field] + *used, text, taken);
    *used += taken;
}

// STS sends no document type; one would only bring entities that grow without bound.
static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset) {
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    stop(data, "it has a document type");
}

static bool read_xml(struct reading *reading, struct slice text, struct error *error) {
    static const XML_Memory_Handling_Suite memory = {wiping_allocate, wiping_resize, wiping_free};
    reading->expat = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (reading->expat == NULL) {
        return error_set(error, ERROR_INTERNAL, "cannot create an XML parser: out of memory");
    }
    XML_SetUserData(reading->expat, reading);
    XML_SetElementHandler(reading->expat, on_start, on_end);
    XML_SetCharacterDataHandler(reading->expat, on_text);
    XML_SetStartDoctypeDeclHandler(reading->expat, on_doctype);
    bool read = XML_Parse(reading->expat, text.data, (int)text.length, 1) == XML_STATUS_OK;
    XML_ParserFree(reading->expat);
    return read || error_set(error, ERROR_CREDENTIALS, "STS's answer cannot be used: %s",
                             reading->problem != NULL ? reading->problem : "it is no well-formed XML");
}

static bool take_fields(struct credentials_found *ret, const struct reading *reading, struct error *error) {
    static const struct aws_credential_names names = {"AccessKeyId", "SecretAccessKey", "SessionToken"};
    for (int field = 0; field < FIELD_COUNT; field++) {
        if (reading->lengths[field] == 0) {
            return error_set(error, ERROR_CREDENTIALS, "STS's answer cannot be used: %s is missing",
                             field_names[field]);
        }
    }
    if (!expiry_parse(reading->texts[FIELD_EXPIRATION], &ret->expires_at) || ret->expires_at <= 0) {
        return error_set(
            error, ERROR_CREDENTIALS,
            "STS's answer cannot be used: Expiration must be a time such as 2026-01-31T12:34:56Z");
    }
    return aws_credentials_set(&ret->credentials, &names, reading->texts[FIELD_ID],
                               reading->texts[FIELD_SECRET], reading->texts[FIELD_TOKEN], error) ||
           error_prefix(error, "STS's answer cannot be used");
}

bool sts_answer_parse(struct credentials_found *ret, const char *action, struct slice text,
                      struct error *error) {
    if (text.length == 0 || text.length > STS_ANSWER_MAX) {
        return error_set(error, ERROR_CREDENTIALS,
                         "STS's answer has %zu bytes, but from 1 to %d are allowed", text.length,
                         STS_ANSWER_MAX);
    }
    struct reading *reading = memory_allocate(1, sizeof *reading);
    reading->action = action;
    reading->field = -1;
    bool read = read_xml(reading, text, error) && take_fields(ret, reading, error);
    wiping_free(reading);
    return read;
}
