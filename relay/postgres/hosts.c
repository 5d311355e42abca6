// SPDX-License-Identifier: Apache-2.0
#include "postgres/hosts.h"

#include "base/memory.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { TIMEOUT_SECONDS = 10, TIMEOUT_LEAST = 2, TIMEOUT_MOST = 3600, ADDRESS_SIZE = 128 };

struct host host_copy(const struct host *host) {
    return (struct host){memory_copy_text(host->name), memory_copy_text(host->address),
                         memory_copy_text(host->port)};
}

void host_free(struct host *host) {
    free(host->name);
    free(host->address);
    free(host->port);
    *host = (struct host){0};
}

void hosts_add(struct hosts *hosts, const struct host *host) {
    hosts->list = memory_resize(hosts->list, (size_t)hosts->count + 1, sizeof *hosts->list);
    hosts->list[hosts->count++] = host_copy(host);
}

void hosts_free(struct hosts *hosts) {
    for (int index = 0; index < hosts->count; index++) {
        host_free(&hosts->list[index]);
    }
    free(hosts->list);
    hosts->list = NULL;
    hosts->count = 0;
}

static bool is_set(const char *list) {
    return list != NULL && *list != '\0';
}

static int count_of(const char *list) {
    int count = is_set(list) ? 1 : 0;
    for (const char *place = list; is_set(place); place++) {
        count += *place == ',';
    }
    return count;
}

// The next part of a list, or NULL when it is empty or the list is not set.
static char *next_of(const char **list) {
    if (*list == NULL) {
        return NULL;
    }
    size_t length = strcspn(*list, ",");
    char *part = NULL;
    if (length > 0) {
        part = memory_allocate(length + 1, 1);
        memcpy(part, *list, length);
    }
    *list += length + ((*list)[length] == ',');
    return part;
}

static bool is_whole(const struct host *host, bool named, bool addressed) {
    return (!named || host->name != NULL) && (!addressed || host->address != NULL);
}

void hosts_split(struct hosts *hosts, const char *names, const char *addresses, const char *ports,
                 const char *default_port) {
    bool named = is_set(names);
    bool addressed = is_set(addresses);
    int count = addressed ? count_of(addresses) : count_of(names);
    bool one_port = count_of(ports) <= 1;
    bool whole = count > 0 && (!named || count_of(names) == count) && (one_port || count_of(ports) == count);
    const char *port = ports;
    *hosts = (struct hosts){.timeout_seconds = TIMEOUT_SECONDS};
    for (int index = 0; whole && index < count; index++) {
        port = one_port ? ports : port;
        struct host host = {next_of(&names), next_of(&addresses), next_of(&port)};
        host.port = host.port != NULL ? host.port : memory_copy_text(default_port);
        whole = is_whole(&host, named, addressed);
        hosts_add(hosts, &host);
        host_free(&host);
    }
    if (!whole) {
        hosts_free(hosts);
        hosts_add(hosts, &(struct host){0});
    }
}

// A name that begins like a path is the folder of a socket, or (@) a socket without one.
static bool needs_address(const struct host *host) {
    return host->name != NULL && host->address == NULL && *host->name != '/' && *host->name != '@';
}

static void add_addresses(struct hosts *hosts, const struct host *host, const struct addrinfo *found) {
    for (; found != NULL; found = found->ai_next) {
        char address[ADDRESS_SIZE];
        if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, NULL, 0,
                        NI_NUMERICHOST) == 0) {
            hosts_add(hosts, &(struct host){host->name, address, host->port});
        }
    }
}

void hosts_resolve(struct hosts *hosts) {
    struct hosts resolved = {.timeout_seconds = hosts->timeout_seconds};
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    for (int index = 0; index < hosts->count; index++) {
        const struct host *host = &hosts->list[index];
        struct addrinfo *found = NULL;
        int before = resolved.count;
        if (needs_address(host) && getaddrinfo(host->name, NULL, &wanted, &found) == 0) {
            add_addresses(&resolved, host, found);
            freeaddrinfo(found);
        }
        if (resolved.count == before) {
            hosts_add(&resolved, host);
        }
    }
    hosts_free(hosts);
    *hosts = resolved;
}

static const char *value_of(const PQconninfoOption *options, const char *keyword) {
    for (; options != NULL && options->keyword != NULL; options++) {
        if (strcmp(options->keyword, keyword) == 0) {
            return options->val;
        }
    }
    return NULL;
}

static const char *default_of(const PQconninfoOption *options, const char *keyword) {
    for (; options != NULL && options->keyword != NULL; options++) {
        if (strcmp(options->keyword, keyword) == 0) {
            return options->compiled;
        }
    }
    return NULL;
}

// As libpq's blocking connect has it: at least 2 s. What it reads as "for ever" is our default.
static int timeout_of(const char *text) {
    long seconds = text != NULL ? strtol(text, NULL, 10) : 0;
    if (seconds <= 0) {
        return TIMEOUT_SECONDS;
    }
    seconds = seconds < TIMEOUT_LEAST ? TIMEOUT_LEAST : seconds;
    return (int)(seconds < TIMEOUT_MOST ? seconds : TIMEOUT_MOST);
}

void hosts_read(struct hosts *hosts, const char *conninfo) {
    // Only a connection knows what PG* variables and service files add. This one gets a value that libpq
    // refuses after it has read them all, so that it goes nowhere.
    const char *const names[] = {"dbname", "sslmode", NULL};
    const char *const values[] = {conninfo, "none", NULL};
    PGconn *nowhere = PQconnectStartParams(names, values, 1);
    PQconninfoOption *options = PQconninfo(nowhere);
    hosts_split(hosts, value_of(options, "host"), value_of(options, "hostaddr"), value_of(options, "port"),
                default_of(options, "port"));
    hosts->timeout_seconds = timeout_of(value_of(options, "connect_timeout"));
    PQconninfoFree(options);
    PQfinish(nowhere);
}
