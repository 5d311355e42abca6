// SPDX-License-Identifier: Apache-2.0
// The logger; see log.h. A line is built in a fixed buffer on the stack; a field that no longer fits is left
// out whole, so that a JSON line stays valid JSON.
#include "base/log.h"

#include "base/clock.h"
#include "base/log_flood.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 8192, VALUE_SIZE = 1024, LINE_END_SIZE = 2 /* brace and line break */ };

struct line {
    size_t length;
    bool full;
    char data[LINE_SIZE];
};

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARN] = "warn",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

static enum log_level current_level = LOG_INFO;
static enum log_format current_format = LOG_AS_TEXT;
static struct log_flood flood;

void log_configure(enum log_level level, enum log_format format) {
    current_level = level;
    current_format = format;
}

bool log_enabled(enum log_level level) {
    return level <= current_level;
}

static void add(struct line *line, const char *bytes, size_t length) {
    if (line->full || length > LINE_SIZE - LINE_END_SIZE - line->length) {
        line->full = true;
        return;
    }
    memcpy(line->data + line->length, bytes, length);
    line->length += length;
}

static void add_text(struct line *line, const char *text) {
    add(line, text, strlen(text));
}

// The escape of a character that must not appear as it is, or false. Control characters include C1
// (U+0080..U+009F), which terminals obey as well.
static bool escape(uint32_t character, bool json, char *text, size_t size) {
    if (character == '"' || character == '\\') {
        (void)snprintf(text, size, "\\%c", (char)character);
    } else if (character == '\n' || character == '\r' || character == '\t') {
        (void)snprintf(text, size, "\\%c", character == '\n' ? 'n' : character == '\r' ? 'r' : 't');
    } else if (character < 0x20 || (character >= 0x7F && character < 0xA0)) {
        (void)snprintf(text, size, json ? "\\u%04x" : "\\x%02x", (unsigned)character);
    } else {
        return false;
    }
    return true;
}

// Writes at most VALUE_SIZE bytes of `text`, escaped. `quoted` also escapes what would end a quoted value.
static void add_escaped(struct line *line, const char *text, bool json, bool quoted) {
    size_t left = strnlen(text, VALUE_SIZE + UTF8_LONGEST);
    size_t allowed = VALUE_SIZE;
    while (left > 0) {
        uint32_t character = 0;
        size_t length = utf8_decode(text, left, &character);
        size_t taken = length == 0 ? 1 : length;
        if (taken > allowed) {
            return;
        }
        char escaped[8];
        bool plain = !quoted && (character == '"' || character == '\\');
        if (length == 0) {
            (void)snprintf(escaped, sizeof escaped, json ? "\\ufffd" : "\\x%02x",
                           (unsigned)(unsigned char)*text);
            add_text(line, escaped);
        } else if (!plain && escape(character, json, escaped, sizeof escaped)) {
            add_text(line, escaped);
        } else {
            add(line, text, length);
        }
        text += taken;
        left -= taken;
        allowed -= taken;
    }
}

static void add_number(struct line *line, int64_t number) {
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)number);
    add_text(line, digits);
}

static void add_json_string(struct line *line, const char *text) {
    add(line, "\"", 1);
    add_escaped(line, text, true, true);
    add(line, "\"", 1);
}

static void add_json_field(struct line *line, const struct log_field *field) {
    add(line, ",", 1);
    add_json_string(line, field->name);
    add(line, ":", 1);
    if (field->is_number) {
        add_number(line, field->number);
    } else {
        add_json_string(line, field->text == NULL ? "" : field->text);
    }
}

static void add_text_field(struct line *line, const struct log_field *field) {
    const char *text = field->text == NULL ? "" : field->text;
    add(line, " ", 1);
    add_text(line, field->name);
    add(line, "=", 1);
    if (field->is_number) {
        add_number(line, field->number);
    } else if (*text == '\0' || strpbrk(text, " =\"\\") != NULL) {
        add(line, "\"", 1);
        add_escaped(line, text, false, true);
        add(line, "\"", 1);
    } else {
        add_escaped(line, text, false, false);
    }
}

static void begin(struct line *line, enum log_level level, const char *message, bool json) {
    char now[CLOCK_ISO8601_SIZE];
    clock_format_iso8601(clock_unix_us(), now);
    if (json) {
        add_text(line, "{\"time\":\"");
        add_text(line, now);
        add_text(line, "\",\"level\":\"");
        add_text(line, level_names[level]);
        add_text(line, "\",\"message\":");
        add_json_string(line, message);
    } else {
        add_text(line, now);
        add(line, " ", 1);
        add_text(line, level_names[level]);
        add(line, "   ", level == LOG_WARN || level == LOG_INFO ? 2 : 1);
        add_escaped(line, message, false, false);
    }
}

// A field that does not fit is left out whole.
static void add_field(struct line *line, const struct log_field *field, bool json) {
    size_t length_before = line->length;
    (json ? add_json_field : add_text_field)(line, field);
    if (line->full) {
        line->length = length_before;
        line->full = false;
    }
}

// The count goes before the fields, lest it be what no longer fits.
static void write_line(enum log_level level, const char *message, const struct log_field *fields,
                       int64_t suppressed) {
    bool json = current_format == LOG_AS_JSON;
    struct line line;
    line.length = 0;
    line.full = false;
    begin(&line, level, message, json);
    if (suppressed > 0) {
        add_field(&line, &LOG_INT("suppressed", suppressed), json);
    }
    for (const struct log_field *field = fields; field->name != NULL; field++) {
        add_field(&line, field, json);
    }
    if (json) {
        line.data[line.length++] = '}';
    }
    line.data[line.length++] = '\n';
    // A full pipe must not stop the relay: a line that cannot be written is lost.
    while (write(STDERR_FILENO, line.data, line.length) < 0 && errno == EINTR) {
    }
}

static void tell_suppressed(int64_t now_us) {
    struct log_kind kind;
    while (log_flood_take(&flood, now_us, &kind)) {
        bool has_field = kind.field[0] != '\0' && strcmp(kind.field, "of") != 0;
        const struct log_field fields[] = {LOG_TEXT("of", kind.message),
                                           has_field ? LOG_TEXT(kind.field, kind.value)
                                                     : (struct log_field){0},
                                           {0}};
        write_line(kind.level, "lines of one kind were left out", fields, kind.suppressed);
    }
}

void log_flush_suppressed(bool all) {
    tell_suppressed(all ? INT64_MAX : clock_monotonic_us());
}

void log_write(enum log_level level, const char *message, const struct log_field *fields) {
    int64_t suppressed = 0;
    if (!log_enabled(level)) {
        return;
    }
    if (level <= LOG_WARN &&
        !log_flood_pass(&flood, level, message, fields, clock_monotonic_us(), &suppressed)) {
        return;
    }
    write_line(level, message, fields, suppressed);
}
