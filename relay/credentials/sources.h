// SPDX-License-Identifier: Apache-2.0
// All providers, in order, and what they work with.
//
//     environment -> web identity -> profile -> container -> instance metadata
//
// A profile that AWS_PROFILE names does not go before keys in the environment: as in the AWS SDKs, where only
// a profile that is given in code does.
#pragma once

#include "credentials/provider.h"
#include "settings/settings.h"

#include <event2/event.h>

// sources_provider makes them; `ret` asks one after the other, and owns them. Fails (ERROR_CREDENTIALS,
// ERROR_USAGE) when a setting is malformed.
bool sources_provider(struct provider *ret, struct event_base *base, const struct settings *settings,
                      struct error *error);
