#!/bin/sh
# Measures this machine: builds the benchmarks beside the program, runs them one after the other, shows their
# tables and writes bench/results/<machine>.json.
#
#     [NOTE='what else was running'] [BUILD=build] [OUT=FILE] sh bench/speed/run.sh [train] [index] [rpc]
set -eu
export LC_ALL=C
build=${BUILD:-build}
results=bench/results
[ -f bench/speed/run.sh ] || { echo "bench: run me from the root" >&2; exit 1; }
[ -f "$build/CMakeCache.txt" ] || { echo "bench: $build/ is not configured; make does it" >&2; exit 1; }

all=yes
[ $# -eq 0 ] || all=no
[ $# -gt 0 ] || set -- train index rpc
targets=
for name in "$@"; do
    [ -f "bench/speed/bench_$name.c" ] || { echo "bench: there is no bench_$name" >&2; exit 2; }
    targets="$targets bench_$name"
done

parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
trap 'exit 130' INT TERM

# shellcheck disable=SC2086 -- one word a target is what is wanted
cmake --build "$build" --target $targets >"$parts/build.log" 2>&1 || { tail -n 60 "$parts/build.log"; exit 1; }

# The CPU's name without its decorations; never the host's name.
cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
cores=$(getconf _NPROCESSORS_ONLN)
slug=$(printf '%s' "${cpu:-$(uname -m)}" | sed 's/([RTMrtm]*)//g; s/@.*//; s/ CPU//; s/ [0-9]*-Core Processor//' |
    tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9' '-' | sed 's/^-*//; s/-*$//')
# A run of some of them is shown, not kept.
out=${OUT:-}
[ -n "$out" ] || [ $all = no ] || out=$results/$slug-$cores-cores.json

note=$(printf '%s' "${NOTE:-nothing was said about what else was running; see load_before}" |
    tr '\n\t"\\' "  ''")
{
    printf '{\n"note": "%s"' "$note"
    for name in "$@"; do
        "$build/bench/speed/bench_$name" >"$parts/$name.json"
        printf ',\n"%s":\n' "$name"
        cat "$parts/$name.json"
    done
    printf '}\n'
} >"$parts/all.json"

if [ -n "$out" ]; then
    mkdir -p "$(dirname "$out")"
    cp "$parts/all.json" "$out"
    printf '\n%-10s %s\n' written "$out"
fi
