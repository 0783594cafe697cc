#!/bin/sh
# Runs a command with the secrets that came as files: from NAME_FILE=/run/secrets/x, the variable NAME with the first line
# of that file. Prefect reads its passwords from variables only, and the variables that a container is started with are
# shown to whoever may look at it.
set -eu
for name in PREFECT_API_AUTH_STRING PREFECT_SERVER_API_AUTH_STRING PREFECT_SERVER_DATABASE_PASSWORD \
    PREFECT_SERVER_DOCKET_URL PREFECT_REDIS_MESSAGING_URL; do
    file=$(printenv "${name}_FILE") || continue
    value=$(head -n 1 "$file")
    if [ -z "$value" ]; then
        echo "$file is empty. Write the value of $name into it." >&2
        exit 1
    fi
    export "$name=$value"
done
exec "$@"
