#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The README says what the program says, and its examples do what it says.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

readme=$system_root/README.md

# table_of COMMENT prints the table that follows "<!-- COMMENT -->".
table_of() {
    awk -v start="<!-- $1 -->" '$0 == start {on = 1; next} /^<!-- end -->/ {on = 0} on' "$readme"
}

# examples_of LANGUAGE prints what stands in its fenced blocks.
examples_of() {
    awk -v start="\`\`\`$1" '$0 == start {on = 1; next} /^```/ {on = 0} on' "$readme"
}

system_begin
for page in settings commands exit-codes metrics; do
    assert_equal "the README's table is that of help $page" "$("$relay" help "$page")" \
        "$(table_of "outbox-relay help $page")"
done

# Every variable that the README or deploy/ names is a setting, or one of these.
others='OUTBOX_(EVENT_ID|EVENT_TYPE|AGGREGATE_ID|DELIVERIES|QUICKSTART_HOME)'
"$relay" help settings | grep -oE '\b(OUTBOX|AWS|DATABASE)_[A-Z0-9_]*[A-Z0-9]\b' | sort -u >"$system_dir/settings"
assert_equal "no variable is named that is no setting" "" "$(grep -rhoE '\b(OUTBOX_|AWS_|DATABASE_URL)[A-Z0-9_]*[A-Z0-9]\b' \
    --exclude-dir=node_modules "$readme" "$system_root/deploy" | sort -u | grep -vxE "$others" | comm -23 - "$system_dir/settings")"
# shellcheck disable=SC2016 # the backquotes are the table's
while read -r command; do
    "$relay" help "$command" >"$system_dir/help" || fail "help $command failed"
    assert_match "help $command" "^Usage: outbox-relay $command" "$(<"$system_dir/help")"
done < <(table_of 'outbox-relay help commands' | sed -n 's/^| `\([a-z]*\)`.*/\1/p')
assert_equal "every command that the README calls exists" "" "$(grep -ohE '(^|[` /])outbox-relay [a-z]+' "$readme" |
    sed 's/.* //' | sort -u | grep -vxE "$("$relay" help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' | paste -sd '|')" || true)"

system_postgres
system_database readme
"$relay" migrate up --inbox >"$system_dir/migrate.log" 2>&1 || fail "migrate up --inbox failed"
sql "create role shop; create table orders (id text primary key, total numeric); create table invoice (order_id text, total numeric)"
examples_of sql >"$system_dir/examples.sql"
status=0
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --file "$system_dir/examples.sql" >"$system_dir/examples.log" 2>&1 || status=$?
assert_equal "the SQL examples run" 0 "$status"
assert_equal "they publish two events" 2 "$(sql 'select count(*) from outbox.event')"

# The consumer's example is one statement, which can be repeated.
repeated=$(grep -A 1 '^INSERT INTO invoice' "$system_dir/examples.sql")
for role in postgres shop postgres; do
    sql "grant insert on invoice to shop; set role $role; $repeated"
done
assert_equal "a consumer's effect happens once" 1 "$(sql 'select count(*) from invoice')"

examples_of sh >"$system_dir/examples.sh"
status=0
PATH=$relay_build:$PATH bash -e "$system_dir/examples.sh" >"$system_dir/shell.log" 2>&1 || status=$?
assert_equal "the shell examples run" 0 "$status"
assert_equal "each prints a line" "$(wc -l <"$system_dir/examples.sh")" "$(wc -l <"$system_dir/shell.log")"

# What only looks may find something (exit code 8).
examples_of shell >"$system_dir/looks.sh"
while read -r example; do
    status=0
    PATH=$relay_build:$PATH bash -o pipefail -c "$example" >"$system_dir/look.log" 2>&1 || status=$?
    assert_match "$example: exit code" '^[08]$' "$status"
    assert_match "$example: it prints something" 'pending' "$(cat "$system_dir/look.log")"
done <"$system_dir/looks.sh"

# The example of a message has the members of a real one, in their order.
"$relay" run --sink stdout --until-empty >"$system_dir/lines" 2>"$system_dir/relay.log"
assert_equal "the example of a message is like a real one" "$(examples_of json | jq --compact-output keys_unsorted)" \
    "$(head -n 1 "$system_dir/lines" | jq --compact-output '.message | keys_unsorted')"

# The example of a check is one.
sql 'create index on outbox.event (message_id)'
sql 'select outbox.set_wake_up(false)' >/dev/null
status=0
"$relay" check --sink stdout >"$system_dir/checked" 2>"$system_dir/check.log" || status=$?
assert_equal "check finds something" 8 "$status"
assert_equal "the example of a check is what it prints" "$(table_of 'outbox-relay check' | grep -v '^```')" \
    "$(awk '/^[^ ]/ {on = ($0 == "Table outbox.event")} on' "$system_dir/checked")"
system_end
