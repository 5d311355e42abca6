// SPDX-License-Identifier: Apache-2.0
#include "credentials/expiry.h"

#include <string.h>

enum { SECOND_US = 1000000, FRACTION_MAX = 9, FRACTION_KEPT = 6 };

// Reads exactly `width` digits; NULL when they are not there.
static const char *take_number(const char *text, int width, int least, int most, int *ret) {
    int number = 0;
    for (; text != NULL && width > 0; width--, text++) {
        if (*text < '0' || *text > '9') {
            return NULL;
        }
        number = number * 10 + (*text - '0');
    }
    *ret = number;
    return text != NULL && number >= least && number <= most ? text : NULL;
}

static const char *take_char(const char *text, char expected) {
    return text != NULL && *text == expected ? text + 1 : NULL;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

// Days from 1970-01-01, counted in years that begin in March so that the leap day is the last of its year.
static int64_t days_from_epoch(int year, int month, int day) {
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t month_of_year = (month + 9) % 12;
    return march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 +
           (month_of_year * 153 + 2) / 5 + day - 1 - 719468;
}

static const char *take_date(const char *text, int64_t *ret_days) {
    int year = 0, month = 0, day = 0;
    text = take_char(take_number(text, 4, 1, 9999, &year), '-');
    text = take_char(take_number(text, 2, 1, 12, &month), '-');
    if (text == NULL) {
        return NULL;
    }
    text = take_number(text, 2, 1, days_in_month(year, month), &day);
    *ret_days = text == NULL ? 0 : days_from_epoch(year, month, day);
    return text;
}

static const char *take_time(const char *text, int64_t *ret_seconds) {
    int hour = 0, minute = 0, second = 0;
    text = take_char(take_number(text, 2, 0, 23, &hour), ':');
    text = take_char(take_number(text, 2, 0, 59, &minute), ':');
    text = take_number(text, 2, 0, 59, &second);
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return text;
}

static const char *take_fraction(const char *text, int64_t *ret_us) {
    int digits = 0;
    int64_t fraction = 0;
    *ret_us = 0;
    if (text == NULL || *text != '.') {
        return text;
    }
    for (text++; *text >= '0' && *text <= '9' && digits < FRACTION_MAX; text++, digits++) {
        fraction = digits < FRACTION_KEPT ? fraction * 10 + (*text - '0') : fraction;
    }
    if (digits == 0) {
        return NULL;
    }
    for (; digits < FRACTION_KEPT; digits++) {
        fraction *= 10;
    }
    *ret_us = fraction;
    return text;
}

// The rest of the text is the zone; how far it is ahead of UTC.
static bool read_zone(const char *text, int64_t *ret_seconds) {
    int hours = 0, minutes = 0;
    *ret_seconds = 0;
    if (text == NULL || strcmp(text, "Z") == 0 || strcmp(text, "UTC") == 0) {
        return text != NULL;
    }
    if (*text != '+' && *text != '-') {
        return false;
    }
    const char *end = take_number(text + 1, 2, 0, 23, &hours);
    end = end != NULL && *end == ':' ? end + 1 : end;
    end = take_number(end, 2, 0, 59, &minutes);
    *ret_seconds = (*text == '-' ? -60 : 60) * (hours * 60 + minutes);
    return end != NULL && *end == '\0';
}

bool expiry_parse(const char *text, int64_t *ret) {
    int64_t days = 0, seconds = 0, fraction = 0, ahead = 0;
    text = take_char(take_date(text, &days), 'T');
    text = take_fraction(take_time(text, &seconds), &fraction);
    if (!read_zone(text, &ahead)) {
        return false;
    }
    *ret = (days * 86400 + seconds - ahead) * SECOND_US + fraction;
    return true;
}
