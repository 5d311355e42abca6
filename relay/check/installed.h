// SPDX-License-Identifier: Apache-2.0
// Whether schemas outbox and inbox are there, and of the version that this program needs. Nobody else
// includes this.
#pragma once

#include "check/findings.h"
#include "migrate/migrate.h"

// installed_check looks at a schema; true when it is there, whatever its version, and may be read.
// `optional`: a schema that is missing is nothing to speak of. A subject is opened only where there is
// something to say.
bool installed_check(struct findings *findings, PGconn *connection, const struct schema *schema,
                     bool optional);
