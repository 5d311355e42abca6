# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Fresh Debian systems for tests. Meant to be sourced after system.sh and packages.sh.
# shellcheck disable=SC2154 # system_dir and system_root are set there

# debian_archive SUITE PACKAGES prints the path of an archive (tar) of a minimal system with these packages, separated by
# commas. It is kept in build/debian, since Debian is a long way off.
debian_archive() {
    local folder=$system_root/build/debian archive
    archive=$folder/$1-$(sha256sum <<<"$2" | cut -c 1-16).tar
    mkdir -p "$folder"
    (
        flock 9
        [[ ! -s $archive ]] || exit 0
        as_root mmdebstrap --quiet --format=tar --variant=minbase --include="$2" "$1" "$archive.part" \
            >"$system_dir/mmdebstrap.log" 2>&1 || fail "mmdebstrap failed: can packages be downloaded?"
        as_root mv "$archive.part" "$archive"
    ) 9>"$archive.lock"
    printf '%s\n' "$archive"
}
