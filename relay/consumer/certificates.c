// SPDX-License-Identifier: Apache-2.0
#include "consumer/certificates.h"

#include "base/clock.h"
#include "base/memory.h"
#include "consumer/signature.h"
#include "http/client.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CERTIFICATES_MAX = 16,
    FETCHING_MAX = CERTIFICATES_MAX / 2,
    CONNECTIONS = 2,
    DOCUMENT_MAX = 64 << 10,
    REASON_SIZE = 512,
    TIMEOUT_US = 10000000,
    FAILURE_US = 10000000, // how long a failure counts
};

enum state { EMPTY, FETCHING, KNOWN, FAILED };

struct certificate {
    enum state state;
    bool outage; // FAILED
    char url[SIGNING_URL_MAX + 1];
    char reason[REASON_SIZE];
    X509 *document;
    int64_t used_us; // monotonic
    int64_t failed_us;
    struct certificate_waiter *first;
    struct certificate_waiter **last;
};

struct certificates {
    struct http_client *client;
    struct certificate all[CERTIFICATES_MAX];
};

struct certificates *certificates_new(struct event_base *base, const char *ca_bundle, struct error *error) {
    const struct http_options options = {
        .ca_bundle = ca_bundle, .timeout_us = TIMEOUT_US, .connections = CONNECTIONS};
    struct http_client *client = http_client_new(base, &options, error);
    if (client == NULL) {
        return NULL;
    }
    struct certificates *certificates = memory_allocate(1, sizeof *certificates);
    certificates->client = client;
    return certificates;
}

void certificates_free(struct certificates *certificates) {
    if (certificates == NULL) {
        return;
    }
    http_client_free(certificates->client);
    for (int index = 0; index < CERTIFICATES_MAX; index++) {
        X509_free(certificates->all[index].document);
    }
    free(certificates);
}

static void fail(struct certificate *certificate, bool outage, const char *what) {
    certificate->state = FAILED;
    certificate->outage = outage;
    certificate->failed_us = clock_monotonic_us();
    (void)snprintf(certificate->reason, sizeof certificate->reason, "the certificate %s %.200s",
                   certificate->url, what);
}

static X509 *parse(struct slice pem) {
    static char no_password[] = ""; // else OpenSSL would ask the terminal
    if (pem.length > DOCUMENT_MAX) {
        return NULL;
    }
    BIO *memory = BIO_new_mem_buf(pem.data, (int)pem.length);
    X509 *document = PEM_read_bio_X509(memory, NULL, NULL, no_password);
    BIO_free(memory);
    ERR_clear_error();
    return document;
}

static void take_document(struct certificate *certificate, struct slice pem) {
    X509 *document = parse(pem);
    const EVP_PKEY *key = document != NULL ? X509_get0_pubkey(document) : NULL;
    if (key == NULL) {
        fail(certificate, true, "cannot be read: the answer is no certificate in PEM form");
    } else if (!signature_key_usable(key)) {
        fail(certificate, false, "is of no use: its key must be RSA of 2048 to 8192 bits");
    } else {
        certificate->state = KNOWN;
        certificate->document = document;
        return;
    }
    ERR_clear_error();
    X509_free(document);
}

static void take_answer(struct certificate *certificate, const struct http_answer *answer) {
    char what[REASON_SIZE / 2];
    if (answer->status == 200) {
        take_document(certificate, answer->body);
        return;
    }
    if (answer->status != 0) {
        (void)snprintf(what, sizeof what, "cannot be fetched: the answer has status %d", answer->status);
    } else {
        (void)snprintf(what, sizeof what, "cannot be fetched: %s", answer->failure);
    }
    fail(certificate, true, what);
}

static void tell_dates(struct certificate *certificate, struct certificate_found *ret) {
    X509 *document = certificate->document;
    const char *what = NULL;
    if (X509_cmp_current_time(X509_get0_notBefore(document)) >= 0) {
        what = "is not valid yet";
    } else if (X509_cmp_current_time(X509_get0_notAfter(document)) <= 0) {
        what = "has expired";
    } else {
        ret->key = X509_get0_pubkey(document);
        return;
    }
    (void)snprintf(certificate->reason, sizeof certificate->reason, "the certificate %s %.200s",
                   certificate->url, what);
    ret->reason = certificate->reason;
}

static void tell(struct certificate *certificate, struct certificate_waiter *waiter) {
    struct certificate_found found = {0};
    if (certificate->state == KNOWN) {
        tell_dates(certificate, &found);
    } else {
        found.outage = certificate->outage;
        found.reason = certificate->reason;
    }
    waiter->certificate = NULL;
    waiter->done(waiter->context, &found);
}

// As long as somebody waits, nobody else can take its place. Within the last call somebody may, and then
// waits for another answer.
static void on_answer(void *context, const struct http_answer *answer) {
    struct certificate *certificate = context;
    take_answer(certificate, answer);
    while (certificate->first != NULL && certificate->state != FETCHING) {
        struct certificate_waiter *waiter = certificate->first;
        certificate->first = waiter->next;
        if (certificate->first == NULL) {
            certificate->last = &certificate->first;
        }
        tell(certificate, waiter);
    }
}

static bool is_stale(const struct certificate *certificate, int64_t now) {
    return certificate->state == EMPTY ||
           (certificate->state == FAILED && now - certificate->failed_us >= FAILURE_US);
}

static struct certificate *find(struct certificates *certificates, struct slice url, int64_t now) {
    for (int index = 0; index < CERTIFICATES_MAX; index++) {
        struct certificate *certificate = &certificates->all[index];
        if ((!is_stale(certificate, now) || certificate->first != NULL) &&
            strlen(certificate->url) == url.length && memcmp(certificate->url, url.data, url.length) == 0) {
            return certificate;
        }
    }
    return NULL;
}

// The less one is worth the sooner it must go: what failed before what is of use, so that invented addresses
// do not drive that out; then the one that was not used for longest.
static bool is_worth_less(const struct certificate *one, const struct certificate *other) {
    bool known = one->state == KNOWN;
    bool other_known = other->state == KNOWN;
    return known != other_known ? other_known : one->used_us < other->used_us;
}

static int count_of(const struct certificates *certificates, enum state state) {
    int count = 0;
    for (int index = 0; index < CERTIFICATES_MAX; index++) {
        count += certificates->all[index].state == state;
    }
    return count;
}

// NULL: too many are being fetched. When all are of use one of them must go, but no second one: the place of
// what is then fetched, and fails, serves the next.
static struct certificate *find_place(struct certificates *certificates) {
    struct certificate *least = NULL;
    if (count_of(certificates, FETCHING) >= FETCHING_MAX) {
        return NULL;
    }
    for (int index = 0; index < CERTIFICATES_MAX; index++) {
        struct certificate *certificate = &certificates->all[index];
        bool busy = certificate->state == FETCHING || certificate->first != NULL;
        if (!busy && (least == NULL || is_worth_less(certificate, least))) {
            least = certificate;
        }
    }
    bool kept = least != NULL && least->state == KNOWN && count_of(certificates, KNOWN) < CERTIFICATES_MAX;
    return kept ? NULL : least;
}

static void fetch(struct certificates *certificates, struct certificate *certificate, struct slice url) {
    X509_free(certificate->document);
    *certificate = (struct certificate){.state = FETCHING, .last = &certificate->first};
    memcpy(certificate->url, url.data, url.length);
    http_send(certificates->client,
              &(struct http_request){
                  .method = HTTP_GET, .url = certificate->url, .done = on_answer, .context = certificate});
}

static void wait_for(struct certificate *certificate, struct certificate_waiter *waiter) {
    waiter->next = NULL;
    waiter->certificate = certificate;
    *certificate->last = waiter;
    certificate->last = &waiter->next;
}

void certificates_get(struct certificates *certificates, struct slice url,
                      struct certificate_waiter *waiter) {
    int64_t now = clock_monotonic_us();
    struct certificate *certificate = find(certificates, url, now);
    if (certificate == NULL) {
        certificate = find_place(certificates);
        if (certificate == NULL) {
            const struct certificate_found none = {
                .outage = true, .reason = "too many certificates of SNS are being fetched"};
            waiter->certificate = NULL;
            waiter->done(waiter->context, &none);
            return;
        }
        fetch(certificates, certificate, url);
    }
    certificate->used_us = now;
    if (certificate->state == FETCHING) {
        wait_for(certificate, waiter);
    } else {
        tell(certificate, waiter);
    }
}

void certificates_cancel(struct certificate_waiter *waiter) {
    if (waiter->certificate == NULL) {
        return;
    }
    struct certificate_waiter **link = &waiter->certificate->first;
    while (*link != waiter) {
        link = &(*link)->next;
    }
    *link = waiter->next;
    if (*link == NULL) {
        waiter->certificate->last = link;
    }
    waiter->certificate = NULL;
}
