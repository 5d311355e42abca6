// SPDX-License-Identifier: Apache-2.0
// Splitting a command line into words without a shell, as Python's shlex.split does it, and so the AWS CLI
// for credential_process: blanks part words; 'single quotes' take all as it is; in "double quotes" a
// backslash escapes a double quote or a backslash; outside it escapes any character. Nothing is expanded.
#pragma once

#include "base/error.h"

// words_split returns the words, a NULL behind the last; free(), as one block, releases all. NULL
// (ERROR_USAGE) when there is no word, or a quote or a backslash at the end lacks what belongs to it.
char **words_split(const char *text, struct error *error);
