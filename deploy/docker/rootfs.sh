#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rootfs.sh PROGRAM FOLDER lays out the root file system of an image: the program as /usr/bin/outbox-relay, the shared
# libraries it is linked to at their own paths, certificate authorities, and a user without rights. No shell, no package
# manager. The same program on the same system gives the same files, with SOURCE_DATE_EPOCH (seconds) the same times too.
set -euo pipefail

program=$1
folder=$2
user=65532 # what distroless images call nonroot

# The libraries, the dynamic loader among them, as ldd finds them.
libraries() {
    ldd "$program" | sed -nE -e 's/^.* => (\/[^ ]+) .*$/\1/p' -e 's/^[[:space:]]*(\/[^ ]+) .*$/\1/p' | sort --unique
}

# What the licences of the libraries ask for: their copyright files, found by the packages they belong to.
copyrights() {
    libraries | xargs --max-args=1 realpath | xargs dpkg-query --search 2>/dev/null | sed -E 's/:.*$//' | sort --unique
}

install_files() {
    local file
    install -D --mode=755 --strip "$program" "$folder/usr/bin/outbox-relay"
    while read -r file; do
        install -D --mode=755 "$(realpath "$file")" "$folder$file"
    done < <(libraries)
    while read -r file; do
        [[ ! -e /usr/share/doc/$file/copyright ]] ||
            install -D --mode=644 "/usr/share/doc/$file/copyright" "$folder/usr/share/doc/$file/copyright"
    done < <(copyrights)
    install -D --mode=644 /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/ca-certificates.crt"
}

install_user() {
    install -d "$folder/etc" "$folder/proc" "$folder/dev" "$folder/sys"
    install -d --mode=1777 "$folder/tmp"
    printf 'root:x:0:0::/:/none\nrelay:x:%s:%s::/:/none\n' "$user" "$user" >"$folder/etc/passwd"
    printf 'root:x:0:\nrelay:x:%s:\n' "$user" >"$folder/etc/group"
    printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$folder/etc/nsswitch.conf"
}

[[ -x $program ]] || {
    printf 'rootfs.sh: %s is no program: build it first\n' "$program" >&2
    exit 1
}
install_files
install_user
[[ ! ${SOURCE_DATE_EPOCH:-} ]] || find "$folder" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
