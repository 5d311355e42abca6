// SPDX-License-Identifier: Apache-2.0
// The advisory locks of schema outbox, as the two keys of PostgreSQL's functions. (Lock 3 is the migration
// lock, in migrate/.)
#pragma once

#define SLEEP_LOCK "1869968482, 1"   // shared: an insert or a claim is under way; exclusive: a relay sleeps
#define WAKER_LOCK "1869968482, 2"   // the relay that sleeps and listens for all
#define ORDERED_LOCK "1869968482, 4" // whoever publishes ordered events, or marks some
#define PRUNE_LOCK "1869968482, 5"   // whoever prunes, for a step; see sql/prune.sql
