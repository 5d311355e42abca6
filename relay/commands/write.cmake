# SPDX-License-Identifier: Apache-2.0
# Has PROGRAM write its manual page and its completion scripts into FOLDER.
cmake_minimum_required(VERSION 3.25)

function(write name)
    execute_process(COMMAND ${PROGRAM} ${ARGN} OUTPUT_FILE ${FOLDER}/${name} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(MAKE_DIRECTORY ${FOLDER})
write(outbox-relay.bash completion bash)
write(_outbox-relay completion zsh)
write(outbox-relay.fish completion fish)
write(outbox-relay.1 help man)
