# shellcheck shell=bash
# Makes a root file system of Debian with debootstrap; sourced, not run.
#
# DEBIAN_MIRROR names a mirror where apt's own sources have no Debian one. Who sources this has a
# function `fail` that says its words and ends the script.

find_mirror() {
    local mirror=${DEBIAN_MIRROR:-}
    if [[ -z $mirror ]] && command -v apt-get >/dev/null; then
        mirror=$(apt-get indextargets --format '$(REPO_URI)' \
            'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)
    fi
    [[ -n $mirror ]] || fail "apt knows no Debian mirror here: name one in DEBIAN_MIRROR."
    echo "$mirror"
}

# make_debian_root SUITE FOLDER PACKAGE,...: nothing is done where the root is there and whole.
make_debian_root() {
    local suite=$1 root=$2 packages=$3 made="$2.made" log="$2.log" mirror
    [[ -f $made && $(<"$made") == "$suite $packages" ]] && return
    command -v debootstrap >/dev/null ||
        fail "debootstrap is missing: apt-get install debootstrap."
    mirror=$(find_mirror)
    say "making a root of Debian $suite in $root (once, 1 to 2 minutes)"
    rm -rf "$root" "$made" && mkdir -p "$root"
    debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" \
        >"$log" 2>&1 || fail "debootstrap failed; $log ends: $(tail -n 3 "$log")"
    echo "$suite $packages" >"$made"
}
