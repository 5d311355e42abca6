#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lambda.zip: it is small, the same each time it is made, and its bootstrap runs where there is nothing but the zip, as it
# has all its libraries with it; it finds the certificates where Amazon Linux has them.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/lambda.sh
source "${BASH_SOURCE[0]%/*}/../lib/lambda.sh"

make_zip() {
    cmake --build "$relay_build" --target lambda_zip >"$system_dir/build.log" 2>&1 || fail "lambda_zip cannot be built"
}

# A root with /proc, the zip in /var/task, and libraries of another system's libc in /lib64 that must not be used.
make_root() {
    task=$system_dir/root/var/task
    mkdir -p "$task" "$system_dir/root"/{proc,dev,tmp,lib64,etc/pki/tls/certs}
    (cd "$task" && cmake -E tar xf "$relay_build/lambda.zip")
    touch "$system_dir/root/dev/null"
    printf 'not the libc of the zip\n' | tee "$system_dir/root/lib64/libc.so.6" >"$system_dir/root/lib64/libcurl.so.4"
}

# The program that runs another one there.
make_way_in() {
    cat >"$system_dir/in_root" <<PROGRAM
#!/bin/sh
mount --bind /proc "$system_dir/root/proc" && mount --bind /dev/null "$system_dir/root/dev/null" &&
    exec chroot "$system_dir/root" "\$@"
PROGRAM
    chmod +x "$system_dir/in_root"
}
is_permitted() { unshare --mount chroot / mount --bind /proc "$system_dir/root/proc" 2>/dev/null; }

system_begin
relay_build=$(cd "$relay_build" && pwd)
make_zip
cp "$relay_build/lambda.zip" "$system_dir/first.zip"
make_zip
assert_equal "the zip is the same each time it is made" "" "$(cmp "$system_dir/first.zip" "$relay_build/lambda.zip" 2>&1)"
make_root
limit=15000000
[[ ! -e $(compgen -G "$task/lib/libasan.so.*") ]] || limit=50000000 # the sanitizers' libraries; Lambda takes no more
assert_equal "it has at most $limit bytes" "" "$(find "$relay_build/lambda.zip" -size "+${limit}c")"
assert_equal "bootstrap can be executed" 755 "$(stat --format=%a "$task/bootstrap")"

if ! is_permitted; then
    say "not tested: running it in a root of its own, which needs the rights of root"
    system_end
    exit
fi
make_way_in

# An application whose certificate only the bundle of Amazon Linux knows.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=application -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$system_dir/key.pem" -out "$system_dir/root/etc/pki/tls/certs/ca-bundle.crt" 2>/dev/null
lambda_handler "$system_dir/key.pem" "$system_dir/root/etc/pki/tls/certs/ca-bundle.crt"
lambda_api
lambda_environment=(OUTBOX_ON="**=http:$handler_url" LD_LIBRARY_PATH=/lib64:/usr/lib64:/var/task:/var/task/lib)
lambda_program=(unshare --mount "$system_dir/in_root" /var/task/bootstrap)
lambda_start function PATH="$PATH"
lambda_invoke "{\"event\": $(lambda_event orders "$(lambda_message m-1 1 order.created)" \
    "$(lambda_message m-2 2 order.created '{"statuses": [500]}')")}"
lambda_await response 1
assert_equal "it handles messages with nothing but the zip" "m-2 1 1" \
    "$(lambda_failed 1) $(lambda_handled 1) $(lambda_handled 2)"
relay_stop function 0
system_end
