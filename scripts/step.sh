#!/usr/bin/env bash
# step.sh [--last] NAME COMMAND… — runs one step of `make test` under a headline, says how long it
# took, and names the step in one sentence when it fails. With --last a success adds nothing, so
# that the summary of the tests stays the last thing on the screen.
set -uo pipefail
last=no
if [[ ${1:-} == --last ]]; then
    last=yes
    shift
fi
name=$1
shift
printf '\n==> %s\n' "$name"
start=$SECONDS
"$@"
status=$?
if ((status != 0)); then
    printf 'error: the step "%s" failed after %d s.\n' "$name" $((SECONDS - start)) >&2
elif [[ $last == no ]]; then
    printf '    %s: %d s\n' "$name" $((SECONDS - start))
fi
exit "$status"
