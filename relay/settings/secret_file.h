// SPDX-License-Identifier: Apache-2.0
// Secrets that are handed over as files: Docker and Kubernetes mount them so.
#pragma once

#include "base/error.h"

enum { SECRET_FILE_SIZE = 65536 };

// secret_file_read returns the content of a file less one line break at its end, to be released with
// memory_free_secret, or NULL with an error that names `variable` and the path, never the content. The file
// has at most SECRET_FILE_SIZE bytes, is not empty, and holds no zero byte.
char *secret_file_read(const char *path, const char *variable, struct error *error);
