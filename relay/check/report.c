// SPDX-License-Identifier: Apache-2.0
#include "check/report.h"

#include <cjson/cJSON.h>
#include <string.h>

static const char *const levels[] = {
    [FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error"};

static void append_remedy(struct buffer *out, const char *remedy) {
    const char *line = remedy;
    while (line != NULL && *line != '\0') {
        size_t length = strcspn(line, "\n");
        buffer_append_text(out, line == remedy ? "           -> " : "              ");
        buffer_append(out, line, length);
        buffer_append_char(out, '\n');
        line += length + (line[length] == '\n' ? 1 : 0);
    }
}

void report_text(const struct findings *findings, struct buffer *out) {
    for (const struct subject *subject = findings->first; subject != NULL; subject = subject->next) {
        buffer_append_format(out, "%s\n", subject->about);
        for (const struct finding *finding = subject->first; finding != NULL; finding = finding->next) {
            buffer_append_format(out, "  %-7s  %s\n", levels[finding->level], finding->found);
            append_remedy(out, finding->remedy);
        }
    }
    buffer_append_format(out, "%d ok, %d note%s, %d warning%s, %d error%s\n", findings->counts[FINDING_OK],
                         findings->counts[FINDING_NOTE], findings->counts[FINDING_NOTE] == 1 ? "" : "s",
                         findings->counts[FINDING_WARNING], findings->counts[FINDING_WARNING] == 1 ? "" : "s",
                         findings->counts[FINDING_ERROR], findings->counts[FINDING_ERROR] == 1 ? "" : "s");
}

static void add_finding(cJSON *array, const struct subject *subject, const struct finding *finding) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "about", subject->about);
    cJSON_AddStringToObject(object, "level", levels[finding->level]);
    cJSON_AddStringToObject(object, "name", finding->name);
    cJSON_AddStringToObject(object, "found", finding->found);
    if (finding->remedy != NULL) {
        cJSON_AddStringToObject(object, "remedy", finding->remedy);
    }
    cJSON_AddItemToArray(array, object);
}

void report_json(const struct findings *findings, struct buffer *out) {
    cJSON *document = cJSON_CreateObject();
    cJSON *array = cJSON_AddArrayToObject(document, "findings");
    for (const struct subject *subject = findings->first; subject != NULL; subject = subject->next) {
        for (const struct finding *finding = subject->first; finding != NULL; finding = finding->next) {
            add_finding(array, subject, finding);
        }
    }
    cJSON *counts = cJSON_AddObjectToObject(document, "counts");
    for (int level = 0; level < FINDING_LEVELS; level++) {
        cJSON_AddNumberToObject(counts, levels[level], findings->counts[level]);
    }
    char *text = cJSON_PrintUnformatted(document);
    if (text != NULL) {
        buffer_append_format(out, "%s\n", text);
    }
    cJSON_free(text);
    cJSON_Delete(document);
}
