#!/usr/bin/env bash
# Draws the secrets of infra/compose.yaml: files that containers read, and nobody else on the machine.
#
#     infra/secrets.sh [FOLDER]
#
# FOLDER is infra/secrets. What is there already stays as it is: bring your own by writing it first.
set -euo pipefail

main() {
    local folder=${1:-$(dirname -- "$0")/secrets} key secret
    # Containers run as several users, so each file is readable by all; on the host, nobody else gets into the folder.
    mkdir --parents --mode=700 -- "$folder"
    cd -- "$folder"
    umask 022
    write .gitignore '*'
    write postgres-password "$(draw)"
    write prefect-auth "foldline:$(draw)"
    # Pairs: what a server knows, and what its clients show.
    if [[ ! -e aws-credentials && ! -e seaweedfs.json ]]; then
        key=$(draw) secret=$(draw)
        write aws-credentials "[default]
aws_access_key_id = $key
aws_secret_access_key = $secret"
        write seaweedfs.json "{\"identities\": [{\"name\": \"foldline\", \"actions\": [\"Admin\"],
 \"credentials\": [{\"accessKey\": \"$key\", \"secretKey\": \"$secret\"}]}]}"
    fi
    if [[ ! -e redis.conf && ! -e redis-url ]]; then
        secret=$(draw)
        write redis.conf "requirepass $secret
appendonly yes
dir /data"
        write redis-url "redis://default:$secret@redis:6379/0"
    fi
    ls -l
}

write() {
    [[ -e $1 ]] || printf '%s\n' "$2" >"$1"
}

draw() {
    od --address-radix n --format x1 --read-bytes 20 /dev/urandom | tr --delete ' \n'
}

main "$@"
