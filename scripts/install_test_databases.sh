#!/usr/bin/env bash
# Installs the database servers that the metadata tests start for themselves: Debian's MariaDB and
# PostgreSQL. Without them those tests skip and say so. No server of the machine's own is started.
set -euo pipefail

packages=()
[[ -x /usr/sbin/mariadbd ]] || packages+=(mariadb-server-core)
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || packages+=(postgresql)
[[ ${#packages[@]} == 0 ]] && exit 0

# PostgreSQL's package would make a cluster and start it.
settings=/etc/postgresql-common/createcluster.conf
if [[ ! -e $settings ]]; then
    mkdir -p "$(dirname "$settings")"
    echo "create_main_cluster = false" > "$settings"
fi
export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1
apt_get=(apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=60)
install=("${apt_get[@]}" install -y --no-install-recommends)
timeout 120 "${apt_get[@]}" update </dev/null
timeout 300 "${install[@]}" --download-only "${packages[@]}" </dev/null
"${install[@]}" "${packages[@]}" </dev/null

