// SPDX-License-Identifier: Apache-2.0
// TLS as all exchanges of a client share it: which authorities are trusted, and the sessions that are resumed
// instead of shaking hands anew. Version 1.2 at least, certificate and host name always verified.
#pragma once

#include "base/error.h"

#include <curl/curl.h>

struct trust;

// trust_new reads `ca_bundle`, the path of a file of certificates in PEM form, or takes the system's for "",
// wherever a distribution keeps it. Fails (ERROR_USAGE) when such a file is missing, too large, or holds no
// certificate; a system without any only cannot use https. trust_free comes after the handles are gone; NULL
// is fine.
struct trust *trust_new(const char *ca_bundle, struct error *error);
void trust_free(struct trust *trust);

// trust_prepare makes a new handle verify what it connects to. trust_refresh comes before each exchange: when
// the file has changed (it is looked at once a second), connections that are opened from then on are verified
// by what is in it now, and no session is resumed that was verified by what was. A file that cannot be used
// changes nothing, and is logged.
void trust_prepare(const struct trust *trust, CURL *easy);
void trust_refresh(struct trust *trust, CURL *easy);
