#!/bin/sh
# Builds FAISS with its C API from the distribution's source package, once a machine.
#
#     sh cmake/faiss.sh            prints the folder that holds lib/ and include/; builds it first if need be
#     sh cmake/faiss.sh --find     prints it only when it is already there
#
# Debian 12's libfaiss-dev has not one C function in its archive and is compiled for plain x86-64, which
# halves the speed of a search, so the source is compiled here for this CPU. The result lies outside the
# build folder, so that `make clean` keeps it: ${XDG_CACHE_HOME:-~/.cache}/twindex/faiss-VERSION-SIMD-COMPILER.
# Progress goes to stderr, the answer to stdout.
set -eu
export LC_ALL=C

recipe=1 # raise it when the way of building changes, and no old copy is taken for a new one
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/twindex

say() { printf '%s\n' "faiss: $*" >&2; }
die() { say "$*"; exit 1; }

# The widest level FAISS has for this CPU. On other processors "generic" is what FAISS tests.
simd_level()
{
    for flag in avx2 fma f16c popcnt; do
        grep -qw "$flag" /proc/cpuinfo 2>/dev/null || { echo generic; return; }
    done
    echo avx2
}

# What must not be mixed: another compiler, another machine type, another recipe.
fingerprint()
{
    {
        echo "$recipe"
        "$cxx" -dumpmachine
        "$cxx" -dumpfullversion -dumpversion
    } | sha256sum | cut -c1-8
}

# The newest finished copy for this CPU and compiler.
cached()
{
    for dir in "$cache"/faiss-*-"$simd-$print"; do
        [ -f "$dir/lib/libfaiss_c.a" ] && printf '%s\n' "$dir"
    done | sort -V | tail -n 1
}

# apt finds source packages only through `deb-src` entries, which most systems lack. We write such entries,
# from the system's own mirrors and keys, to a private list: the system's files stay as they are.
private_sources()
{
    mkdir -p "$work/sources.d" "$work/lists/partial" "$work/cache/archives/partial"
    n=0
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] || continue
        n=$((n + 1))
        sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$file" >"$work/sources.d/$n.list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        n=$((n + 1))
        sed 's/^[Tt]ypes:.*/Types: deb-src/' "$file" >"$work/sources.d/$n.sources"
    done
}

apt_private()
{
    apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources.d" \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# apt checks the signature of the archive's Release file and, through it, the .dsc; the .dsc in turn names
# the checksum of the tarball. apt compares that too; we do it again, because this file gets compiled and run.
verify()
{
    (
        cd "$work/source"
        sed -n '/^Checksums-Sha256:/,/^[^ ]/s/^ \([0-9a-f]\{64\}\) [0-9]* \(.*\)$/\1  \2/p' ./*.dsc >sums
        grep -q '\.orig\.' sums && sha256sum --quiet --strict -c sums >&2
    )
}

fetch()
{
    mkdir -p "$work/source"
    private_sources
    # A mirror among several that fails to answer is no reason to stop: the download below decides.
    apt_private update >>"$log" 2>&1 || true
    (cd "$work/source" && apt_private source --download-only faiss >>"$log" 2>&1) || return 1
    verify >>"$log" 2>&1 || return 1
    (cd "$work/source" && dpkg-source --no-check -x ./*.dsc tree >>"$log" 2>&1)
}

compile()
{
    flags=""
    [ "$simd" = avx2 ] && flags="-mavx2 -mfma -mf16c -mpopcnt"
    # SIMD by CMAKE_CXX_FLAGS and not FAISS_OPT_LEVEL: FAISS links its C API to the plain target alone.
    cmake -S "$work/source/tree" -B "$work/build" $generator -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
        -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF -DFAISS_ENABLE_GPU=OFF -DFAISS_ENABLE_PYTHON=OFF \
        -DFAISS_ENABLE_EXTRAS=OFF -DFAISS_ENABLE_C_API=ON -DFAISS_OPT_LEVEL=generic \
        -DBLA_VENDOR=OpenBLAS >>"$log" 2>&1 || return 1
    cmake --build "$work/build" --parallel "$jobs" --target faiss faiss_c >>"$log" 2>&1
}

# Only what a program of ours needs: two archives and the headers, laid out as an installed FAISS.
collect()
{
    mkdir -p "$work/out/lib" "$work/out/include/faiss/c_api"
    cp "$work/build/faiss/libfaiss.a" "$work/build/c_api/libfaiss_c.a" "$work/out/lib/"
    (cd "$work/source/tree/faiss" && find . -name '*.h' -not -path './gpu/*' -not -path './python/*' |
        tar cf - -T -) | tar xf - -C "$work/out/include/faiss"
    (cd "$work/source/tree/c_api" && find . -name '*.h' -not -path './gpu/*' |
        tar cf - -T -) | tar xf - -C "$work/out/include/faiss/c_api"
    # FAISS's headers include OpenMP's. With gcc's copy beside them clang reads them without an OpenMP of its
    # own, and means the same libgomp; only an attribute that names the releasing function is gcc's alone.
    omp=$("$cxx" -print-file-name=include/omp.h)
    if [ -f "$omp" ]; then
        sed 's/__malloc__ (omp_free)/__malloc__/' "$omp" >"$work/out/include/omp.h"
    fi
    cp "$work/source/tree/LICENSE" "$work/out/LICENSE"
}

cxx=${TW_FAISS_CXX:-}
for try in c++ g++ clang++; do
    [ -n "$cxx" ] || cxx=$(command -v "$try" || true)
done
[ -n "$cxx" ] || die "no C++ compiler was found"
simd=$(simd_level)
print=$(fingerprint)

found=$(cached)
if [ -n "$found" ] || [ "${1:-}" = --find ]; then
    printf '%s\n' "$found"
    exit 0
fi

for tool in apt-get dpkg-source cmake flock; do
    command -v "$tool" >/dev/null 2>&1 ||
        die "no installed faiss_c was found, and without $tool none can be built from the distribution's source"
done
generator=""
command -v ninja >/dev/null 2>&1 && generator="-G Ninja"
jobs=$(nproc 2>/dev/null || echo 2)

# Two builds at once must not build it twice, nor one see the other's half: a lock, a private folder, one rename.
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
found=$(cached)
if [ -n "$found" ]; then
    printf '%s\n' "$found"
    exit 0
fi

rm -rf "$cache"/building.* # what a killed build left; we hold the lock
work=$(mktemp -d "$cache/building.XXXXXX")
log=$cache/faiss.log
: >"$log"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

say "fetching the source package"
fetch || { tail -n 15 "$log" >&2; die "the source package could not be fetched; all of it is in $log"; }
version=$(sed -n 's/^Version: *\([0-9:]*:\)\{0,1\}\([^-]*\).*/\2/p' "$work"/source/*.dsc | head -n 1)
say "building $version for $simd, once, with $jobs jobs: about 70 s on two cores"
compile || { tail -n 30 "$log" >&2; die "the build failed; all of it is in $log"; }
collect

final=$cache/faiss-$version-$simd-$print
rm -rf "$final"
mv "$work/out" "$final"
say "ready in $final"
printf '%s\n' "$final"
