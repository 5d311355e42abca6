// SPDX-License-Identifier: Apache-2.0
// The program outbox-relay; everything is in relay/commands.
#include "commands/command.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

// A standard descriptor that the caller has closed would be given to the next file or socket that is opened,
// and what is printed would go there. Opened for reading only, so that whoever wants to print finds out.
static bool occupy_standard_descriptors(void) {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) == -1 && open("/dev/null", O_RDONLY) != descriptor) {
            return false;
        }
    }
    return true;
}

// Memory and environment hold secrets: no core dump is written, and /proc/PID is root's, so that no other
// process of this user reads them there. (A debugger needs root then, too.)
static void hide_memory(void) {
    (void)prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv) {
    hide_memory();
    if (!occupy_standard_descriptors()) {
        static const char text[] =
            "outbox-relay: a standard stream is closed, and /dev/null cannot be opened\n";
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
        return ERROR_INTERNAL;
    }
    return command_main(argc, argv);
}
