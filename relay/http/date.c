// SPDX-License-Identifier: Apache-2.0
#include "http/date.h"

#include <string.h>

static const char weekdays[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char shape[] = "aaa, 00 aaa 0000 00:00:00 GMT"; // a: a letter of a name, 0: a digit

static const int64_t DAY_SECONDS = 86400;

static bool has_shape(const char *text) {
    if (strnlen(text, sizeof shape) != sizeof shape - 1) {
        return false;
    }
    for (size_t index = 0; index < sizeof shape - 1; index++) {
        bool is_digit = text[index] >= '0' && text[index] <= '9';
        if (shape[index] == '0' ? !is_digit : shape[index] != 'a' && shape[index] != text[index]) {
            return false;
        }
    }
    return true;
}

// The place of a name of three letters in a list of such names, or -1.
static int place_of(const char *name, const char *names) {
    for (int place = 0; names[3 * place] != '\0'; place++) {
        if (memcmp(name, names + 3 * place, 3) == 0) {
            return place;
        }
    }
    return -1;
}

static int number(const char *digits, int count) {
    int value = 0;
    for (int index = 0; index < count; index++) {
        value = 10 * value + (digits[index] - '0');
    }
    return value;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month] + (month == 1 && leap ? 1 : 0);
}

// Days from 1970-01-01 to a date; `month` counts from 0. Years begin in March here, so that the leap day is a
// year's last: Howard Hinnant's days_from_civil, for years after Christ.
static int64_t days_since_1970(int year, int month, int day) {
    int shifted_year = month < 2 ? year - 1 : year;
    int shifted_month = (month + 10) % 12;
    int leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    return 365 * shifted_year + leap_days + (153 * shifted_month + 2) / 5 + day - 1 - 719468;
}

bool http_date_parse(const char *text, int64_t *ret_unix_us) {
    if (text == NULL || !has_shape(text)) {
        return false;
    }
    int weekday = place_of(text, weekdays);
    int day = number(text + 5, 2);
    int month = place_of(text + 8, months);
    int year = number(text + 12, 4);
    int hour = number(text + 17, 2);
    int minute = number(text + 20, 2);
    int second = number(text + 23, 2); // 60 is a leap second
    if (year < 1970 || month < 0 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 60) {
        return false;
    }
    int64_t days = days_since_1970(year, month, day);
    if (weekday != (days + 4) % 7) { // it began with a Thursday
        return false;
    }
    *ret_unix_us = (days * DAY_SECONDS + hour * 3600 + minute * 60 + second) * 1000000;
    return true;
}
