#!/bin/sh
# Each header compiles alone, and twice: it includes what it needs and its guard works.
#
#     CC=gcc sh cmake/check-headers.sh [ROOT [GENERATED]]    exit 1 and the compiler's words for each that does not
set -u
export LC_ALL=C
cd "${1:-.}" || exit 1
gen=${2:-build/gen}
bad=0
count=0

for header in $(find base nn metrics towers seqmodel index store ingest engine rpc cli bench tests -name '*.h' 2>/dev/null | sort); do
    count=$((count + 1))
    case $header in
    tests/unit/*) double=-DTW_REAL_DOUBLE=1 ;; # helpers of gradient checks insist on it
    *) double= ;;
    esac
    # shellcheck disable=SC2086 -- CPPFLAGS is a list of words
    printf '#include "%s"\n#include "%s"\ntypedef int tw_not_empty;\n' "$header" "$header" |
        "${CC:-cc}" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -fsyntax-only $double \
            -I . -I "$gen" ${CPPFLAGS:-} -x c - || { echo "$header does not compile alone"; bad=1; }
done
[ "$count" -gt 0 ] || { echo "check-headers: no header found under $(pwd)"; exit 1; }
exit "$bad"
