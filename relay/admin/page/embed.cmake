# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT, a C file that holds the status page as the two texts of admin/page.h: FOLDER's index.html with page.css and
# the scripts inside, and the Content-Security-Policy that lets a browser run these and nothing else. The scripts are modules
# to an editor and to node; here they become one, in this order, without their imports and exports.
set(scripts format.mjs dom.mjs table.mjs chart.mjs sections.mjs page.mjs)

# base64_of_hash(TEXT RESULT): sha256 as a policy writes it. Three hexadecimal digits are two of base64; the 64th is padded.
function(base64_of_hash text result)
    set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    string(SHA256 hex "${text}")
    set(encoded "")
    foreach(start RANGE 0 60 3)
        string(SUBSTRING ${hex} ${start} 3 digits)
        math(EXPR high "0x${digits} >> 6")
        math(EXPR low "0x${digits} & 63")
        string(SUBSTRING ${alphabet} ${high} 1 first)
        string(SUBSTRING ${alphabet} ${low} 1 second)
        string(APPEND encoded "${first}${second}")
    endforeach()
    string(SUBSTRING ${hex} 63 1 digits)
    math(EXPR last "0x${digits} << 2")
    string(SUBSTRING ${alphabet} ${last} 1 first)
    set(${result} "${encoded}${first}=" PARENT_SCOPE)
endfunction()

# c_bytes(TEXT RESULT): the text as a C array's initialiser, with a zero byte.
function(c_bytes text result)
    file(WRITE ${OUTPUT}.text "${text}")
    file(READ ${OUTPUT}.text hex HEX)
    file(REMOVE ${OUTPUT}.text)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    set(${result} "{${bytes}0}" PARENT_SCOPE)
endfunction()

set(script "")
foreach(name IN LISTS scripts)
    file(READ ${FOLDER}/${name} part)
    string(REGEX REPLACE "(^|\n)import [^;]*;" "\\1" part "${part}")
    string(REGEX REPLACE "(^|\n)export " "\\1" part "${part}")
    string(APPEND script "${part}")
endforeach()
file(READ ${FOLDER}/page.css style)
file(READ ${FOLDER}/index.html page)
if(script MATCHES "</script|<!--|(^|\n)(import|export)[ {]")
    message(FATAL_ERROR "a script of ${FOLDER} holds what would end it in HTML, or an import that is not on a line's start")
endif()
string(REGEX MATCHALL "\n(async )?(function|const|let) [a-zA-Z_]+" names "\n${script}")
list(TRANSFORM names REPLACE "^.* " "")
set(once ${names})
list(REMOVE_DUPLICATES once)
if(NOT once STREQUAL names)
    message(FATAL_ERROR "two scripts of ${FOLDER} give the same name to different things: ${names}")
endif()

base64_of_hash("${script}" script_hash)
base64_of_hash("${style}" style_hash)
string(REPLACE "<link rel=\"stylesheet\" href=\"page.css\">" "<style>${style}</style>" page "${page}")
string(REPLACE "<script type=\"module\" src=\"page.mjs\"></script>" "<script type=\"module\">${script}</script>" page "${page}")
if(page MATCHES "(href|src)=\"page\\.")
    message(FATAL_ERROR "${FOLDER}/index.html does not name page.css and page.mjs as embed.cmake expects")
endif()
c_bytes("${page}" page_bytes)

set(policy "default-src 'none'; script-src 'sha256-${script_hash}'; style-src 'sha256-${style_hash}'; connect-src 'self'; \
img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
trusted-types 'none'")
file(WRITE ${OUTPUT} "// Written by embed.cmake.\n#include \"admin/page.h\"\n\n\
static const unsigned char bytes[] = ${page_bytes};\n\n\
const char *const page_document = (const char *)bytes;\nconst size_t page_length = sizeof bytes - 1;\n\
const char *const page_policy = \"${policy}\";\n")
