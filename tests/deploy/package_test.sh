#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Debian package: built, judged, and lived with in a fresh system of its own (a chroot): installed, configured, started
# by its units' own lines, upgraded, removed and purged without leftovers. The system's systemd is one that takes notes.
set -euo pipefail
RELAY_BUILD=$(realpath "${BASH_SOURCE[0]%/*}/../../build/release") # what is delivered
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$system_root/deploy/lib/packages.sh"
# shellcheck source=../lib/debian.sh
source "$system_root/tests/lib/debian.sh"
# shellcheck source=../lib/events.sh
source "$system_root/tests/lib/events.sh"
# shellcheck source=../lib/consume.sh
source "$system_root/tests/lib/consume.sh"

field() { dpkg-deb --field "$package" "$1"; }

# fresh_system lays out a minimal system, with what the package depends on, in $chroot.
fresh_system() {
    local list archive suite
    suite=$(. /etc/os-release && say "$VERSION_CODENAME")
    list=$(field Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/ //g')
    archive=$(debian_archive "$suite" "$list")
    as_root mkdir "$chroot"
    as_root tar --extract --file="$archive" --directory="$chroot" --exclude='./var/cache/apt/archives/*.deb'
    # systemctl notes how it was called; "list-units" has what runs.
    as_root mkdir -p "$chroot/run/systemd/system" "$chroot/run/notes"
    as_root tee "$chroot/usr/bin/systemctl" >/dev/null <<'END'
#!/bin/sh
echo "$*" >>/run/notes/calls
case $* in *list-units*) cat /run/notes/active ;; esac
END
    as_root chmod 755 "$chroot/usr/bin/systemctl"
    as_root chmod 777 "$chroot/run/notes"
    : >"$chroot/run/notes/calls"
    : >"$chroot/run/notes/active"
}

inside() { as_root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$chroot" "$@"; }
dpkg_inside() { inside dpkg --force-confdef --force-confold "$@" >"$system_dir/dpkg.log" 2>&1 || fail "dpkg $1: $(<"$system_dir/dpkg.log")"; }

# Everything there is, with owner and mode, but for dpkg's own diary; and who there is.
inventory() {
    as_root find "$chroot" -xdev ! -path "$chroot/run/*" ! -path "$chroot/var/log/*" ! -path "$chroot/var/lib/dpkg/*-old" \
        ! -name 'passwd-' ! -name 'group-' ! -name 'shadow-' ! -name 'gshadow-' ! -name '.pwd.lock' \
        -printf '%M %u:%g %P -> %l\n' | sort
    as_root cat "$chroot/etc/passwd" "$chroot/etc/group"
}
mode() { inside stat --format='%a %U:%G' "$1"; }
calls() { grep -oE '(start|stop|restart|reload) .*' "$chroot/run/notes/calls" | xargs || true; }
forget_calls() { : >"$chroot/run/notes/calls"; }

# unit_value UNIT NAME prints the values of a setting in the unit that is installed, as systemd expands them for INSTANCE.
unit_value() {
    sed -n "s/^$2=//p" "$chroot/lib/systemd/system/$1" | sed "s|%i|${INSTANCE:-}|g; s|%d|/run/credentials/${1%%.*}|g"
}

# unit_start NAME UNIT starts what the unit says, as the unit's user with its environment and credentials, and without
# rights; systemd's socket is ours.
unit_start() {
    local environment command credential folder=/run/credentials/${2%%.*}
    readarray -t environment < <(unit_value "$2" Environment)
    read -ra command <<<"$(unit_value "$2" ExecStart)"
    inside mkdir -p "$folder"
    while IFS=: read -r credential file; do
        inside install --owner="$(unit_value "$2" User)" --mode=400 "$file" "$folder/$credential"
    done < <(unit_value "$2" LoadCredential)
    process_start "$system_dir/$1-listener.pid" "$system_dir/$1.told" perl "$system_root/tests/lib/notify_listen.pl" \
        "$chroot/run/$1-notify"
    wait_for 10 "our socket" test -S "$chroot/run/$1-notify"
    as_root chmod 666 "$chroot/run/$1-notify"
    process_start "$system_dir/$1.pid" "$system_dir/$1.log" env -i PATH="$PATH" chroot "$chroot" setpriv \
        --reuid="$(unit_value "$2" User)" --regid="$(unit_value "$2" Group)" --init-groups --no-new-privs --bounding-set=-all \
        --inh-caps=-all env NOTIFY_SOCKET="/run/$1-notify" PATH=/usr/bin:/bin "${environment[@]}" "${command[@]}"
    printf -v "relay_pid_$1" '%s' "$process_id"
}
told() { grep --quiet --extended-regexp "$2" "$system_dir/$1.told"; }

# unit_reload NAME UNIT runs the unit's ExecReload.
unit_reload() {
    local command
    read -ra command <<<"$(unit_value "$2" ExecReload | sed "s/\$MAINPID/$(relay_pid "$1")/")"
    inside "${command[@]}"
}

# spoilt COMMAND... prints what lintian says of a package in whose files the command was run.
spoilt() {
    local folder=$system_dir/spoilt
    dpkg-deb --raw-extract "$package" "$folder"
    (cd "$folder" && "$@")
    dpkg-deb --root-owner-group --build "$folder" "$system_dir/spoilt.deb" >/dev/null
    rm -rf "$folder"
    judged "$system_dir/spoilt.deb"
}
judged() { lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$1" 2>&1 || say refused; }

system_begin
packages_need_deploy
((EUID == 0)) || { say "needs root: passed over" && exit; }
chroot=$system_dir/chroot
(cd "$system_dir" && cpack --config "$relay_build/CPackConfig.cmake" -B "$system_dir/package") >"$system_dir/cpack.log" 2>&1 ||
    fail "the package cannot be built"
package=$(echo "$system_dir"/package/*.deb)
assert_equal "lintian has nothing to say" "" "$(judged "$package")"
assert_match "a package without a copyright file is refused" "no-copyright-file.*refused" \
    "$(spoilt rm usr/share/doc/outbox-relay/copyright | xargs)"
assert_match "one that runs as somebody else's is refused" "elevated-privileges 4777 .*refused" "$(spoilt chmod 4777 usr/bin/outbox-relay | xargs)"
assert_equal "the changelog is of this version" "$(field Version)" \
    "$(dpkg-parsechangelog --file "$system_root/deploy/debian/changelog" --show-field Version)"
assert_equal "and so is the program" "outbox-relay $(field Version | cut -d - -f 1)" "$("$relay" version)"

npm_install "$system_root/tests/deploy" "what validates"
dpkg-deb --fsys-tarfile "$package" | tar --extract --to-stdout ./usr/share/doc/outbox-relay/sbom.cdx.json >"$system_dir/sbom.json"
assert_equal "the bill of materials is valid" "" "$(node "$system_root/tests/deploy/sbom.mjs" "$system_dir/sbom.json")"
jq '.components[0].hashes[0].content = "12"' "$system_dir/sbom.json" >"$system_dir/wrong.json"
assert_fails "one with a wrong hash is not" node "$system_root/tests/deploy/sbom.mjs" "$system_dir/wrong.json"
assert_equal "it names every library that the package depends on" "" "$(comm -23 \
    <(field Depends | tr ',' '\n' | sed -nE 's/^ *(lib[^ ]*) .*/\1/p' | sort) \
    <(jq --raw-output '.components[].name' "$system_dir/sbom.json" | sort -u))"
assert_equal "and the program by its hash" "$(dpkg-deb --fsys-tarfile "$package" | tar --extract --to-stdout ./usr/bin/outbox-relay |
    sha256sum | cut -d ' ' -f 1)" "$(jq --raw-output '.metadata.component.hashes[0].content' "$system_dir/sbom.json")"

# command_installed PREFIX [OPTION...] prints what the relay's unit runs once it is installed there, without a package.
command_installed() {
    DESTDIR=$system_dir/local cmake --install "$relay_build" "${@:2}" >"$system_dir/install.log"
    sed -n 's/^ExecStart=//p' "$system_dir/local$1/lib/systemd/system/outbox-relay.service"
}
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$relay_build/CMakeCache.txt")
assert_equal "without a package units have the paths of the installation" \
    "$prefix/bin/outbox-relay run --config ${prefix%/usr}/etc/outbox-relay/relay.env" "$(command_installed "$prefix")"
assert_equal "those of a prefix that only the installation names" \
    "/srv/relay/bin/outbox-relay run --config /srv/relay/etc/outbox-relay/relay.env" \
    "$(command_installed /srv/relay --prefix /srv/relay)"
assert_equal "and of /usr, whose settings are in /etc" \
    "/usr/bin/outbox-relay run --config /etc/outbox-relay/relay.env" "$(command_installed /usr --prefix /usr)"

fresh_system
before=$(inventory)
cp "$package" "$chroot/run/package.deb"
dpkg_inside --install /run/package.deb
assert_equal "installed: nothing is started" "" "$(calls)"
assert_equal "settings are for root and the relay's group" "640 root:outbox-relay" "$(mode /etc/outbox-relay/relay.env)"
assert_equal "so is their folder" "750 root:outbox-relay" "$(mode /etc/outbox-relay)"
assert_match "the user cannot log in" ':/nonexistent:/usr/sbin/nologin$' "$(inside getent passwd outbox-relay)"
assert_equal "the program runs there" "$("$relay" version)" "$(inside outbox-relay version)"
assert_equal "nothing that it needs is missing" "" "$(inside dpkg --audit)"

system_postgres
consume_database events
system_emulator
system_queue orders
printf 'postgresql://postgres@127.0.0.1:%s/events\n' "$PGPORT" >"$chroot/etc/outbox-relay/database-url"
chmod 600 "$chroot/etc/outbox-relay/database-url"
settings=("AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL" "AWS_REGION=us-east-1" AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local OUTBOX_LISTEN=off)
printf '%s\n' "${settings[@]}" "OUTBOX_TOPIC_ARN=$topic_arn" >>"$chroot/etc/outbox-relay/relay.env"
unit_start relay outbox-relay.service
wait_for 20 "the relay is ready" told relay '^READY=1'
events_insert 3
events_wait_all_sent 20
wait_for 20 "the relay says how many" told relay '^STATUS=published 3$'
assert_equal "the relay runs as its user, without rights" "$(inside id -u outbox-relay) 0000000000000000" \
    "$(sed -nE 's/^(Uid|CapEff):\s+(\S+).*/\2/p' "/proc/$(relay_pid relay)/status" | xargs)"
sed -i 's/^OUTBOX_LISTEN=.*/&\nOUTBOX_RATE_LIMIT=900/' "$chroot/etc/outbox-relay/relay.env"
unit_reload relay outbox-relay.service
wait_for 20 "the relay reads its settings again" told relay '^RELOADING=1'
wait_for 20 "it has changed what could be" grep -q 'settings read again changed=OUTBOX_RATE_LIMIT' "$system_dir/relay.log"
assert_passed "published, and reloaded"

cp "$system_root/deploy/systemd/consumer.env" "$chroot/etc/outbox-relay/consumer-orders.env"
sed -i -E "s|^(OUTBOX_QUEUE_URL)=.*|\1=$queue_url|; s|^(OUTBOX_ON)=.*|\1=**=sql:shop.take|; /^OUTBOX_LISTEN/d" \
    "$chroot/etc/outbox-relay/consumer-orders.env"
printf '%s\n' "${settings[@]}" >>"$chroot/etc/outbox-relay/consumer-orders.env"
inside chgrp outbox-relay /etc/outbox-relay/consumer-orders.env
inside cp --preserve=mode /etc/outbox-relay/database-url /etc/outbox-relay/consumer-orders.database-url
INSTANCE=orders unit_start consumer outbox-relay-consumer@.service
wait_for_sql 30 "the consumer handles what was published" 'select count(*) = 3 from shop.seen'
assert_passed "a consumer by its instance"
relay_stop consumer

printf '%s\n' 'outbox-relay.service loaded active running' 'outbox-relay-consumer@orders.service loaded active running' \
    >"$chroot/run/notes/active"
forget_calls
dpkg_inside --install /run/package.deb
assert_match "an upgrade restarts what runs" 'restart .*outbox-relay.service.* outbox-relay-consumer@orders.service' "$(calls)"
assert_equal "and keeps the settings" 1 "$(grep --count '^OUTBOX_RATE_LIMIT=900' "$chroot/etc/outbox-relay/relay.env")"
assert_equal "with their owner and mode" "640 root:outbox-relay" "$(mode /etc/outbox-relay/relay.env)"
relay_stop relay
wait_for 10 "the relay says that it stops" told relay '^STOPPING=1'

forget_calls
dpkg_inside --remove outbox-relay
assert_match "removing stops what runs" 'stop .*outbox-relay.service.* outbox-relay-consumer@orders.service' "$(calls)"
assert_equal "and keeps the settings" "640" "$(mode /etc/outbox-relay/relay.env | cut -d ' ' -f 1)"
: >"$chroot/run/notes/active"
inside mkdir -p /etc/systemd/system/multi-user.target.wants
inside ln -s /lib/systemd/system/outbox-relay.service /etc/systemd/system/multi-user.target.wants/
dpkg_inside --purge outbox-relay
inside rmdir -p --ignore-fail-on-non-empty /etc/systemd/system/multi-user.target.wants
assert_equal "purging leaves nothing behind" "" "$(diff <(say "$before") <(inventory))"
system_end
