// SPDX-License-Identifier: Apache-2.0
// What the metrics say of handlers (observe/families.h).
#pragma once

#include "handle/handlers.h"
#include "handle/table.h"

// figures_of_table makes the series of all handlers, so that none is absent while it is 0. They are labelled
// "sql:schema.function", "http:host:port" and "exec:program": what else a line holds can be secret.
void figures_of_table(struct table *table);

// figures_ended counts one event of one handler; `began_at` is monotonic.
void figures_ended(const struct handler *handler, const struct handled *handled, int64_t began_at);
