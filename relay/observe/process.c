// SPDX-License-Identifier: Apache-2.0
// Read from /proc/self, see proc(5); what cannot be read is left out.
#include "observe/process.h"

#include "base/clock.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

static void append_memory(struct buffer *out) {
    FILE *file = fopen("/proc/self/statm", "re");
    uint64_t pages = 0, resident = 0;
    if (file != NULL && fscanf(file, "%" SCNu64 " %" SCNu64, &pages, &resident) == 2) {
        double page = (double)sysconf(_SC_PAGESIZE);
        append(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size.", (double)pages * page);
        append(out, "process_resident_memory_bytes", "gauge", "Resident memory size.",
               (double)resident * page);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void append_descriptors(struct buffer *out) {
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; // . and .. and the folder itself
    if (folder != NULL) {
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

// Field 22 of /proc/self/stat, in clock ticks since the machine started; the name in field 2 may hold
// anything. Returns 0 when it cannot be read.
static double read_start(void) {
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    text[length] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
    const char *place = strrchr(text, ')');
    uint64_t ticks = 0;
    if (place == NULL ||
        sscanf(place,
               ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
               &ticks) != 1) {
        return 0;
    }
    double age = (double)clock_boot_us() / 1e6 - (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return (double)(clock_unix_us() / 10000) / 100 - age;
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
