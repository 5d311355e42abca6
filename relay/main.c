// SPDX-License-Identifier: Apache-2.0
// The program outbox-relay; everything is in relay/commands.
#include "commands/command.h"

int main(int argc, char **argv) {
    return command_main(argc, argv);
}
