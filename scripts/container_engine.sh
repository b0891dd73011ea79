# shellcheck shell=bash
# A container engine, and one folder for all that it and its images keep; sourced, not run.
#
#   ENGINE          its command; otherwise docker where its daemon answers, else podman
#   CONTAINERS_DIR  the folder; .containers in the repository by default
#
# Podman keeps everything in that folder and runs containers by runc, as root: so it leaves the
# machine's own podman alone, and works where control groups are of the first version.

containers=${CONTAINERS_DIR:-$repository/.containers}

find_engine() {
    if [[ -n ${ENGINE:-} ]]; then
        command -v "$ENGINE" >/dev/null || fail "ENGINE names $ENGINE, which is not there."
        echo "$ENGINE"
    elif command -v docker >/dev/null && timeout 30 docker version >/dev/null 2>&1; then
        echo docker
    else
        make_private_podman
    fi
}

# Prints the path of a script that is podman on our folder.
make_private_podman() {
    local name missing=()
    for name in podman runc; do
        command -v "$name" >/dev/null || missing+=("$name")
    done
    [[ ${#missing[@]} == 0 ]] || fail "no container engine: no docker daemon answers, and" \
        "${missing[*]} cannot be found. On Debian: apt-get install podman runc"
    [[ $(id -u) == 0 ]] || fail "podman in $containers takes root: run it with sudo, or name" \
        "another engine, as in ENGINE=podman."
    # Podman gives up on a longer one, for its sockets.
    [[ ${#containers} -le 46 ]] || fail "the path $containers is too long for podman:" \
        "name a folder of at most 46 characters in CONTAINERS_DIR."
    mkdir -p "$containers"
    cat >"$containers/containers.conf" <<-END
	[containers]
	default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
	log_driver = "k8s-file"
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	runtime = "runc"
	END
    cat >"$containers/podman" <<-END
	#!/bin/sh
	export CONTAINERS_CONF='$containers/containers.conf'
	exec podman --log-level error --root '$containers/store' --runroot '$containers/run' \\
	    --tmpdir '$containers/tmp' "\$@"
	END
    chmod +x "$containers/podman"
    echo "$containers/podman"
}

# make_debian_image ENGINE: the image papergarden-debian, a root of Debian 12 with the libraries
# that a Python takes.
make_debian_image() {
    local engine=$1 root="$containers/debian" imported="$containers/debian.imported"
    mkdir -p "$containers"
    make_debian_root bookworm "$root" \
        ca-certificates,libssl3,libsqlite3-0,libreadline8,libncursesw6
    if [[ $imported -nt $root.made ]] &&
        "$engine" image inspect papergarden-debian >/dev/null 2>&1; then
        return
    fi
    # A Python that is mounted may lie below root's home folder.
    chmod 755 "$root/root"
    say "importing $root as an image"
    tar --create --directory "$root" . | "$engine" import - papergarden-debian >/dev/null 2>&1 ||
        fail "$engine cannot import $root."
    touch "$imported"
}

# Prints the folder of the Python that .venv was made from, which containers are to see.
find_base_python() {
    local python
    python=$("$repository/.venv/bin/python" -c 'import sys; print(sys.base_prefix)')
    [[ $python != /usr ]] || fail "containers cannot share /usr: make .venv from a Python in a" \
        "folder of its own, such as pyenv's."
    echo "$python"
}
