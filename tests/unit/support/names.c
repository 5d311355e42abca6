// SPDX-License-Identifier: Apache-2.0
// libcurl looks names up in threads, hence the locks.
#include "support/names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SILENCE_MAX_S = 8 }; // so that a test that waits for the answer fails instead of hanging

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked;
static int waiting;
static bool released;

int names_asked(void) {
    pthread_mutex_lock(&lock);
    int count = asked;
    pthread_mutex_unlock(&lock);
    return count;
}

bool names_waiting(void) {
    pthread_mutex_lock(&lock);
    bool is = waiting > 0;
    pthread_mutex_unlock(&lock);
    return is;
}

void names_release(void) {
    pthread_mutex_lock(&lock);
    released = true;
    pthread_cond_broadcast(&changed);
    while (waiting > 0) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static int keep_silent(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SILENCE_MAX_S;
    pthread_mutex_lock(&lock);
    waiting++;
    while (!released && pthread_cond_timedwait(&changed, &lock, &until) == 0) {
    }
    waiting--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return EAI_AGAIN;
}

// In one piece, as the C library makes them, since it is the C library that frees them.
static struct addrinfo *make_address(int number, in_port_t port, struct addrinfo *next) {
    struct addrinfo *address = calloc(1, sizeof *address + sizeof(struct sockaddr_in));
    struct sockaddr_in *socket_address = (struct sockaddr_in *)(void *)(address + 1);
    socket_address->sin_family = AF_INET;
    socket_address->sin_port = port;
    socket_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK + (in_addr_t)number);
    address->ai_family = AF_INET;
    address->ai_socktype = SOCK_STREAM;
    address->ai_addrlen = sizeof *socket_address;
    address->ai_addr = (struct sockaddr *)socket_address;
    address->ai_next = next;
    return address;
}

static int answer_many(const char *service, struct addrinfo **ret) {
    in_port_t port = htons((in_port_t)(service != NULL ? strtol(service, NULL, 10) : 0));
    pthread_mutex_lock(&lock);
    asked++;
    pthread_mutex_unlock(&lock);
    *ret = NULL;
    for (int number = NAMES_MANY - 1; number >= 0; number--) {
        *ret = make_address(number, port, *ret);
    }
    return 0;
}

// The parameters are called as in the C library.
int getaddrinfo(const char *name, const char *service, const struct addrinfo *req, struct addrinfo **pai) {
    (void)req;
    if (strcmp(name, "many.test") == 0) {
        return answer_many(service, pai);
    }
    return strcmp(name, "silent.test") == 0 ? keep_silent() : EAI_NONAME;
}
