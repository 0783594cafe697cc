#!/usr/bin/env bash
# A real server of S3 for tests: Ceph's radosgw over one OSD that keeps everything in memory.
#
#     infra/radosgw.sh install           the Debian packages that are missing
#     infra/radosgw.sh start [FOLDER]    returns when S3 answers; a server that runs already stays
#     eval "$(infra/radosgw.sh env [FOLDER])"
#     infra/radosgw.sh stop [FOLDER]     ends it and removes the folder: all that was stored is gone
#
# FOLDER is ${TMPDIR:-/tmp}/foldline-radosgw. Variables that `start` heeds:
#
#     RADOSGW_PORT           port of S3; the first free one from 7480
#     RADOSGW_ACCESS_KEY     the keys of its one user; drawn
#     RADOSGW_SECRET_KEY
#     RADOSGW_GIB            room for objects; 8. Memory is taken as it fills, nearly twice their size
#     RADOSGW_SECONDS        how long S3 may take to answer; 120
#
# Any user may run it, root or not. It listens on 127.0.0.1 only.
set -euo pipefail
umask 077

readonly PACKAGES=(awscli ceph-common ceph-mon ceph-osd curl radosgw)
readonly PATIENCE=${RADOSGW_SECONDS:-120}
readonly DAEMONS=(client.rgw osd.0 mon.a)

main() {
    local command=${1:-}
    folder=$(realpath --canonicalize-missing -- "${2:-${TMPDIR:-/tmp}/foldline-radosgw}")
    conf=$folder/ceph.conf
    case $command in
        install) install_packages ;;
        start) start ;;
        stop) stop ;;
        env) show_env ;;
        *) fail "Usage: $0 install | start [FOLDER] | env [FOLDER] | stop [FOLDER]" ;;
    esac
}

fail() {
    echo "$*" >&2
    exit 1
}

install_packages() {
    local package sudo=() missing=()
    for package in "${PACKAGES[@]}"; do
        installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        echo "All there already: ${PACKAGES[*]}"
        return
    fi
    ((EUID == 0)) || sudo=(sudo)
    "${sudo[@]}" apt-get update
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
}

installed() {
    [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

start() {
    local program port mon_port fsid
    for program in ceph-mon ceph-osd radosgw radosgw-admin curl; do
        command -v "$program" >/dev/null || fail "$program is not installed. Run: $0 install"
    done
    one_at_a_time
    refuse_what_is_not_ours
    if runs; then
        echo "It runs already, on $(endpoint)"
        return
    fi
    remove
    port=${RADOSGW_PORT:-$(free_port 7480)}
    is_free "$port" || fail "Port $port is taken. Choose another: RADOSGW_PORT=PORT $0 start $folder"
    mkdir --parents -- "$folder"/{mon,osd}
    trap give_up EXIT
    mon_port=$(free_port 10480)
    fsid=$(cat /proc/sys/kernel/random/uuid)
    write_conf "$port" "$mon_port" "$fsid"
    start_mon "$mon_port" "$fsid"
    start_osd
    start_radosgw "$port"
    make_user "$port"
    runs # rather than another, which has taken the port in the meantime
    trap - EXIT
    echo "S3 answers on $(endpoint)"
}

stop() {
    one_at_a_time
    refuse_what_is_not_ours
    remove
}

show_env() {
    [[ -O $folder/env ]] || fail "No server of yours runs in $folder. Run: $0 start $folder"
    cat -- "$folder/env"
}

# Two that start in one folder would mix. This very file is the lock, so that none is left lying about.
one_at_a_time() {
    exec 9<"${BASH_SOURCE[0]}"
    flock 9
}

# The folder will be removed, and what its files say be believed.
refuse_what_is_not_ours() {
    [[ -e $folder ]] || return 0
    [[ -d $folder && -O $folder ]] || fail "$folder is not a folder of yours. Name another."
    [[ -e $conf || -z $(ls --almost-all -- "$folder") ]] || fail "$folder holds other things. Name another."
}

runs() {
    local daemon
    [[ -e $folder/env ]] || return 1
    for daemon in "${DAEMONS[@]}"; do
        [[ $(pid_of "$daemon") ]] || return 1
    done
    answers "$(endpoint)"
}

endpoint() {
    (
        # shellcheck disable=SC1091
        source "$folder/env"
        echo "$AWS_ENDPOINT_URL_S3"
    )
}

answers() {
    curl --silent --fail --noproxy '*' --max-time 5 --output /dev/null "$1"
}

# Prints nothing if the daemon has ended, even if its number has gone to another process since.
pid_of() {
    local pid
    pid=$(cat -- "$folder/$1.pid" 2>/dev/null) || return 0
    if tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep --quiet --line-regexp --fixed-strings -- "$conf"; then
        echo "$pid"
    fi
}

# Killed outright: an OSD in memory that ends politely would write all of it to disk first.
kill_daemons() {
    local daemon pid
    for daemon in "${DAEMONS[@]}"; do
        pid=$(pid_of "$daemon")
        [[ $pid ]] || continue
        kill -KILL "$pid"
        while [[ $(pid_of "$daemon") ]]; do sleep 0.1; done
    done
}

remove() {
    kill_daemons
    rm --recursive --force -- "$folder"
}

give_up() {
    kill_daemons
    tail --lines 20 -- "$folder"/*.log >&2
    echo "The server did not start. Above are the ends of its logs in $folder; $0 stop $folder removes them." >&2
}

free_port() {
    local port=$1
    until is_free "$port"; do port=$((port + 1)); done
    echo "$port"
}

is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

write_conf() {
    local port=$1 mon_port=$2 fsid=$3
    cat >"$conf" <<END
[global]
fsid = $fsid
keyring = $folder/keyring
log_file = $folder/\$name.log
run_dir = $folder
crash_dir = $folder
admin_socket =
mon_host = v2:127.0.0.1:$mon_port
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_allow_insecure_global_id_reclaim = false

# One copy, on one OSD.
mon_allow_pool_size_one = true
osd_pool_default_size = 1
osd_pool_default_pg_num = 8
osd_crush_chooseleaf_type = 0

mon_data = $folder/mon
mon_cluster_log_file = $folder/cluster.log
# Making the pools takes 9 s with the default of 1 s.
paxos_propose_interval = 0.05
# A full disk is no concern of a server in memory; the monitor would end.
mon_data_avail_crit = 0

osd_data = $folder/osd
osd_objectstore = memstore
memstore_device_bytes = $((${RADOSGW_GIB:-8} << 30))

rgw_frontends = beast endpoint=127.0.0.1:$port
rgw_thread_pool_size = 64
rgw_dynamic_resharding = false
# What was deleted gives its memory back soon, rather than after two hours.
rgw_gc_obj_min_wait = 60
rgw_gc_processor_period = 30
END
}

# Run a program of Ceph, which must not keep our lock.
ceph_run() {
    timeout "$PATIENCE" "$1" --conf "$conf" "${@:2}" >>"$folder/start.log" 2>&1 9<&-
}

# Daemons are not left to go to the background by themselves: they return before their number is known.
begin() {
    # Keeps large blocks apart, so that the memory of what was deleted goes back to the machine.
    MALLOC_MMAP_THRESHOLD_=262144 setsid "$2" --conf "$conf" --foreground "${@:3}" \
        </dev/null >>"$folder/start.log" 2>&1 9<&- &
    echo $! >"$folder/$1.pid"
}

add_key() {
    ceph-authtool "$folder/keyring" --gen-key --name "$@" >>"$folder/start.log"
}

start_mon() {
    touch -- "$folder/keyring"
    add_key mon. --cap mon 'allow *'
    add_key client.admin --cap mon 'allow *' --cap osd 'allow *'
    add_key osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
    add_key client.rgw --cap mon 'allow rw' --cap osd 'allow rwx'
    monmaptool --create --addv a "[v2:127.0.0.1:$1]" --fsid "$2" "$folder/monmap" >>"$folder/start.log"
    ceph_run ceph-mon --id a --mkfs --monmap "$folder/monmap" --keyring "$folder/keyring"
    begin mon.a ceph-mon --id a
}

start_osd() {
    local uuid
    uuid=$(cat /proc/sys/kernel/random/uuid)
    ceph_run ceph osd new "$uuid"
    ceph_run ceph-osd --id 0 --mkfs --osd-uuid "$uuid"
    begin osd.0 ceph-osd --id 0
}

start_radosgw() {
    local until=$((SECONDS + PATIENCE))
    begin client.rgw radosgw --name client.rgw
    until answers "http://127.0.0.1:$1"; do
        ((SECONDS < until)) && kill -0 $! 2>/dev/null || return 1
        sleep 0.2
    done
}

make_user() {
    local access_key=${RADOSGW_ACCESS_KEY:-$(draw)} secret_key=${RADOSGW_SECRET_KEY:-$(draw)}
    ceph_run radosgw-admin user create --uid foldline --display-name Foldline \
        --access-key "$access_key" --secret-key "$secret_key"
    printf 'export %s=%q\n' AWS_ACCESS_KEY_ID "$access_key" AWS_SECRET_ACCESS_KEY "$secret_key" \
        AWS_ENDPOINT_URL_S3 "http://127.0.0.1:$1" AWS_DEFAULT_REGION us-east-1 >"$folder/env"
}

draw() {
    od --address-radix n --format x1 --read-bytes 20 /dev/urandom | tr --delete ' \n'
}

main "$@"
