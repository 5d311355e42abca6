# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What `outbox-relay check` finds, and whether its remedies help. Meant to be sourced after system.sh.
# shellcheck disable=SC2034,SC2154 # relay and system_dir are set there, findings_code is for who sources this

# findings_look [VARIABLE=VALUE...] runs check with these settings, without AWS unless they say otherwise, and sets
# findings, a JSON array, and findings_code, its exit code.
findings_look() {
    findings_code=0
    findings=$(env OUTBOX_SINK=stdout "$@" "$relay" check --json 2>"$system_dir/check.log") ||
        findings_code=$?
    findings=$(jq --compact-output .findings <<<"$findings")
}

# finding NAME [MEMBER] prints a member (level) of all findings of that name, one a line.
finding() {
    jq --raw-output --arg name "$1" --arg member "${2:-level}" '.[] | select(.name == $name) | .[$member] // ""' \
        <<<"$findings"
}

# found NAME LEVEL [PATTERN] asserts that there is such a finding, and what it has found.
found() {
    assert_equal "$1 is found" "$2" "$(finding "$1" | head -n 1)"
    [[ ! ${3:-} ]] || assert_match "$1 tells what" "$3" "$(finding "$1" found)"
}
# gone NAME... asserts that there is none, or nothing but what is good.
gone() {
    local name
    for name in "$@"; do
        assert_equal "$name is gone" "" "$(finding "$name" | grep -v '^ok$' || true)"
    done
}

# remedy_run NAME does what the finding says: commands of the program as they are, all else as SQL, by the superuser.
remedy_run() {
    local remedy
    remedy=$(finding "$1" remedy)
    if [[ $remedy == *'outbox-relay '* ]]; then
        PGUSER=postgres PATH=${relay%/*}:$PATH bash -ec "$remedy" >"$system_dir/remedy.log" 2>&1 ||
            assert_failed "the remedy of $1 fails" "$remedy" "$(<"$system_dir/remedy.log")"
    else
        PGUSER=postgres psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 >"$system_dir/remedy.log" 2>&1 <<<"$remedy" ||
            assert_failed "the remedy of $1 fails" "$remedy" "$(<"$system_dir/remedy.log")"
    fi
}

# as_superuser STATEMENTS runs each of them, in order, in one session.
as_superuser() { PGUSER=postgres psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 <<<"$1"; }
