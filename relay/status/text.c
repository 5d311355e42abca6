// SPDX-License-Identifier: Apache-2.0
#include "status/text.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char REPLACEMENT[] = "\xEF\xBF\xBD";
static const char ELLIPSIS[] = "\xE2\x80\xA6";

struct range {
    uint32_t first, last;
};

// Controls, and what has no place of its own but changes that of others (Unicode: bidirectional formatting,
// line and paragraph separators, zero-width characters, tags).
static const struct range harmful[] = {
    {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x61C, 0x61C},   {0x200B, 0x200F},
    {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF}};

// East Asian Wide and Fullwidth, and emoji (Unicode Standard Annex 11), in coarse ranges.
static const struct range wide[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                                    {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                                    {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};

static bool is_in(const struct range *ranges, size_t count, uint32_t character) {
    for (size_t index = 0; index < count; index++) {
        if (character >= ranges[index].first && character <= ranges[index].last) {
            return true;
        }
    }
    return false;
}

struct glyph {
    const char *bytes;
    size_t length; // of what is written
    size_t taken;  // of what was read
    size_t columns;
};

static struct glyph next_glyph(const char *text, size_t length) {
    uint32_t character = 0;
    size_t taken = utf8_decode(text, length, &character);
    if (taken == 0 || is_in(harmful, sizeof harmful / sizeof harmful[0], character)) {
        return (struct glyph){REPLACEMENT, sizeof REPLACEMENT - 1, taken > 0 ? taken : 1, 1};
    }
    bool is_wide = is_in(wide, sizeof wide / sizeof wide[0], character);
    return (struct glyph){text, taken, taken, is_wide ? 2 : 1};
}

size_t text_columns(const char *text) {
    size_t columns = 0;
    for (size_t left = strlen(text); left > 0;) {
        struct glyph glyph = next_glyph(text, left);
        columns += glyph.columns;
        text += glyph.taken;
        left -= glyph.taken;
    }
    return columns;
}

size_t text_append(struct buffer *out, const char *text, size_t columns) {
    bool fits = text_columns(text) <= columns;
    size_t room = fits ? columns : columns - 1;
    size_t used = 0;
    for (size_t left = strlen(text); left > 0;) {
        struct glyph glyph = next_glyph(text, left);
        if (used + glyph.columns > room) {
            break;
        }
        buffer_append(out, glyph.bytes, glyph.length);
        used += glyph.columns;
        text += glyph.taken;
        left -= glyph.taken;
    }
    if (!fits) {
        buffer_append_text(out, ELLIPSIS);
        used++;
    }
    return used;
}

void text_append_count(struct buffer *out, double count, bool exact) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.0f", count >= 0 && count < 1e18 ? count : 0);
    buffer_append_text(out, exact ? "" : "about ");
    for (int index = 0; index < length; index++) {
        if (index > 0 && (length - index) % 3 == 0) {
            buffer_append_char(out, ',');
        }
        buffer_append_char(out, digits[index]);
    }
}

void text_append_age(struct buffer *out, double seconds) {
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
    int64_t whole = seconds < 0 ? 0 : seconds > 1e12 ? INT64_C(1000000000000) : (int64_t)seconds;
    if (whole < 1) {
        buffer_append_format(out, "%dms", seconds > 0 ? (int)(seconds * 1000) : 0);
        return;
    }
    size_t unit = 0;
    while (whole < units[unit].seconds) {
        unit++;
    }
    buffer_append_format(out, "%lld%s", (long long)(whole / units[unit].seconds), units[unit].name);
    int64_t rest = whole % units[unit].seconds;
    if (unit < 3 && rest / units[unit + 1].seconds > 0) {
        buffer_append_format(out, " %lld%s", (long long)(rest / units[unit + 1].seconds),
                             units[unit + 1].name);
    }
}
