// SPDX-License-Identifier: Apache-2.0
#include "commands/stop.h"

#include "base/error.h"
#include "base/log.h"
#include "process/process.h"

#include <unistd.h>

_Noreturn void stop_at_once(int signal_number) {
    log_warn("stopped at once by a second signal", LOG_INT("signal", signal_number));
    process_kill_all();
    _exit(ERROR_TIMEOUT);
}
