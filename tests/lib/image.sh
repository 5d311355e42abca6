# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Images built and run without a container engine: buildah builds the Dockerfile, as root or by sudo, on a base made of
# Debian's packages, and the relay runs in the image's root file system. Meant to be sourced after system.sh, packages.sh
# and debian.sh.
# shellcheck disable=SC2154 # system_dir and system_root are set there

image_dockerfile=$system_root/deploy/docker/Dockerfile
image_store="" image_builds=() # in the background, by process id

# image_begin takes the packages it needs, and makes a store for images in system_dir.
image_begin() {
    packages_need_deploy
    image_store=$system_dir/store
    trap 'image_clean $?' EXIT
}

# What root owns goes first. (A build that is killed leaves mounts behind, so each is let to its end.)
image_clean() {
    local status=$1 pid_file id
    wait "${image_builds[@]}" || true
    for pid_file in "$system_dir"/*.pid; do
        if process_running "$pid_file"; then
            IFS=' ' read -r id _ <"$pid_file"
            as_root kill -KILL "$id" || true
        fi
    done
    image_buildah umount --all >/dev/null 2>&1 || true
    as_root rm -rf --one-file-system "$image_store" || true
    system_clean "$status"
}

# Isolation by chroot needs no rights but root's. Not every file system can bear overlays: then layers are copied.
image_buildah() {
    as_root env --unset=XDG_RUNTIME_DIR STORAGE_DRIVER="${image_driver:-overlay}" BUILDAH_ISOLATION=chroot \
        buildah --root "$image_store/root" --runroot "$image_store/run" "$@"
}

# image_base PACKAGE... makes a Debian 12 with these packages and tags it as the image that the Dockerfile begins with.
image_base() {
    local packages tar
    packages=$(IFS=, && printf '%s' "$*")
    tar=$(debian_archive bookworm "$packages")
    mkdir -p "$image_store"
    for image_driver in overlay vfs; do
        image_from_tar "$tar" >"$system_dir/base.log" 2>&1 && return
    done
    fail "buildah could not make an image of $tar"
}
image_from_tar() {
    local container
    container=$(image_buildah from scratch) &&
        image_buildah add "$container" "$1" / &&
        image_buildah commit --quiet --rm "$container" "$(sed -n 's/^ARG DEBIAN=/docker.io\/library\//p' "$image_dockerfile")"
}

# image_build TAG [OPTION...] builds the Dockerfile.
image_build() {
    image_buildah bud --pull-never --no-cache --format docker --tag "$1" "${@:2}" --file "$image_dockerfile" "$system_root" \
        >"$system_dir/build-$1.log" 2>&1
}

# image_root TAG prints where the image's root file system is mounted. image_config TAG FILTER prints what jq finds in its
# configuration.
image_root() { image_buildah mount "$(image_buildah from --pull-never "$1")"; }
image_config() { image_buildah inspect --type image "$1" | jq --raw-output ".Docker.config | $2"; }

# image_command ROOT [VARIABLE=VALUE...] -- ARGUMENT... sets image_argv, the command that runs the relay in that root as a
# careful orchestrator does: root read-only, user 65532, no capability, nothing to gain by files. Network and /proc are this
# machine's. IMAGE_CA is a file to be mounted in place of the certificate authorities. image_run runs it.
image_command() {
    local root=$1 settings=()
    shift
    while [[ $1 != -- ]]; do
        settings+=("$1")
        shift
    done
    image_argv=(unshare --mount --propagation private bash -euc "$image_inside" image_run "$root" "${IMAGE_CA:-}"
        "${#settings[@]}" "${settings[@]}" "$@")
    ((EUID == 0)) || image_argv=(sudo "${image_argv[@]}")
}
image_run() {
    local image_argv
    image_command "$@"
    "${image_argv[@]}"
}
# shellcheck disable=SC2016 # the words are the inner shell's
image_inside='
    cd /
    root=$1 authorities=$2 count=$3
    shift 3
    mount --bind "$root" "$root"
    [[ ! $authorities ]] || mount --bind "$authorities" "$root/etc/ssl/certs/ca-certificates.crt"
    mount --bind /proc "$root/proc"
    mount --bind /dev "$root/dev"
    mount --options remount,bind,ro "$root" "$root"
    exec env --ignore-environment "${@:1:count}" \
        /usr/bin/setpriv --no-new-privs --bounding-set=-all,+setuid,+setgid,+sys_chroot \
        /usr/sbin/chroot --userspec=65532:65532 --groups= "$root" /usr/bin/outbox-relay "${@:count + 2}"'

# image_complaints ROOT prints what is wrong with a root file system, a line each.
image_complaints() {
    local root=$1 size
    as_root find "$root" -perm /6000 -printf 'setuid or setgid: %P\n'
    as_root find "$root" -type f -perm /111 -not -path "$root/lib*" -not -path "$root/usr/bin/outbox-relay" \
        -printf 'another program: %P\n'
    as_root find "$root" -mindepth 1 -not -type l -perm /022 -not -path "$root/tmp" -printf 'others may write: %P\n'
    as_root find "$root" -not -user 0 -printf 'not of root: %P\n'
    size=$(as_root du --summarize --block-size=1M "$root" | cut -f 1)
    ((size < 30)) || say "$size MB: too large"
    grep -qx "relay:x:65532:65532::/:/none" "$root/etc/passwd" || say "no user 65532"
    (($(grep -c 'BEGIN CERTIFICATE' "$root/etc/ssl/certs/ca-certificates.crt") > 100)) || say "no certificate authorities"
    image_run "$root" -- version >/dev/null 2>&1 || say "version does not run"
    image_run "$root" -- help run >/dev/null 2>&1 || say "help does not run"
}

# image_listing ROOT prints every file with its times, rights and contents.
image_listing() {
    as_root env --chdir="$1" find . -mindepth 1 -printf '%P %y %m %U:%G %s %T@ %l\n' | sort
    as_root env --chdir="$1" find . -type f -exec sha256sum {} + | sort
}
