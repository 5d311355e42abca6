// SPDX-License-Identifier: Apache-2.0
#include "settings/config_parser.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

enum { RULE_SIZE = 512 };

bool config_parser_fail(const char *path, int line, struct error *error, const char *format, ...) {
    char rule[RULE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    return error_set(error, ERROR_USAGE, "line %d of %s: %s", line, path, rule);
}

bool config_parser_begin(struct config_parser *ret, const char *path, const char *bytes, size_t length,
                         struct error *error) {
    int line = 1;
    for (size_t place = 0; place < length;) {
        uint32_t character = 0;
        size_t taken = utf8_decode(bytes + place, length - place, &character);
        if (taken == 0 || character == 0) {
            return config_parser_fail(path, line, error, "it holds %s; write the file as UTF-8 text",
                                      taken == 0 ? "bytes that are not UTF-8" : "a zero byte");
        }
        line += character == '\n';
        place += taken;
    }
    size_t mark = sizeof BYTE_ORDER_MARK - 1;
    bool has_mark = length >= mark && memcmp(bytes, BYTE_ORDER_MARK, mark) == 0;
    *ret = (struct config_parser){
        .path = path, .next = bytes + (has_mark ? mark : 0), .end = bytes + length, .line = 1};
    return true;
}

static bool is_blank(char character) {
    return character == ' ' || character == '\t';
}

// Both kinds of line break, and the end of the file.
static bool is_line_end(const struct config_parser *parser) {
    size_t left = (size_t)(parser->end - parser->next);
    return left == 0 || *parser->next == '\n' || (left > 1 && memcmp(parser->next, "\r\n", 2) == 0) ||
           (left == 1 && *parser->next == '\r');
}

static void skip_blanks(struct config_parser *parser) {
    while (parser->next < parser->end && is_blank(*parser->next)) {
        parser->next++;
    }
}

static void skip_line_end(struct config_parser *parser) {
    if (parser->next < parser->end && *parser->next == '\r') {
        parser->next++;
    }
    if (parser->next < parser->end) {
        parser->next++;
        parser->line++;
    }
}

static void skip_rest_of_line(struct config_parser *parser) {
    while (!is_line_end(parser)) {
        parser->next++;
    }
}

static bool is_name_character(char character, bool first) {
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') ||
           character == '_' || (!first && character >= '0' && character <= '9');
}

static bool fail_name(const struct config_parser *parser, struct buffer *name, struct error *error) {
    if (name->length == 0) {
        bool is_comment = parser->next < parser->end && *parser->next == ';';
        return config_parser_fail(parser->path, parser->line, error,
                                  is_comment ? "a comment begins with #, not with ;"
                                             : "it begins with no variable's name; write NAME=VALUE");
    }
    if (is_line_end(parser)) {
        return config_parser_fail(parser->path, parser->line, error,
                                  "%.64s has no value; write %.64s=VALUE, or leave the line out",
                                  buffer_text(name), buffer_text(name));
    }
    if (is_blank(*parser->next)) {
        bool exported = strcmp(buffer_text(name), "export") == 0;
        return config_parser_fail(parser->path, parser->line, error, "%s",
                                  exported ? "leave out the word export: this is no shell script"
                                           : "leave out the blanks before the =");
    }
    return config_parser_fail(parser->path, parser->line, error,
                              "a variable's name has letters, digits and _ only, and a = behind it");
}

static bool read_name(struct config_parser *parser, struct buffer *name, struct error *error) {
    while (parser->next < parser->end && is_name_character(*parser->next, name->length == 0)) {
        buffer_append_char(name, *parser->next++);
    }
    if (name->overflow) {
        return config_parser_fail(parser->path, parser->line, error,
                                  "the variable's name is longer than %zu bytes", name->limit);
    }
    if (name->length == 0 || parser->next == parser->end || *parser->next != '=') {
        return fail_name(parser, name, error);
    }
    parser->next++;
    return true;
}

static bool fail_value(const struct config_parser *parser, struct buffer *name, const char *rule,
                       struct error *error) {
    return config_parser_fail(parser->path, parser->line, error, "the value of %.64s %s", buffer_text(name),
                              rule);
}

static bool read_plain(struct config_parser *parser, struct buffer *name, struct buffer *value,
                       struct error *error) {
    const char *start = parser->next;
    while (!is_line_end(parser)) {
        char character = *parser->next++;
        bool after_blank = parser->next - 1 > start && is_blank(parser->next[-2]);
        if (character == '\\') {
            return fail_value(parser, name, "holds a backslash; put it into single quotes", error);
        }
        if (character == '#' && after_blank) {
            return fail_value(parser, name,
                              "is followed by a #; a comment needs a line of its own, and a value that holds "
                              "a # behind a blank needs quotes",
                              error);
        }
        if ((unsigned char)character < 0x20 && character != '\t') {
            return fail_value(parser, name, "holds a control character; remove it", error);
        }
        buffer_append_char(value, character);
    }
    if (parser->next > start && (is_blank(*start) || is_blank(parser->next[-1]))) {
        return fail_value(parser, name, "has blanks before or behind it; remove them or use quotes", error);
    }
    return true;
}

// Takes one character between quotes; a line break is one, whichever of the two it is.
static void take_quoted(struct config_parser *parser, struct buffer *value) {
    if (is_line_end(parser)) {
        skip_line_end(parser);
        buffer_append_char(value, '\n');
    } else {
        buffer_append_char(value, *parser->next++);
    }
}

static bool read_quoted(struct config_parser *parser, struct buffer *name, struct buffer *value,
                        struct error *error) {
    int line = parser->line;
    char quote = *parser->next++;
    while (parser->next < parser->end && *parser->next != quote) {
        if (quote == '"' && *parser->next == '\\') {
            parser->next++;
            if (parser->next == parser->end || strchr("\"\\$`", *parser->next) == NULL) {
                return fail_value(parser, name,
                                  "has a backslash in double quotes that is not before \" \\ $ or `; use "
                                  "single quotes",
                                  error);
            }
        }
        take_quoted(parser, value);
    }
    if (parser->next == parser->end) {
        parser->line = line;
        return fail_value(parser, name, "begins with a quote that nothing closes", error);
    }
    parser->next++;
    skip_blanks(parser);
    return is_line_end(parser) ||
           fail_value(parser, name, "goes on behind the closing quote; nothing may follow there", error);
}

static bool read_value(struct config_parser *parser, struct buffer *name, struct buffer *value,
                       struct error *error) {
    bool quoted = parser->next < parser->end && (*parser->next == '\'' || *parser->next == '"');
    return (quoted ? read_quoted : read_plain)(parser, name, value, error);
}

enum config_step config_parser_next(struct config_parser *parser, struct buffer *name, struct buffer *value,
                                    int *line, struct error *error) {
    buffer_clear(name);
    buffer_clear(value);
    for (skip_blanks(parser); parser->next < parser->end; skip_blanks(parser)) {
        if (*parser->next == '#') {
            skip_rest_of_line(parser);
        } else if (!is_line_end(parser)) {
            break;
        }
        skip_line_end(parser);
    }
    if (parser->next == parser->end) {
        return CONFIG_END;
    }
    *line = parser->line;
    if (!read_name(parser, name, error) || !read_value(parser, name, value, error)) {
        return CONFIG_BAD;
    }
    skip_line_end(parser);
    return CONFIG_ASSIGNMENT;
}
