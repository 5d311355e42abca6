// SPDX-License-Identifier: Apache-2.0
// Which of the connections in a report are relays'.
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

// relays_is_one: it leads, or calls itself as a relay does and not as what else this program connects for
// ("outbox-relay upkeep", "outbox-relay handlers", "outbox-relay command").
bool relays_is_one(const cJSON *connection);

// relays_are_alike: same name, same place; likely the same relay.
bool relays_are_alike(const cJSON *one, const cJSON *other);

bool relays_any(const cJSON *connections);
