#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# inbox.first_time and inbox.prune when several transactions want the same at once: never true twice.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

# session NAME opens a psql that does what tell sends it; its answers are lines in "$system_dir/NAME.out". hang_up NAME
# ends it.
session() {
    mkfifo "$system_dir/$1.in"
    PGAPPNAME=$1 psql --no-psqlrc --no-align --tuples-only --quiet <"$system_dir/$1.in" >>"$system_dir/$1.out" 2>&1 &
    exec {descriptor}>"$system_dir/$1.in"
    printf -v "session_$1" '%s' "$descriptor"
}
hang_up() {
    local variable=session_$1
    local descriptor=${!variable}
    exec {descriptor}>&-
    rm "$system_dir/$1.in"
}
# tell NAME STATEMENT sends it; heard NAME waits until all that was sent is done, and prints the answers since last time.
tell() {
    local descriptor=session_$1
    printf '%s\n' "$2" >&"${!descriptor}"
}
heard() {
    tell "$1" "\\echo --heard"
    wait_for 20 "session $1 answers" grep -q -- '^--heard$' "$system_dir/$1.out"
    grep -v -- '^--heard$' "$system_dir/$1.out" || true
    : >"$system_dir/$1.out"
}
# ask NAME STATEMENT does both. waits NAME waits until the session waits for another transaction.
ask() {
    tell "$1" "$2"
    heard "$1"
}
waits() {
    wait_for_sql 20 "session $1 waits" \
        "select count(*) = 1 from pg_stat_activity where application_name = '$1' and wait_event_type = 'Lock'"
}
first_time() { printf "select inbox.first_time('billing', md5('%s')::uuid);" "$1"; }

system_begin
system_postgres
system_empty_database consumer
"$relay" migrate up --inbox >"$system_dir/migrate.log" 2>&1 || fail "migrate up --inbox failed"
session one
session two

# READ COMMITTED: the second waits for the first, and its answer is what becomes of that.
tell one "begin; $(first_time a)"
assert_equal "the first of two at once" t "$(heard one)"
tell two "begin; $(first_time a)"
waits two
assert_equal "others do not wait" t "$(sql "$(first_time b)")"
ask one "rollback;"
assert_equal "the first rolls back: the second is the first" t "$(heard two)"
ask two "commit;"
assert_equal "and it stays so" f "$(sql "$(first_time a)")"

tell one "begin; $(first_time c)"
assert_equal "the first of two at once, again" t "$(heard one)"
tell two "begin; $(first_time c)"
waits two
ask one "commit;"
assert_equal "the first commits: the second is not the first" f "$(heard two)"
ask two "commit;"

tell one "begin; savepoint s; $(first_time d)"
assert_equal "in a subtransaction" t "$(heard one)"
tell two "$(first_time d)"
waits two
ask one "rollback to s;"
assert_equal "the second does not wait for the whole transaction" t "$(heard two)"
tell one "$(first_time d)"
assert_equal "which is not the first any more" f "$(heard one)"
ask one "commit;"

# A session that is killed has rolled back.
tell one "begin; $(first_time e)"
assert_equal "before a crash" t "$(heard one)"
tell two "$(first_time e)"
waits two
sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'one'" >/dev/null
assert_equal "after a crash it is the first time" t "$(heard two)"
hang_up one
session one

# Stricter isolation: an error that says that the transaction is to be tried again, or false; never true twice.
for level in "repeatable read" serializable; do
    tell one "begin isolation level $level; $(first_time "$level 1")"
    assert_equal "$level: the first" t "$(heard one)"
    tell two "begin isolation level $level; $(first_time "$level 1")"
    waits two
    ask one "commit;"
    assert_match "$level: the second must try again" 'could not serialize access' "$(heard two)"
    ask two "rollback;"
    assert_equal "$level: and is not the first then" f "$(ask two "$(first_time "$level 1")")"

    tell one "begin isolation level $level; $(first_time "$level 2")"
    assert_equal "$level: one that will roll back" t "$(heard one)"
    tell two "begin isolation level $level; $(first_time "$level 2")"
    waits two
    ask one "rollback;"
    assert_equal "$level: the second is the first" t "$(heard two)"
    ask two "commit;"

    ask two "begin isolation level $level; select count(*) from inbox.processed_event;" >/dev/null
    ask one "$(first_time "$level 3")" >/dev/null
    assert_match "$level: what came after the snapshot" 'could not serialize access' "$(ask two "$(first_time "$level 3")")"
    ask two "rollback;"
done

# Two prunes at once: the second waits and goes on with the next. And an event that comes while it is being forgotten.
sql "insert into inbox.processed_event (consumer, event_id, processed_at)
     select 'old', md5(n::text)::uuid, now() - interval '40 days' + n * interval '1 second' from generate_series(1, 25) n"
tell one "begin; select inbox.prune(most => 10);"
assert_equal "the first prune" 10 "$(heard one)"
tell two "select inbox.prune(most => 10);"
waits two
ask one "commit;"
assert_equal "the second prunes the next" 10 "$(heard two)"
tell one "begin; select inbox.prune();"
assert_equal "the rest" 5 "$(heard one)"
tell two "select inbox.first_time('old', md5('25')::uuid);"
waits two
ask one "commit;"
assert_equal "an event that is being forgotten is seen again" t "$(heard two)"

# Many at once, of whom some roll back.
sql "create table effect (n integer)"
cat >"$system_dir/consume.sql" <<'END'
\set n random(1, 100)
\set fails random(0, 2)
begin;
insert into effect select :n where inbox.first_time('crowd', md5(:n::text)::uuid);
\if :fails
commit;
\else
rollback;
\endif
END
"$(postgres_bin pgbench)" --no-vacuum --file "$system_dir/consume.sql" --client 8 --jobs 2 --transactions 500 \
    >"$system_dir/pgbench.log" 2>&1 || fail "pgbench failed: $(tail -n 3 "$system_dir/pgbench.log")"
assert_equal "a crowd: each effect happens once" "100 100" "$(sql "select count(*) || ' ' || count(distinct n) from effect")"
assert_equal "and each is remembered" 100 "$(sql "select count(*) from inbox.processed_event where consumer = 'crowd'")"
system_end
