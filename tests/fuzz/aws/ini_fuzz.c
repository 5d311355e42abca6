// SPDX-License-Identifier: Apache-2.0
// Any text as a shared file: what is read is clean, and reads the same when it is written anew.
#include "aws/ini.h"
#include "base/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WRITTEN_MAX = 1 << 22 };

static bool begins_or_ends_with_blank(const char *text) {
    size_t length = strlen(text);
    return length > 0 && (strchr(" \t\r\n", text[0]) != NULL || strchr(" \t\r\n", text[length - 1]) != NULL);
}

static void check_setting(const struct aws_ini_entry *entry) {
    if (entry->name[0] == '\0' || strpbrk(entry->name, " \t\r\n=[]#;ABCXYZ") != NULL ||
        begins_or_ends_with_blank(entry->value)) {
        abort();
    }
}

static void write_setting(struct buffer *out, const struct aws_ini_entry *entry) {
    buffer_append_format(out, "%s%s=", entry->outer[0] == '\0' ? "" : " ", entry->name);
    for (const char *byte = entry->value; *byte != '\0'; byte++) {
        buffer_append_char(out, *byte);
        buffer_append_text(out, *byte == '\n' ? "\t" : "");
    }
    buffer_append_char(out, '\n');
}

static void write_entries(struct buffer *out, const struct aws_ini *ini) {
    for (size_t index = 0; index < ini->count; index++) {
        const struct aws_ini_entry *entry = &ini->entries[index];
        if (entry->section != NULL) {
            buffer_append_format(out, "[%s]\n", entry->section);
        } else {
            check_setting(entry);
            write_setting(out, entry);
        }
    }
}

static bool same_text(const char *first, const char *second) {
    return (first == NULL) == (second == NULL) && (first == NULL || strcmp(first, second) == 0);
}

static void check_same(const struct aws_ini *first, const struct aws_ini *second) {
    if (first->count != second->count) {
        abort();
    }
    for (size_t index = 0; index < first->count; index++) {
        const struct aws_ini_entry *one = &first->entries[index], *other = &second->entries[index];
        if (!same_text(one->section, other->section) || !same_text(one->outer, other->outer) ||
            !same_text(one->name, other->name) || !same_text(one->value, other->value)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    struct aws_ini ini, again;
    struct error error;
    struct buffer written;

    if (aws_ini_parse(&ini, text, "file", &error)) {
        buffer_init(&written, WRITTEN_MAX);
        write_entries(&written, &ini);
        (void)buffer_text(&written);
        if (!aws_ini_parse(&again, written.data, "file", &error)) {
            abort();
        }
        check_same(&ini, &again);
        aws_ini_free(&again);
        buffer_free(&written);
        aws_ini_free(&ini);
    } else if (ini.entries != NULL) {
        abort();
    }
    free(text);
    return 0;
}
