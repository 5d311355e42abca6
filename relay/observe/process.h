// SPDX-License-Identifier: Apache-2.0
// The process's own figures, under the names that every Prometheus client library uses (process_*).
#pragma once

#include "base/buffer.h"

void process_write(struct buffer *out);
