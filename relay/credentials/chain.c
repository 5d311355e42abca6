// SPDX-License-Identifier: Apache-2.0
#include "credentials/chain.h"

#include "base/memory.h"
#include "credentials/providers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chain {
    struct provider providers[CHAIN_MAX];
    size_t count;
    size_t asked; // the one that is being asked
    provider_done_fn done;
    void *context;
    char report[ERROR_TEXT_SIZE]; // what those before it have said
};

void provider_say(provider_done_fn done, void *context, enum provider_result result, const char *format,
                  ...) {
    char reason[ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    done(context, result, NULL, reason);
}

static void ask(struct chain *chain);

static void append_report(struct chain *chain, const char *reason) {
    size_t used = strlen(chain->report);
    snprintf(chain->report + used, sizeof chain->report - used, "%s%s: %s", used == 0 ? "" : "; ",
             chain->providers[chain->asked].name, reason);
}

static void on_done(void *context, enum provider_result result, const struct credentials_found *found,
                    const char *reason) {
    struct chain *chain = context;
    switch (result) {
    case PROVIDER_FOUND:
        chain->done(chain->context, result, found, NULL);
        break;
    case PROVIDER_FAILED:
        provider_say(chain->done, chain->context, result, "%s: %s", chain->providers[chain->asked].name,
                     reason);
        break;
    case PROVIDER_ABSENT:
        append_report(chain, reason);
        chain->asked++;
        ask(chain);
        break;
    }
}

static void ask(struct chain *chain) {
    if (chain->asked == chain->count) {
        chain->done(chain->context, PROVIDER_ABSENT, NULL, chain->report);
    } else {
        const struct provider *provider = &chain->providers[chain->asked];
        provider->fetch(provider->self, on_done, chain);
    }
}

static void fetch(void *self, provider_done_fn done, void *context) {
    struct chain *chain = self;
    chain->done = done;
    chain->context = context;
    chain->asked = 0;
    chain->report[0] = '\0';
    ask(chain);
}

struct provider chain_provider(const struct provider *providers, size_t count) {
    struct chain *chain = memory_allocate(1, sizeof *chain);
    chain->count = count;
    memcpy(chain->providers, providers, count * sizeof *providers);
    return (struct provider){.name = "chain", .self = chain, .fetch = fetch, .free = free};
}
