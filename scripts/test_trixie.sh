#!/usr/bin/env bash
# Proves the second stack (TFX 1.21, Python 3.13, glibc 2.41) in a Debian trixie root made by debootstrap.
#
#   scripts/test_trixie.sh                  the unit tests, then the smoke pipeline
#   scripts/test_trixie.sh shell CMD...     any command in the root, in a fresh copy of the repository
#
# Needs root and debootstrap. The root stays in build/trixie: later runs only copy the sources anew.
# DEBIAN_MIRROR names a mirror where apt's own sources have no Debian one.
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
cache="$repository/build/trixie"
root="$cache/root"
say() { echo "test-trixie: $*" >&2; }
fail() { say "$*"; exit 1; }

# Everything mounted below lives in a mount namespace of its own and goes away with this process.
if [[ -z ${PAPERGARDEN_TRIXIE_NAMESPACE:-} ]]; then
    [[ $(id -u) == 0 ]] || fail "a Debian root can only be made and entered by root: run it with sudo."
    exec env PAPERGARDEN_TRIXIE_NAMESPACE=1 unshare --mount -- "$0" "$@"
fi
unset PAPERGARDEN_TRIXIE_NAMESPACE
source "$repository/scripts/debian_root.sh"

# Name resolution, certificates and the package clients' settings are the host's.
copy_host_settings() {
    local file name
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    for name in SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE PIP_CERT; do
        file=${!name:-}
        if [[ -f $file ]]; then install -D -m 644 "$file" "$root$file"; fi
    done
    for file in /etc/uv /etc/pip.conf /etc/xdg/pip "$HOME/.config/uv" "$HOME/.config/pip"; do
        if [[ -e $file ]]; then mkdir -p "$root$(dirname "$file")" && cp -rT "$file" "$root$file"; fi
    done
}

mount_host() {
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    mkdir -p "$root/srv/shared"
    if [[ -d $repository/../shared ]]; then
        mount --bind "$repository/../shared" "$root/srv/shared"
    fi
}

copy_sources() {
    rm -rf "$root/srv/papergarden" && mkdir -p "$root/srv/papergarden"
    # Tracked and new files that exist; what git ignores stays out.
    (cd "$repository" && git ls-files -z --cached --others --exclude-standard |
        xargs -0 -r sh -c 'for file; do [ -e "$file" ] && printf "%s\0" "$file"; done' sh |
        tar --null --files-from=- --create) | tar --extract --directory "$root/srv/papergarden"
    cp "$("$repository/scripts/bootstrap.sh" --print-uv)" "$root/usr/local/bin/uv"
}

inside() {
    env HOME=/root PATH=/srv/venv/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/tmp \
        UV_CACHE_DIR=/var/cache/uv UV_PROJECT_ENVIRONMENT=/srv/venv TF_CPP_MIN_LOG_LEVEL=3 \
        chroot "$root" sh -c 'cd /srv/papergarden && exec "$@"' sh "$@"
}

make_debian_root trixie "$root" ca-certificates,g++,git,make,python3,python3-dev,python3-venv
copy_host_settings
mount_host
copy_sources
inside uv sync --frozen --all-extras --python /usr/bin/python3 --quiet

if [[ ${1:-} == shell ]]; then
    shift
    inside "$@"
    exit
fi
# A failing test does not hide what the pipeline does.
status=0
say "unit tests on $(inside python --version)"
inside python -m pytest -q -m "not e2e and not faults and not containers" ${ARGS:-} || status=$?
say "the smoke pipeline"
rm -rf "$root/srv/runs"
inside papergarden run siren_pipeline --preset smoke --root /srv/runs || status=$?
exit "$status"
