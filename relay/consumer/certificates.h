// SPDX-License-Identifier: Apache-2.0
// The certificates that SNS signs with, fetched from where it keeps them. What makes one trustworthy is the
// connection it comes over: https, to a host of SNS (signing_url_valid), verified as all connections are
// (http/trust.h). Its own chain is not looked at; its dates are, each time.
//
// Sixteen are kept. Each is fetched once, however many wait for it; when that fails, the failure is
// remembered for some seconds. One that is of use goes only when all are, and eight are fetched at a time,
// who asks for another meanwhile is told of an outage: so invented addresses drive out one at most.
#pragma once

#include "base/error.h"
#include "base/slice.h"

#include <event2/event.h>
#include <openssl/types.h>
#include <stdbool.h>

struct certificates;
struct certificate;

// What is found: a key that can be used, else NULL and why. `outage`: it could not be had, perhaps later.
struct certificate_found {
    EVP_PKEY *key;
    bool outage;
    const char *reason;
};

// Who asks; in the asker's memory until `done` or certificates_cancel.
struct certificate_waiter {
    void (*done)(void *context, const struct certificate_found *found); // what is found lives for the call
    void *context;
    struct certificate_waiter *next; // this module's, as is the next
    struct certificate *certificate;
};

// `ca_bundle` as in http/client.h; fails as http_client_new does.
struct certificates *certificates_new(struct event_base *base, const char *ca_bundle, struct error *error);
void certificates_free(struct certificates *certificates); // calls nobody; NULL is fine

// certificates_get calls `done` once, at once when it is known. `url` is a valid one, copied.
void certificates_get(struct certificates *certificates, struct slice url, struct certificate_waiter *waiter);
void certificates_cancel(struct certificate_waiter *waiter);
