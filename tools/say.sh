# Sourced by the shell scripts: where things are, and how progress and failure are told.
# Progress goes to stderr, so that a script's answer on stdout can be used by another.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
GUISE_CACHE=${GUISE_CACHE:-${HOME:-/tmp}/.cache/guise}

say() { printf '==> %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# as_root COMMAND...: runs it as root, by sudo where we are not root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "must be root, or have sudo, to run: $*"
    fi
}

# with_lock NAME COMMAND...: two of our scripts started at once do a thing one after the other.
with_lock() {
    local lock=$GUISE_CACHE/lock.$1
    shift
    mkdir -p "$GUISE_CACHE"
    ( flock 9; "$@" 9>&- ) 9>"$lock"
}

# quietly LOG COMMAND...: output goes to LOG, and is shown only when the command fails.
quietly() {
    local log=$1
    shift
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        die "failed (all output in $log): $*"
    fi
}

# A script that ends early says where; a silent end helps nobody.
trap 'echo "${0##*/}: failed at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2' ERR
set -E
