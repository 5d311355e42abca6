# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT, a C file that holds the *.sql of ROOT/migrations, ROOT/sql and their folders as the table of
# migrate/embedded.h: in order of their names, byte for byte. Bytes, not string literals: those have a length limit and need escapes.
file(GLOB names RELATIVE ${ROOT} ${ROOT}/migrations/*.sql ${ROOT}/migrations/*/*.sql ${ROOT}/sql/*.sql ${ROOT}/sql/*/*.sql)
list(SORT names)

set(contents "")
set(table "")
set(index 0)
foreach(name IN LISTS names)
    file(READ ${ROOT}/${name} hex HEX)
    string(REGEX MATCHALL ".." bytes "${hex}")
    list(FIND bytes "00" zero)
    if(NOT zero EQUAL -1)
        message(FATAL_ERROR "${name} holds a zero byte, which SQL cannot")
    endif()
    list(JOIN bytes ",0x" bytes)
    if(bytes STREQUAL "")
        message(FATAL_ERROR "${name} is empty")
    endif()
    string(APPEND contents "static const unsigned char file_${index}[] = {0x${bytes},0};\n")
    string(APPEND table "    {\"${name}\", (const char *)file_${index}},\n")
    math(EXPR index "${index} + 1")
endforeach()

file(WRITE ${OUTPUT} "// Written by embed.cmake.\n#include \"migrate/embedded.h\"\n\n${contents}\n"
     "const struct embedded_file embedded_files[] = {\n${table}    {0, 0},\n};\n")
