// SPDX-License-Identifier: Apache-2.0
// The servers that a connection string names, one by one. libpq goes through a list of hosts, and through the
// addresses of a host, by itself; but its non-blocking connect ignores connect_timeout, so that one server
// which accepts and never answers would keep it from all that follow. So each is tried on its own.
#pragma once

// What libpq calls host, hostaddr and port. All NULL: what libpq itself makes of the connection string.
struct host {
    char *name;
    char *address;
    char *port;
};

struct hosts {
    struct host *list;
    int count;           // at least 1
    int timeout_seconds; // for each of them
};

// hosts_split takes the lists apart, as libpq writes them: "a,b", one address for each host, one port for
// each or one for all. NULL is a list that is not set. Lists that do not match, or that leave a host out,
// become one entry that is all NULL: libpq knows what they mean, or says what is wrong with them.
void hosts_split(struct hosts *hosts, const char *names, const char *addresses, const char *ports,
                 const char *default_port);

// hosts_resolve makes one entry of each address that a name has. It blocks, as libpq does. A name that has
// none stays: libpq says why.
void hosts_resolve(struct hosts *hosts);

// hosts_read splits what a connection string says; PG* variables and service files count as they do for
// libpq.
void hosts_read(struct hosts *hosts, const char *conninfo);

// hosts_add appends a copy.
void hosts_add(struct hosts *hosts, const struct host *host);
void hosts_free(struct hosts *hosts);

struct host host_copy(const struct host *host);
void host_free(struct host *host);
