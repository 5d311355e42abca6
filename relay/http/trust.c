// SPDX-License-Identifier: Apache-2.0
// libcurl keeps what it has read of the file as long as CURLOPT_CA_CACHE_TIMEOUT says, but does not look at
// the file in the meantime. So this is told to it: what was read before the last change is too old.
#include "http/trust.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 16 << 20, LOOK_US = 1000000 };

// A new cache is begun when the file changes; an old one is in use until the last of its handles has changed
// over.
struct sessions {
    struct sessions *next;
    CURLSH *share;
};

struct trust {
    char *path;                // NULL: where libcurl looks, which is not one file
    struct stat file;          // as it was found last; all zero when it was not there
    int64_t looked_us;         // monotonic
    int64_t changed_us;        // 0: not since the start
    struct sessions *sessions; // the current ones come first
};

static void look_at(const char *path, struct stat *ret) {
    if (stat(path, ret) != 0) {
        *ret = (struct stat){0};
    }
}

// A file that is replaced has another inode, one that is written to another time or size; the second time
// also changes with who may read it.
static bool is_same(const struct stat *one, const struct stat *other) {
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino && one->st_size == other->st_size &&
           one->st_mtim.tv_sec == other->st_mtim.tv_sec && one->st_mtim.tv_nsec == other->st_mtim.tv_nsec &&
           one->st_ctim.tv_sec == other->st_ctim.tv_sec && one->st_ctim.tv_nsec == other->st_ctim.tv_nsec;
}

// Reads the file as libcurl will.
static bool holds_certificates(const char *path) {
    X509_STORE *store = X509_STORE_new();
    bool good = store != NULL && X509_STORE_load_file(store, path) == 1;
    X509_STORE_free(store);
    ERR_clear_error();
    return good;
}

// A process has several clients, and they trust the same file: what was found good is not read again.
static bool check_file(const char *path, struct error *error) {
    static struct stat good;
    struct stat file;
    if (stat(path, &file) != 0) {
        return error_set(error, ERROR_USAGE, "%s cannot be read: %s", path, strerror(errno));
    }
    if (!S_ISREG(file.st_mode) || file.st_size > FILE_MAX) {
        return error_set(error, ERROR_USAGE,
                         "%s is not a file of at most 16 MiB: give one with the certificates to trust", path);
    }
    if (!is_same(&file, &good) && !holds_certificates(path)) {
        return error_set(error, ERROR_USAGE,
                         "%s cannot be read, or holds no certificates: give a file of those to trust, each "
                         "from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
                         path);
    }
    good = file;
    return true;
}

static void free_unused(struct sessions **link) {
    while (*link != NULL) {
        struct sessions *sessions = *link;
        if (curl_share_cleanup(sessions->share) == CURLSHE_OK) {
            *link = sessions->next;
            free(sessions);
        } else {
            link = &sessions->next;
        }
    }
}

static void begin_sessions(struct trust *trust) {
    struct sessions *sessions = memory_allocate(1, sizeof *sessions);
    free_unused(&trust->sessions);
    sessions->share = curl_share_init();
    curl_share_setopt(sessions->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    sessions->next = trust->sessions;
    trust->sessions = sessions;
}

static bool is_readable(const char *path) {
    return path != NULL && access(path, R_OK) == 0;
}

// The system's file, where there is one: that of the distribution libcurl was built for, or of the one it
// runs on.
static const char *system_file(void) {
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu
        "/etc/pki/tls/certs/ca-bundle.crt",   // Amazon Linux, Fedora, RHEL
        "/etc/ssl/ca-bundle.pem",             // SUSE
        "/etc/ssl/cert.pem",                  // Alpine
    };
    const char *path = curl_version_info(CURLVERSION_NOW)->cainfo;
    for (size_t index = 0; !is_readable(path) && index < sizeof places / sizeof places[0]; index++) {
        path = places[index];
    }
    return is_readable(path) ? path : NULL;
}

struct trust *trust_new(const char *ca_bundle, struct error *error) {
    if (ca_bundle[0] != '\0' && !check_file(ca_bundle, error)) {
        error_prefix(error, "AWS_CA_BUNDLE");
        return NULL;
    }
    struct trust *trust = memory_allocate(1, sizeof *trust);
    trust->path = memory_copy_text(ca_bundle[0] != '\0' ? ca_bundle : system_file());
    trust->looked_us = clock_monotonic_us();
    if (trust->path != NULL) {
        look_at(trust->path, &trust->file);
    }
    begin_sessions(trust);
    return trust;
}

void trust_free(struct trust *trust) {
    if (trust != NULL) {
        free_unused(&trust->sessions);
        free(trust->path);
        free(trust);
    }
}

// A bundle is all that is trusted: libcurl would add the system's folder of certificates to it. Without such
// a folder it also need not read the file anew for each connection.
void trust_prepare(const struct trust *trust, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    if (trust->path != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, trust->path);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, trust->path);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    }
}

static void look_again(struct trust *trust, int64_t now) {
    struct stat file;
    struct error error = {0};
    trust->looked_us = now;
    look_at(trust->path, &file);
    if (is_same(&file, &trust->file)) {
        return;
    }
    trust->file = file;
    if (!check_file(trust->path, &error)) {
        log_warn("the certificates to trust cannot be read again, the earlier ones stay in use",
                 LOG_TEXT("reason", error.text));
        return;
    }
    trust->changed_us = now;
    begin_sessions(trust);
    log_info("the certificates to trust have changed", LOG_TEXT("file", trust->path));
}

void trust_refresh(struct trust *trust, CURL *easy) {
    int64_t now = clock_monotonic_us();
    if (trust->path != NULL && now - trust->looked_us >= LOOK_US) {
        look_again(trust, now);
    }
    long age_s = trust->changed_us > 0 ? (long)((now - trust->changed_us) / 1000000) : -1; // -1: any
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, age_s);
    curl_easy_setopt(easy, CURLOPT_SHARE, trust->sessions->share);
}
