// SPDX-License-Identifier: Apache-2.0
// Read from /proc/self, see proc(5); what cannot be read is left out.
#include "observe/process.h"

#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TEXT_SIZE = 1024, START_FIELD = 22 };

static void append(struct buffer *out, const char *name, const char *kind, const char *help, double value) {
    buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, kind, name, value);
}

static void append_cpu(struct buffer *out) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        append(out, "process_cpu_seconds_total", "counter", "User and system CPU time spent.",
               (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    }
}

// The content of a small file, which lives until the next call; "" when it cannot be read.
static char *read_text(const char *path) {
    static char text[TEXT_SIZE];
    struct buffer content;
    buffer_init(&content, TEXT_SIZE - 1);
    bool good = file_read(&content, path);
    (void)snprintf(text, sizeof text, "%s", good ? buffer_text(&content) : "");
    buffer_free(&content);
    return text;
}

static void append_memory(struct buffer *out) {
    char *rest = NULL;
    uint64_t pages = strtoull(read_text("/proc/self/statm"), &rest, 10);
    uint64_t resident = strtoull(rest, NULL, 10);
    if (resident > 0) {
        double page = (double)sysconf(_SC_PAGESIZE);
        append(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size.", (double)pages * page);
        append(out, "process_resident_memory_bytes", "gauge", "Resident memory size.",
               (double)resident * page);
    }
}

static void append_descriptors(struct buffer *out) {
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; // . and .. and the folder itself
    if (folder != NULL) {
        // cppcheck-suppress readdirCalled ; one thread, and readdir_r is out of date
        while (readdir(folder) != NULL) {
            count++;
        }
        closedir(folder);
        append(out, "process_open_fds", "gauge", "Open file descriptors.", count);
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        append(out, "process_max_fds", "gauge", "The limit of open file descriptors.",
               (double)limit.rlim_cur);
    }
}

// The process started in field 22 of /proc/self/stat, in clock ticks since the machine did; the name in field
// 2 may hold anything. Returns 0 when it cannot be read.
static double read_start(void) {
    const char *place = strrchr(read_text("/proc/self/stat"), ')');
    for (int field = 2; place != NULL && field < START_FIELD; field++) {
        place = strchr(place + 1, ' ');
    }
    if (place == NULL) {
        return 0;
    }
    double age =
        (double)clock_boot_us() / 1e6 - (double)strtoull(place, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
    return (double)clock_unix_us() / 1e6 - age;
}

// Read once: the wall clock may be set, but when the process started does not change.
static void append_start(struct buffer *out) {
    static double start;
    start = start > 0 ? start : read_start();
    if (start > 0) {
        append(out, "process_start_time_seconds", "gauge", "When the process started, since the Unix epoch.",
               start);
    }
}

void process_write(struct buffer *out) {
    append_cpu(out);
    append_memory(out);
    append_descriptors(out);
    append_start(out);
}
