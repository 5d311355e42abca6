// SPDX-License-Identifier: Apache-2.0
// Completion scripts, one for each shell; each defines what completes outbox-relay.
#pragma once

#include "base/buffer.h"

void shells_append_bash(struct buffer *out);
void shells_append_zsh(struct buffer *out);
void shells_append_fish(struct buffer *out);
