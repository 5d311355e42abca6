// SPDX-License-Identifier: Apache-2.0
// Time and its written forms; see clock.h. The calendar is computed here because gmtime_r takes a lock and
// strftime is slow, and a time is written for every event.
#include "base/clock.h"

#include <time.h>

enum { DAYS_PER_ERA = 146097, SECONDS_PER_DAY = 86400, MICROSECONDS = 1000000 };

static const int64_t FIRST_SECOND = -62167219200; // 0000-01-01T00:00:00Z
static const int64_t LAST_SECOND = 253402300799;  // 9999-12-31T23:59:59Z

struct calendar {
    int year, month, day, hour, minute, second, millisecond;
};

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    (void)clock_gettime(id, &now); // cannot fail for the clocks used here
    return (int64_t)now.tv_sec * MICROSECONDS + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void) {
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_boot_us(void) {
    return read_clock(CLOCK_BOOTTIME);
}

int64_t clock_unix_us(void) {
    return read_clock(CLOCK_REALTIME);
}

// The proleptic Gregorian date of a number of days since 1970-01-01: Howard Hinnant's civil_from_days, which
// counts years from March so that the leap day is a year's last. Valid from year 0 on, where all intermediate
// values are positive.
static void set_date(struct calendar *calendar, int64_t days) {
    int shifted = (int)(days + 719468 + DAYS_PER_ERA); // days since -0400-03-01
    int era = shifted / DAYS_PER_ERA;
    int day_of_era = shifted % DAYS_PER_ERA;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * day_of_year + 2) / 153;
    calendar->day = day_of_year - (153 * march_month + 2) / 5 + 1;
    calendar->month = march_month < 10 ? march_month + 3 : march_month - 9;
    calendar->year = year_of_era + (era - 1) * 400 + (calendar->month <= 2 ? 1 : 0);
}

static struct calendar calendar_of(int64_t unix_us) {
    int64_t microsecond = unix_us % MICROSECONDS;
    int64_t seconds = unix_us / MICROSECONDS;
    if (microsecond < 0) {
        microsecond += MICROSECONDS;
        seconds -= 1;
    }
    if (seconds < FIRST_SECOND) {
        seconds = FIRST_SECOND;
        microsecond = 0;
    } else if (seconds > LAST_SECOND) {
        seconds = LAST_SECOND;
        microsecond = MICROSECONDS - 1;
    }
    int64_t since_first = seconds - FIRST_SECOND;
    int second_of_day = (int)(since_first % SECONDS_PER_DAY);
    struct calendar calendar = {
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .millisecond = (int)(microsecond / 1000),
    };
    set_date(&calendar, since_first / SECONDS_PER_DAY + FIRST_SECOND / SECONDS_PER_DAY);
    return calendar;
}

// Writes `width` decimal digits and then, unless it is zero, a separator; returns the place behind them.
static char *put(char *place, int value, int width, char separator) {
    for (int index = width - 1; index >= 0; index--) {
        place[index] = (char)('0' + value % 10);
        value /= 10;
    }
    place += width;
    if (separator != '\0') {
        *place++ = separator;
    }
    return place;
}

void clock_format_iso8601(int64_t unix_us, char text[CLOCK_ISO8601_SIZE]) {
    struct calendar calendar = calendar_of(unix_us);
    char *place = put(text, calendar.year, 4, '-');
    place = put(place, calendar.month, 2, '-');
    place = put(place, calendar.day, 2, 'T');
    place = put(place, calendar.hour, 2, ':');
    place = put(place, calendar.minute, 2, ':');
    place = put(place, calendar.second, 2, '.');
    place = put(place, calendar.millisecond, 3, 'Z');
    *place = '\0';
}

void clock_format_basic(int64_t unix_us, char text[CLOCK_BASIC_SIZE]) {
    struct calendar calendar = calendar_of(unix_us);
    char *place = put(text, calendar.year, 4, '\0');
    place = put(place, calendar.month, 2, '\0');
    place = put(place, calendar.day, 2, 'T');
    place = put(place, calendar.hour, 2, '\0');
    place = put(place, calendar.minute, 2, '\0');
    place = put(place, calendar.second, 2, 'Z');
    *place = '\0';
}
