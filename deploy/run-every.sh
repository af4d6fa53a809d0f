#!/bin/sh
# Runs a command again and again, RUN_EVERY_SECONDS after its end, until SIGTERM. While the last run was a failure,
# /tmp/last-run-failed exists. The environment variable LAST_RUN_FAILED names another file.
set -u
failed="${LAST_RUN_FAILED:-/tmp/last-run-failed}"
child=

stop() {
    [ -n "$child" ] && kill -TERM "$child" 2> /dev/null && wait "$child"
    exit 0
}
trap stop TERM INT

while :; do
    "$@" &
    child=$!
    if wait "$child"; then rm -f "$failed"; else touch "$failed"; fi
    sleep "$RUN_EVERY_SECONDS" &
    child=$!
    wait "$child"
done
