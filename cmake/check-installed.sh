#!/bin/sh
# Each installed header compiles from its installed place, as C and as C++, with nothing of this tree beside it, and declares
# with C linkage.
#
#     sh cmake/check-installed.sh PREFIX/include/twindex       exit 1 and the compiler's words for each that does not
set -u
export LC_ALL=C
cd "${1:?the folder of the installed headers}" || exit 1
bad=0
count=0

for header in $(find . -name '*.h' | sed 's|^\./||' | sort); do
    count=$((count + 1))
    printf '#include "%s"\ntypedef int tw_not_empty;\n' "$header" |
        "${CC:-cc}" -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I . -x c - ||
        { echo "$header does not compile as C"; bad=1; }
    printf '#include "%s"\n' "$header" |
        "${CXX:-c++}" -std=c++17 -Wall -Wextra -Werror -fsyntax-only -I . -x c++ - ||
        { echo "$header does not compile as C++"; bad=1; }
    # A function's declaration outside TW_BEGIN_DECLS would be looked for under a C++ name.
    if grep -qE '^[a-zA-Z_].*\(' "$header" && ! grep -q '^TW_BEGIN_DECLS$' "$header" && ! grep -q '__cplusplus' "$header"; then
        echo "$header declares functions without TW_BEGIN_DECLS"
        bad=1
    fi
done
[ "$count" -gt 0 ] || { echo "check-installed: no header found under $(pwd)"; exit 1; }
exit "$bad"
