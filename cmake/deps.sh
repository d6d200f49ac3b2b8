#!/bin/sh
# Installs from the distribution what is missing, and says nothing when nothing is.
#
#     sh cmake/deps.sh [build] [demo] [demo-images] [ci]       the sets to see to; `build` when none is named
#
# Only as root on a system with apt. Elsewhere it says in one sentence what is missing, and CMake then looks
# for itself. FAISS is not here: see cmake/faiss.sh.
set -eu
export LC_ALL=C

packages()
{
    case $1 in
    build) # libopenblas-dev brings LAPACK; dpkg-dev unpacks FAISS's source package
        echo gcc g++ libc6-dev make cmake ninja-build pkg-config dpkg-dev ca-certificates \
            libopenblas-dev libnng-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler \
            libsqlite3-dev libjansson-dev libutf8proc-dev zlib1g-dev libzstd-dev liblzma-dev libcairo2-dev libpng-dev libjpeg-dev \
            libwebp-dev libgif-dev libheif-dev libsndfile1-dev libsamplerate0-dev libfftw3-dev
        ;;
    test) echo libcmocka-dev ;;
    demo) echo python3 python3-pip ;;
    demo-images) # an npm from elsewhere would be in conflict with the distribution's
        echo python3
        command -v npm >/dev/null 2>&1 || echo npm
        ;;
    ci)
        echo git clang clang-tidy clang-format libclang-rt-14-dev cppcheck valgrind
        ;;
    *)
        echo "usage: deps.sh [build] [test] [demo] [demo-images] [ci]" >&2
        exit 2
        ;;
    esac
}

[ $# -gt 0 ] || set -- build
wanted=""
for name in "$@"; do
    wanted="$wanted $(packages "$name")"
done

if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
    lacking=""
    for tool in cc c++ cmake pkg-config protoc-c; do
        command -v "$tool" >/dev/null 2>&1 || lacking="$lacking $tool"
    done
    for library in openblas sqlite3 jansson libutf8proc zlib libprotobuf-c libpng sndfile samplerate fftw3f; do
        command -v pkg-config >/dev/null 2>&1 && ! pkg-config --exists "$library" && lacking="$lacking $library"
    done
    [ -z "$lacking" ] || echo "deps: this is no Debian or Ubuntu, so please install yourself:$lacking."
    exit 0
fi

# One question for all: dpkg-query names what it knows, the rest is missing.
# shellcheck disable=SC2086 -- lists of words
have=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' $wanted 2>/dev/null || true) "
missing=""
for package in $wanted; do
    case $have in
    *" installed:$package "*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "deps: missing, and only root can install it: apt-get install$missing"
    exit 0
fi

mkdir -p build
log=build/deps.log
# shellcheck disable=SC2086
echo "deps: installing $(set -- $missing; echo $#) packages:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >"$log" 2>&1 || true # stale lists may do; the installation decides
# shellcheck disable=SC2086
if ! apt-get -q -y -o Acquire::Retries=3 install --no-install-recommends $missing >>"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "deps: the installation failed; all of it is in $log" >&2
    exit 1
fi
