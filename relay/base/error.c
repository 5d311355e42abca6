// SPDX-License-Identifier: Apache-2.0
// Errors; see error.h.
#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const meanings[] = {
    [ERROR_NONE] = "done",
    [ERROR_INTERNAL] = "a defect in this program, or the operating system refused something basic",
    [ERROR_USAGE] = "a command, an option or a value that is not understood",
    [ERROR_DATABASE] = "PostgreSQL cannot be reached, or refused a statement",
    [ERROR_SCHEMA] = "schema outbox (or inbox) is missing, older or newer than this program",
    [ERROR_CREDENTIALS] = "no AWS credentials or region found",
    [ERROR_PUBLISH] = "the broker cannot be reached, or refused an event or a topic",
    [ERROR_TIMEOUT] = "a shutdown or a wait took longer than allowed, or healthcheck got no answer",
    [ERROR_FINDINGS] = "check or status has found what needs a person, or healthcheck a program not ready",
};

// Cuts a character that the end of the space has split, so that the text stays valid UTF-8.
static void trim_split_character(char *text, size_t length) {
    size_t start = length;
    while (start > 0 && length - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start == 0 || (unsigned char)text[start - 1] < 0xC0) {
        return;
    }
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (length - (start - 1) < wanted) {
        text[start - 1] = '\0';
    }
}

// One line: line breaks and every other control character (texts may hold what a stranger sent) become a
// space, or nothing behind another space; spaces at the end go.
static void make_one_line(char *text) {
    size_t length = 0;
    for (const char *place = text; *place != '\0'; place++) {
        bool control = (unsigned char)*place < 0x20 || *place == 0x7F;
        if (!control) {
            text[length++] = *place;
        } else if (length > 0 && text[length - 1] != ' ') {
            text[length++] = ' ';
        }
    }
    while (length > 0 && text[length - 1] == ' ') {
        length--;
    }
    text[length] = '\0';
}

// `formatted` is what vsnprintf returned for `text`.
static void finish(struct error *error, const char *text, int formatted) {
    memccpy(error->text, text, '\0', sizeof error->text);
    error->text[sizeof error->text - 1] = '\0';
    if (formatted >= ERROR_TEXT_SIZE) {
        trim_split_character(error->text, strlen(error->text));
    }
    make_one_line(error->text);
}

bool error_set(struct error *error, enum error_code code, const char *format, ...) {
    if (error != NULL) {
        char text[ERROR_TEXT_SIZE]; // an argument may be the old error's own text
        va_list arguments;
        va_start(arguments, format);
        int formatted = vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        error->code = code;
        error->sqlstate[0] = '\0';
        finish(error, formatted < 0 ? format : text, formatted);
    }
    return false;
}

bool error_prefix(struct error *error, const char *format, ...) {
    if (error != NULL) {
        char text[ERROR_TEXT_SIZE] = "";
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        size_t length = strlen(text);
        int formatted = snprintf(text + length, sizeof text - length, ": %s", error->text);
        finish(error, text, (int)length + formatted);
    }
    return false;
}

const char *error_code_meaning(int code) {
    bool known = code >= 0 && (size_t)code < sizeof meanings / sizeof meanings[0];
    return known ? meanings[code] : NULL;
}
