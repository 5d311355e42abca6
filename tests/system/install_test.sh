#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cmake --install brings: the program, its manual page, without a warning of those who read it, and completion that
# real shells take. zsh, fish, groff, man and mandoc are asked where they are installed.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

# completes WORD... prints what bash would offer for the last word, with the script that is installed.
completes() {
    # shellcheck disable=SC2016 # the words are the inner shell's
    bash --noprofile --norc -c '
        source "$1"; shift
        complete -p outbox-relay >/dev/null
        COMP_WORDS=(outbox-relay "$@") COMP_CWORD=$#
        _outbox_relay outbox-relay "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"' bash "$share/bash-completion/completions/outbox-relay" "$@" | xargs
}

# quiet NAME COMMAND... asserts that a command succeeds and prints nothing; passed over when it is not installed.
quiet() {
    local name=$1 status=0 output
    shift
    if ! command -v "$1" >/dev/null; then
        say "    $1 is not installed: $name is not checked"
        return
    fi
    output=$("$@" 2>&1 >/dev/null) || status=$?
    assert_equal "$name" "0 " "$status $output"
}

system_begin
cmake --install "$relay_build" --prefix "$system_dir/prefix" >"$system_dir/install.log" || fail "cmake --install failed"
share=$system_dir/prefix/share
page=$share/man/man1/outbox-relay.1
assert_equal "the program" "$("$relay" version)" "$("$system_dir/prefix/bin/outbox-relay" version)"
assert_equal "the migrations and functions" "$(cd "$system_root" && find migrations sql -name '*.sql' | sort)" \
    "$(cd "$share/outbox-relay" && find migrations sql -name '*.sql' | sort)"
assert_equal "the licence" "" "$(diff "$system_root/LICENSE" "$share/doc/outbox-relay/LICENSE")"

assert_equal "the manual page is that of the program" "$("$relay" help man)" "$(<"$page")"
quiet "groff reads it without a warning" groff -man -ww -Tutf8 "$page"
quiet "man does" env MANROFFSEQ='' LC_ALL=C.UTF-8 man --warnings --local-file "$page"
if command -v mandoc >/dev/null; then
    assert_equal "mandoc finds no error" "" "$(mandoc -T lint -W error "$page" 2>&1 || true)"
fi
for name in DATABASE_URL_FILE OUTBOX_CONFIG SIGHUP AWS_WEB_IDENTITY_TOKEN_FILE 'exit code 4'; do
    assert_match "the page has $name" "$name" "$(sed 's/\\-/-/g' "$page")"
done

assert_equal "a command" "publish" "$(completes pub)"
assert_equal "all commands" "$("$relay" help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' | xargs) --help --version" "$(completes '')"
assert_equal "options of a command" "--parked-head" "$(completes run --park)"
assert_equal "not those of others" "" "$(completes run --queue)"
assert_equal "words of a choice" "stdout" "$(completes run --sink std)"
assert_equal "behind an equals sign, as bash takes it apart" "stdout" "$(completes run --sink = std)"
assert_equal "all of them" "sns stdout handlers" "$(completes run --sink =)"
assert_equal "nothing for other values" "" "$(completes run --topic-arn a)"
assert_equal "operands" "up down status print" "$(completes migrate '')"
assert_equal "topics and commands of help" "settings" "$(completes help set)"
touch "$system_dir/a file.env"
assert_equal "files" "$system_dir/a file.env" "$(completes run --config "$system_dir/a f")"
quiet "zsh takes its script" zsh -f -n "$share/zsh/site-functions/_outbox-relay"
quiet "fish takes its script" fish --no-config --no-execute "$share/fish/vendor_completions.d/outbox-relay.fish"
if command -v fish >/dev/null; then
    assert_equal "fish completes a choice" "stdout" "$(HOME=$system_dir fish --no-config --command \
        "source $share/fish/vendor_completions.d/outbox-relay.fish; complete -C 'outbox-relay run --sink st'" | cut -f 1)"
fi
status=0
output=$("$relay" completion tcsh 2>&1) || status=$?
assert_equal "another shell" "2 outbox-relay: there is no completion for tcsh; write bash, zsh or fish" "$status $output"
system_end
