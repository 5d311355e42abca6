# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sessions of psql that stay in a transaction, for system tests. Meant to be sourced after system.sh.
# shellcheck disable=SC2154 # system_dir is set there

# session_begin NAME STATEMENT begins a transaction with it; session_end NAME ends that.
declare -A sessions
session_begin() {
    local number
    mkfifo "$system_dir/$1.session"
    process_start "$system_dir/$1.pid" "$system_dir/$1.log" psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
        --output /dev/null --file "$system_dir/$1.session"
    exec {number}>"$system_dir/$1.session"
    sessions[$1]=$number
    printf '%s;\n' begin "$2" "\\! touch $system_dir/$1.begun" >&"$number"
    wait_for 20 "session $1 has its locks" test -e "$system_dir/$1.begun"
}
session_end() {
    local number=${sessions[$1]}
    printf '%s;\n\\q\n' "$2" >&"$number"
    exec {number}>&-
    wait_for 20 "session $1 has ended" process_stopped "$system_dir/$1.pid"
}
