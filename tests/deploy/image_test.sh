#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The image: built from the real Dockerfile, twice with the same bytes; what is in it and what is not; and the relay at work
# in it, as a user without rights in a root that it cannot write, with a real PostgreSQL and SNS and SQS of the emulator.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$system_root/deploy/lib/packages.sh"
# shellcheck source=../lib/events.sh
source "$system_root/tests/lib/events.sh"
# shellcheck source=../lib/debian.sh
source "$system_root/tests/lib/debian.sh"
# shellcheck source=../lib/image.sh
source "$system_root/tests/lib/image.sh"

# What the Dockerfile installs is what the base has, so that nothing is fetched twice.
packages_of_dockerfile() {
    sed -n '/apt-get install/,/^WORKDIR/{/apt-get install/d; /^WORKDIR/d; p}' "$image_dockerfile" | grep -oE '[a-z0-9.+-]+'
}

# spoil NAME COMMAND... makes a copy of the root in which the command has been run, and prints what is found wrong with it.
spoil() {
    local copy=$system_dir/spoiled
    as_root rm -rf "$copy"
    as_root cp --archive "$root" "$copy"
    as_root env --chdir="$copy" "$@"
    image_complaints "$copy" | xargs
    as_root rm -rf "$copy"
}

# Where a container has the port 9465 to itself, here it is a free one.
database() { printf 'DATABASE_URL=postgresql://%s@127.0.0.1:%s/events' "$1" "$PGPORT"; }
aws() { printf '%s\n' AWS_ENDPOINT_URL="$1" AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local; }
relay_log_address() { jq --raw-output 'select(.message == "listening") | .address' "$system_dir/relay.log"; }
listens() { [[ $(relay_log_address) ]]; }
in_status() { as_root sed -n "s/^$1:[[:space:]]*//p" "/proc/$2/status" | tr '\t' ' '; }

# innermost PID prints the process itself, or where sudo has begun it, sudo's.
innermost() {
    local id=$1 child
    while child=$(pgrep --parent "$id"); do
        id=$child
    done
    printf '%s\n' "$id"
}

# arm64_root [LINE] prints what rootfs.sh lays out where ldd (with one more line) and dpkg-query answer as on arm64.
arm64_root() {
    local fake=$system_dir/arm64
    mkdir -p "$fake/bin" "$fake/lib/aarch64-linux-gnu"
    touch "$fake/lib/aarch64-linux-gnu/"{libpq.so.5.15,libc.so.6} "$fake/lib/ld-linux-aarch64.so.1"
    ln -sf libpq.so.5.15 "$fake/lib/aarch64-linux-gnu/libpq.so.5"
    cat >"$fake/bin/ldd" <<END
#!/bin/sh
cat <<'LINES'
	linux-vdso.so.1 (0x0000ffff8a7c2000)
	libpq.so.5 => $fake/lib/aarch64-linux-gnu/libpq.so.5 (0x0000ffff8a600000)
	libc.so.6 => $fake/lib/aarch64-linux-gnu/libc.so.6 (0x0000ffff8a400000)
	$fake/lib/ld-linux-aarch64.so.1 (0x0000ffff8a785000)
${1:-}
LINES
END
    # shellcheck disable=SC2016 # the words are the inner shell's
    printf '#!/bin/sh\nprintf "bash:arm64: %%s\\n" "$2"\n' >"$fake/bin/dpkg-query"
    chmod +x "$fake/bin/ldd" "$fake/bin/dpkg-query"
    rm -rf "$fake/root"
    PATH=$fake/bin:$PATH "$system_root/deploy/docker/rootfs.sh" "$relay" "$fake/root" 2>&1 &&
        find "$fake/root$fake" "$fake/root/usr/bin" -type f -printf '%f\n' | sort | xargs
}

system_begin
image_begin
mapfile -t packages < <(packages_of_dockerfile)
image_base "${packages[@]}"
image_build one --build-arg VERSION=1.2.3 --build-arg REVISION=abc || fail "the Dockerfile does not build"
image_build two &
second=$!
image_builds+=("$second")
root=$(image_root one)

assert_equal "labels" "outbox-relay 1.2.3 abc Apache-2.0" "$(image_config one '.Labels | [."org.opencontainers.image.title",
    ."org.opencontainers.image.version", ."org.opencontainers.image.revision", ."org.opencontainers.image.licenses"] | join(" ")')"
assert_equal "the user has no rights" 65532:65532 "$(image_config one .User)"
assert_equal "it runs the relay" '["/usr/bin/outbox-relay"] ["run"]' "$(image_config one '"\(.Entrypoint) \(.Cmd)"')"
assert_equal "its health is asked" '["CMD","/usr/bin/outbox-relay","healthcheck"]' "$(image_config one '.Healthcheck.Test | tostring')"
assert_equal "it is stopped by SIGTERM" SIGTERM "$(image_config one .StopSignal)"
assert_equal "nothing is wrong with its files" "" "$(image_complaints "$root")"
assert_equal "every package that a library is of has its licence" "" \
    "$(comm -3 <(find "$root/usr/share/doc" -mindepth 1 -type d | sort) <(find "$root/usr/share/doc" -name copyright -size +0 -printf '%h\n' | sort))"
assert_match "the C library's among them" "libc6/copyright" "$(find "$root/usr/share/doc" -name copyright)"
assert_match "a shell would be found" "another program: bin/sh" "$(spoil install -D /bin/sh bin/sh)"
assert_match "so would a program with the rights of root" "setuid or setgid: usr/bin/outbox-relay" "$(spoil chmod u+s usr/bin/outbox-relay)"
assert_match "a library that is missing" "version does not run" "$(spoil find . -name 'libpq.so*' -delete)"
assert_match "a file that others may write" "others may write: etc/passwd" "$(spoil chmod o+w etc/passwd)"
assert_match "certificate authorities that are missing" "no certificate authorities" "$(spoil truncate --size=0 etc/ssl/certs/ca-certificates.crt)"
assert_match "and what makes it large" "MB: too large" "$(spoil dd if=/dev/zero of=ballast bs=1M count=12 status=none)"

# At work. Its settings are those of the image, but for the port.
system_postgres
system_empty_database events
system_emulator
mapfile -t settings < <(image_config one '.Env[]' | sed 's/^OUTBOX_LISTEN=.*/OUTBOX_LISTEN=127.0.0.1:0/')
assert_equal "migrate" 0 "$(image_run "$root" "${settings[@]}" "$(database postgres)" -- migrate up >"$system_dir/migrate.log" 2>&1 && printf 0)"
sql "create role relay login in role outbox_relay"
system_queue events
events_insert 25
mapfile -t emulator < <(aws "$AWS_ENDPOINT_URL")
image_command "$root" "${settings[@]}" "${emulator[@]}" "$(database relay)" OUTBOX_TOPIC_ARN="$topic_arn" -- run
process_start "$system_dir/relay.pid" "$system_dir/relay.log" "${image_argv[@]}"
# shellcheck disable=SC2034 # relay_wait reads it
relay_pid_relay=$process_id
events_wait_all_sent 20
queue_drain "$queue_url" "$system_dir/messages" 25
assert_equal "every event is delivered" 25 "$(jq --raw-output '.Body | fromjson | .Message | fromjson | .eventId' "$system_dir/messages" | sort -u | wc -l)"
wait_for 20 "the relay listens" listens
address=$(relay_log_address)
assert_equal "its log is JSON" "" "$(grep -v '^{.*}$' "$system_dir/relay.log" | head -n 3)"
running=$(innermost "$process_id")
assert_equal "it is the user 65532, in no other group" "65532 65532 65532 65532, 65532 65532 65532 65532, " \
    "$(in_status Uid "$running"), $(in_status Gid "$running"), $(in_status Groups "$running" | xargs)"
assert_equal "it has no capability and cannot gain one" "0000000000000000 0000000000000000 1" \
    "$(in_status CapPrm "$running") $(in_status CapEff "$running") $(in_status NoNewPrivs "$running")"
# shellcheck disable=SC2016 # they are awk's fields
assert_match "its root cannot be written" '^/ / ro' "$(as_root awk '$5 == "/" {print "/", $5, $6}' "/proc/$running/mountinfo")"
healthcheck=(image_run "$root" "${settings[@]}" OUTBOX_LISTEN="$address" -- healthcheck)
assert_equal "healthcheck" 0 "$("${healthcheck[@]}" >/dev/null 2>&1 && printf 0)"
assert_equal "healthcheck --ready" 0 "$("${healthcheck[@]}" --ready >/dev/null 2>&1 && printf 0)"
as_root kill -TERM "$process_id"
relay_wait relay 0
assert_fails "healthcheck when it has stopped" "${healthcheck[@]}"

# TLS: certificate authorities are those of the image, or those that are mounted there.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=front \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$system_dir/key" -out "$system_dir/certificate" 2>"$system_dir/openssl.log"
as_root cat "$root/etc/ssl/certs/ca-certificates.crt" "$system_dir/certificate" >"$system_dir/authorities"
chmod 644 "$system_dir/authorities"
process_start "$system_dir/front.pid" "$system_dir/front.log" node "$system_root/tests/lib/tls_front.mjs" \
    "$system_dir/key" "$system_dir/certificate" "$AWS_ENDPOINT_URL"
wait_for 10 "the front listens" grep -q '^listening on' "$system_dir/front.log"
mapfile -t front < <(aws "https://127.0.0.1:$(sed -n 's/^listening on //p' "$system_dir/front.log")")
events_insert 5
tls=("${settings[@]}" "${front[@]}" "$(database relay)" OUTBOX_TOPIC_ARN="$topic_arn")
assert_match "an authority that is not in the image is not trusted" 'certificate' \
    "$(image_run "$root" "${tls[@]}" -- check 2>&1)"
IMAGE_CA=$system_dir/authorities image_run "$root" "${tls[@]}" -- run --until-empty >"$system_dir/tls.log" 2>&1 ||
    fail "the relay failed behind TLS"
assert_equal "one that is mounted there is, and its events are sent" 0 "$(events_unsent)"

# Everything goes for arm64 as well: nothing but ldd knows where libraries are.
assert_equal "on arm64" "ld-linux-aarch64.so.1 libc.so.6 libpq.so.5 outbox-relay" "$(arm64_root)"
assert_equal "a library that is not there" "rootfs.sh: a library is missing:" \
    "$(arm64_root '	libcurl.so.4 => not found' | sed 's/ *\tlib.*//')"
assert_equal "neither Dockerfile nor rootfs.sh names a machine" "" \
    "$(grep -nE 'x86|amd64-|aarch64|--platform' "$image_dockerfile" "$system_root/deploy/docker/rootfs.sh" | cat)"

wait "$second" || fail "the Dockerfile does not build a second time"
image_listing "$root" >"$system_dir/one.files"
image_listing "$(image_root two)" >"$system_dir/two.files"
assert_equal "a second build gives the same files" "" "$(diff "$system_dir/one.files" "$system_dir/two.files" | head -n 5)"
system_end
