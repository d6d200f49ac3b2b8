#!/bin/sh
# Trains the same sequential model in twindex and in PyTorch from PyPI, in the same rounds, and writes what both
# reached: {tokens_per_s, peer_tokens_per_s, ratio, gemm_share, ..., rows, scaling, next}. What makes it fair stands at
# the head of bench/speed/seq_peer.py.
#
#     bench/speed/seq_speed.sh OUT.json [--rounds N] [--only NAME] [--no-compile]
#
# PyTorch goes into build/peer (bench/peers.sh; some gigabytes, once). With PYTHON=... an interpreter that has torch is used instead.
# Run it on a quiet machine: with another program on the cores PyTorch's threads wait for each other, and it falls behind
# further than it should. The rows with one thread, and the ratios by CPU time, bear company better.
set -eu
export LC_ALL=C
[ $# -ge 1 ] || { echo "usage: bench/speed/seq_speed.sh OUT.json [--rounds N] [--only NAME] [--no-compile]" >&2; exit 2; }
case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
shift
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
[ -f "$build/CMakeCache.txt" ] || make program >&2
cmake --build "$build" --target bench_seq >&2

python=$(sh bench/peers.sh)

# Large tensors stay with the process instead of going back to the system after every operation: the usual advice, and
# worth some percent to the peer.
export MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456
exec "$python" bench/speed/seq_peer.py --bench "$build/bench/bench_seq" --out "$out" "$@"
