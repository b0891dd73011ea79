#!/usr/bin/env bash
# Runs a compiled pipeline, every task in a container of its own; `make test-containers` runs it.
#
#   scripts/test_containers.sh [WORDS FOR PYTEST]
#
#   IMAGE  an image of kfp/Dockerfile that the engine has or can pull. Without it, the image is a root of
#          Debian 12 that sees this machine's .venv and Python, read-only: no registry is needed, but
#          root, podman, runc and debootstrap
#   ENGINE, CONTAINERS_DIR: see container_engine.sh
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
say() { echo "test-containers: $*" >&2; }
fail() { say "$*"; exit 1; }
source "$repository/scripts/debian_root.sh"
source "$repository/scripts/container_engine.sh"

# The image `papergarden-mounted`, and in `options` how its containers see the environment.
make_mounted_image() {
    local engine=$1 python=$2 bytecode="$containers/bytecode" folder
    make_debian_image "$engine"
    "$engine" build --quiet --tag papergarden-mounted - >/dev/null <<-END
	FROM papergarden-debian
	ENV PATH=$repository/.venv/bin:/usr/bin:/bin HOME=/tmp TF_CPP_MIN_LOG_LEVEL=2 \
	    PYTHONUNBUFFERED=1 PYTHONPYCACHEPREFIX=$bytecode PAPERGARDEN_GIT_COMMIT=mounted
	WORKDIR /tmp
	USER 10001:10001
	END
    # Compiling what a task imports takes longer than its work: the first containers do it for all.
    mkdir -p "$bytecode" && chmod 1777 "$bytecode"
    export PYTHONPYCACHEPREFIX=$bytecode
    options=(--volume "$bytecode:$bytecode")
    for folder in "$python" "$repository"/{.venv,components,pipelines,schemas}; do
        options+=(--volume "$folder:$folder:ro")
    done
}

engine=$(find_engine)
options=()
if [[ -n ${IMAGE:-} ]]; then
    "$engine" image inspect "$IMAGE" >/dev/null 2>&1 || "$engine" pull "$IMAGE" ||
        fail "$engine neither has the image $IMAGE nor can pull it: \`make image\` builds it."
    image=$IMAGE
else
    python=$(find_base_python)
    make_mounted_image "$engine" "$python"
    image=papergarden-mounted
fi
"$engine" run --rm --network none "${options[@]}" "$image" papergarden list >/dev/null ||
    fail "papergarden does not run in the image $image; the reason is above."
export CONTAINER_ENGINE=$engine CONTAINER_IMAGE=$image CONTAINERS_DIR=$containers
CONTAINER_OPTIONS=${options[*]@Q}
export CONTAINER_OPTIONS
exec "$repository/.venv/bin/python" -m pytest -m containers -v "$repository/tests/containers" "$@"
