#!/usr/bin/env bash
# Removes all that `make image` and `make test-containers` keep in their folder, and what is mounted there.
#
#   CONTAINERS_DIR: see container_engine.sh
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
say() { echo "remove-containers: $*" >&2; }
fail() { say "$*"; exit 1; }
source "$repository/scripts/container_engine.sh"

[[ -e $containers ]] || exit 0
# Only what this folder's podman runs.
if [[ -x $containers/podman ]]; then "$containers/podman" rm --all --force >/dev/null || true; fi
# Innermost first.
awk -v folder="$containers/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r |
    while read -r folder; do umount "$folder"; done
rm -rf --one-file-system "$containers"
