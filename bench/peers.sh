#!/bin/sh
# Installs what twindex is measured beside (PyTorch, sentence-transformers with all-MiniLM-L6-v2) into build/peer, some
# gigabytes, once; prints the interpreter. With PYTHON=... that one is printed instead, as it is.
#
#     sh bench/peers.sh            make bench-peers
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."
if [ -n "${PYTHON:-}" ]; then
    echo "$PYTHON"
    exit 0
fi
python=build/peer/bin/python
pinned=build/peer/requirements.txt
if ! cmp -s bench/requirements.txt "$pinned"; then
    python3 -m venv build/peer || { echo "peers: python3 needs its venv module (package python3-venv)" >&2; exit 1; }
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps -r bench/requirements.txt >&2
    cp bench/requirements.txt "$pinned"
fi
echo "$python"
