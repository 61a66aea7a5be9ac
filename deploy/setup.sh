#!/usr/bin/env bash
# Makes .venv in the checkout, with the command `lapwing` in it. Argument: run (what the system needs) or check (what
# the tests need too: linters, and the real servers and clients that they talk to). Doing it again costs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-run}
umask 022

say() { printf '%s\n' "$*" >&2; }

apt_get() {  # packages
    local missing=()
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" != 0 ]; then
        say "These packages are needed; as root: apt-get install ${missing[*]}"
        exit 1
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null </dev/null
}

python=${LAPWING_PYTHON:-python3}
if ! command -v "$python" >/dev/null || ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    apt_get python3 python3-venv
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Lapwing needs Python 3.11 or newer"; exit 1; }
if [ "$(id -u)" = 0 ]; then
    apt_get libarchive13
elif ! dpkg-query -W libarchive13 >/dev/null 2>&1; then
    say "Without the package libarchive13 (as root: apt-get install libarchive13) 7z and RAR archives are not opened"
fi
if [ "$what" = check ]; then
    apt_get chromium curl dovecot-imapd fonts-wqy-zenhei libnet-ssleay-perl nginx p7zip-full postfix rbldnsd strace swaks unbound
fi

list=deploy/requirements.txt
[ "$what" = check ] && list=deploy/requirements-dev.txt
stamp=.venv/.done-$(cat "$list" pyproject.toml | sha256sum | cut -c1-16)
[ -e "$stamp" ] && exit 0
[ -x .venv/bin/python ] || "$python" -m venv .venv
say "installing Python packages into .venv (a minute or two)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes -r "$list"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
touch "$stamp"
[ "$what" = check ] && touch ".venv/.done-$(cat deploy/requirements.txt pyproject.toml | sha256sum | cut -c1-16)"
exit 0
