#!/usr/bin/env bash
# Builds the image of kfp/Dockerfile, with the commit of the sources in it; `make image` runs it.
#
#   DEVICE        cpu, or gpu for an image with NVIDIA's libraries
#   IMAGE         its name; papergarden:VERSION or papergarden:VERSION-gpu by default
#   PYTHON_IMAGE  what it is built on. `stand-in` is a root of Debian with this machine's Python, for
#                 machines that reach no registry: it proves the file, and is not to be published
#   ENGINE, CONTAINERS_DIR: see container_engine.sh
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
say() { echo "image: $*" >&2; }
fail() { say "$*"; exit 1; }
source "$repository/scripts/debian_root.sh"
source "$repository/scripts/container_engine.sh"

device=${DEVICE:-cpu}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$repository/pyproject.toml")
image=${IMAGE:-papergarden:$version$([[ $device == cpu ]] || echo "-$device")}
commit=$(git -C "$repository" describe --always --dirty --abbrev=40 2>/dev/null || true)

# As python:3.10-slim-bookworm: Debian 12, Python in /usr/local. The certificates are this machine's.
make_stand_in() {
    local engine=$1 python
    python=$(find_base_python)
    make_debian_image "$engine"
    mkdir -p "$containers/certificates"
    cp /etc/ssl/certs/ca-certificates.crt "$containers/certificates/"
    say "making the stand-in of $python"
    "$engine" build --network host --tag papergarden-stand-in --file - \
        --build-context certificates="$containers/certificates" "$python" >&2 <<-END
	FROM papergarden-debian
	COPY . /usr/local/
	COPY --from=certificates ca-certificates.crt /etc/ssl/certs/
	RUN ldconfig && python3 --version
	END
}

engine=$(find_engine)
words=(--file "$repository/kfp/Dockerfile" --tag "$image"
    --build-arg DEVICE="$device" --build-arg GIT_COMMIT="$commit")
if [[ ${PYTHON_IMAGE:-} == stand-in ]]; then
    make_stand_in "$engine"
    words+=(--build-arg PYTHON_IMAGE=papergarden-stand-in)
elif [[ -n ${PYTHON_IMAGE:-} ]]; then
    words+=(--build-arg PYTHON_IMAGE="$PYTHON_IMAGE")
fi
if [[ $engine == "$containers/podman" ]]; then
    # It has no network of its own; what tells this machine's clients where packages are, counts.
    words+=(--network host)
    for file in /etc/pip.conf /etc/uv; do
        if [[ -e $file ]]; then words+=(--volume "$file:$file:ro"); fi
    done
fi
say "building $image with $engine"
"$engine" build "${words[@]}" "$repository" || fail "the image could not be built; the reason is" \
    "above. Where no registry can be reached, PYTHON_IMAGE=stand-in builds on this machine's Python."
say "$image is built; IMAGE=$image make test-containers runs a pipeline in it"
