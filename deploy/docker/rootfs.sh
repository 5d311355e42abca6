#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rootfs.sh PROGRAM FOLDER lays out the root file system of an image: the program as /usr/bin/outbox-relay, the shared
# libraries it is linked to at their own paths, certificate authorities, and a user without rights. No shell, no package
# manager. The same program on the same system gives the same files, with SOURCE_DATE_EPOCH (seconds) the same times too.
set -euo pipefail
shopt -s inherit_errexit

program=$1
folder=$2
user=65532 # what distroless images call nonroot

fail() {
    printf 'rootfs.sh: %s\n' "$*" >&2
    exit 1
}

# The libraries, the dynamic loader among them, as ldd finds them: a path behind "=>", or alone.
libraries() {
    local found
    found=$(ldd "$program") || fail "ldd cannot tell what $program is linked to"
    [[ $found != *'not found'* ]] || fail "a library is missing: $(grep 'not found' <<<"$found")"
    sed -nE -e 's/^.* => (\/[^ ]+) .*$/\1/p' -e 's/^[[:space:]]*(\/[^ ]+) .*$/\1/p' <<<"$found" | sort --unique
}

# package_of FILE prints the package it comes from. dpkg knows a file by the path in its package, which may be from before
# /lib became /usr/lib.
package_of() {
    local path
    path=$(realpath "$1")
    { dpkg-query --search "$path" || dpkg-query --search "${path#/usr}"; } 2>/dev/null | sed -E 's/:.*$//'
}

# install_library FILE brings it, and what its licence asks for: the copyright file of its package.
install_library() {
    local package
    install -D --mode=755 "$(realpath "$1")" "$folder$1"
    package=$(package_of "$1") || fail "$1 comes from no package, so that its licence is not known"
    install -D --mode=644 "/usr/share/doc/$package/copyright" "$folder/usr/share/doc/$package/copyright"
}

install_files() {
    local file files
    install -D --mode=755 --strip "$program" "$folder/usr/bin/outbox-relay"
    files=$(libraries)
    for file in $files; do
        install_library "$file"
    done
    install -D --mode=644 /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/ca-certificates.crt"
}

install_user() {
    install -d "$folder/etc" "$folder/proc" "$folder/dev" "$folder/sys"
    install -d --mode=1777 "$folder/tmp"
    printf 'root:x:0:0::/:/none\nrelay:x:%s:%s::/:/none\n' "$user" "$user" >"$folder/etc/passwd"
    printf 'root:x:0:\nrelay:x:%s:\n' "$user" >"$folder/etc/group"
    printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$folder/etc/nsswitch.conf"
}

[[ -x $program ]] || fail "$program is no program: build it first"
install_files
install_user
[[ ! ${SOURCE_DATE_EPOCH:-} ]] || find "$folder" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
