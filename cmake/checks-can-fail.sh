#!/bin/sh
# A check that was never seen to fail is not a check. Each line below plants one breach in a small clean tree
# and asks that the check finds it, at that file; the clean tree itself must pass.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
bad=0

clean_tree()
{
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/cmake" "$tree/base" "$tree/nn" "$tree/index" "$tree/towers" "$tree/tests/unit/nn"
    cp "$here/layers.txt" "$tree/cmake/"
    printf '#ifndef B_H\n#define B_H\n/* malloc(1) is "free("; a comment */\nint b(void);\n#endif\n' >"$tree/base/b.h"
    printf '#include "base/b.h"\n#include "nn/internal.h"\nint n(ops *o) { o->free(o); return b("exit(1)"); }\nvoid m(void *p) { free(p); } // banned-ok: a library gave it\n' >"$tree/nn/n.c"
    printf '#ifndef I_H\n#define I_H\nint i(void);\n#endif\n' >"$tree/nn/internal.h"
    printf '/* nn/own.h - what is nobody else'"'"'s. Internal to\n * nn/. */\n#include "nn/internal.h"\n' >"$tree/nn/own.h"
    printf '#include "nn/internal.h"\nstatic void is_so(int x)\n{\n    assert_true(x);\n}\nstatic void t(void **state)\n{\n    is_so(1);\n}\ncmocka_unit_test(t)\n' >"$tree/tests/unit/nn/test_n.c"
    printf '#include <faiss/c_api/Index_c.h>\n' >"$tree/index/i.c"
    printf '#include <faiss/IndexHNSW.h>\n' >"$tree/index/faiss_compat.cpp"
    # Every room that has a law is there, and uses what it may.
    sed -n 's|^\([a-z]*/[a-z]*\):.*|\1|p' "$here/layers.txt" | while read -r room; do
        mkdir -p "$tree/$room"
        printf '#include "base/b.h"\n' >"$tree/$room/of_$(echo "$room" | tr / _).c"
    done
}

# breach CHECK FILE TEXT: TEXT, as a file of its own, must make CHECK fail and name FILE.
breach()
{
    clean_tree
    printf '%b' "$3" >"$tree/$2"
    if sh "$here/check-$1.sh" "$tree" >"$tree/out" 2>&1; then
        echo "check-$1.sh passed $2 with: $3"
        bad=1
    elif ! grep -q "$2" "$tree/out"; then
        echo "check-$1.sh failed for another reason than $2:"
        cat "$tree/out"
        bad=1
    fi
}

for check in layers banned headers asserts; do
    clean_tree
    sh "$here/check-$check.sh" "$tree" || { echo "check-$check.sh refuses a clean tree"; bad=1; }
    rm -rf "${tree:?}"/*
    sh "$here/check-$check.sh" "$tree" >/dev/null 2>&1 && { echo "check-$check.sh passes an empty tree"; bad=1; }
done

# The installed headers stand in a tree of their own.
installed()
{
    clean_tree
    printf '#ifndef D_H\n#define D_H\n#ifdef __cplusplus\n#define TW_BEGIN_DECLS extern "C" {\n#define TW_END_DECLS }\n#else\n#define TW_BEGIN_DECLS\n#define TW_END_DECLS\n#endif\n#endif\n' >"$tree/base/decls.h"
    printf '#include "base/decls.h"\nTW_BEGIN_DECLS\nint c(void);\nTW_END_DECLS\n' >"$tree/base/b.h"
    rm -rf "$tree/nn" "$tree/base/of_"*
}
installed
sh "$here/check-installed.sh" "$tree" || { echo "check-installed.sh refuses a clean tree"; bad=1; }
for text in 'int no_linkage(void);\n' 'struct keyword { char *class; };\n' '#include "nn/private.h"\n'; do
    installed
    printf '%b' "$text" >"$tree/base/bad.h"
    sh "$here/check-installed.sh" "$tree" 2>&1 | grep -q 'base/bad.h' ||
        { echo "check-installed.sh passed: $text"; bad=1; }
done

breach layers base/up.c '#include "nn/n.h"\n'
breach layers towers/side.c '#include "seqmodel/seqmodel.h"\n'
breach layers towers/peek.c '#include "nn/internal.h"\n'
breach layers towers/part.c '#include "nn/st_internal.h"\n'
breach layers towers/own.c '#include "nn/own.h"\n'
breach layers nn/open.h '#include "nn/own.h"\n'
breach layers tests/unit/own.c '#include "nn/own.h"\n'
breach layers tests/unit/peek.c '#include "nn/internal.h"\n'
breach layers nn/dodge.c '#include "../towers/towers.h"\n'
breach layers nn/short.c '#include "internal.h"\n'
breach layers nn/faiss.c '#include <faiss/c_api/Index_c.h>\n'
breach layers nn/socket.c '#  include <nng/nng.h>\n'
breach layers nn/sql.c '#include <sqlite3.h>\n'
breach layers nn/b.h 'int twice(void);\n'
breach layers nn/more.cpp 'int x;\n'
breach layers nn/kernels/up.c '#include "nn/trainer.h"\n'
breach layers nn/kernels/side.c '#include "nn/tape/tape.h"\n'
breach layers nn/kernels/near.c '#include "nn/blas.hpp"\n'
breach layers index/groups/up.c '#include "store/store.h"\n'
breach layers towers/image/side.c '#include "towers/text/text_words.h"\n'
breach layers cli/plot/up.c '#include "cli/args.h"\n'
breach layers cmake/layers.txt "$(cat "$here/layers.txt")\nnn/gone: base\n"

breach banned nn/heap.c 'void *f(void) { return malloc(1); }\n'
breach banned nn/excuse.c 'void f(void *p) { free(p); } // banned-ok:\n'
breach banned nn/after.c '/* a comment */ void f(void *p) { free (p); }\n'
breach banned nn/quote.c 'int f(char c) { return c == \047"\047 ? atoi("1") : 0; }\n'
breach banned base/text.c 'void f(char *p) { strcpy(p, "x"); }\n'
breach banned nn/talk.c 'void f(void) { printf("x"); }\n'
breach banned base/leave.c 'void f(void) { exit(1); }\n'
breach banned nn/dice.c 'int f(void) { return rand(); }\n'
breach banned towers/env.c 'char *f(void) { return getenv("X"); }\n'
breach banned towers/exec.c 'int f(void) { return execve(0, 0, 0); }\n'
breach banned nn/door.c 'int f(const char *p) { return open(p, 0); }\n'
breach banned tests/nap.c 'void f(void) { usleep(1000); }\n'
breach banned nn/dead.c '#if 0\n#endif\n'
breach banned nn/later.c '/* TODO: later */\n'

breach headers nn/needy.h 'size_t f(void);\n'
breach headers nn/guardless.h 'struct s { int x; };\n'

clean_tree
for name in 'nn/n.c' 'n.c' 'nn/' 'tw_twice' 'nn/*.c'; do
    printf '# nn\n`base/b.h` `%s`\n' "$name" >"$tree/nn/README.md"
    printf 'int tw_twice(void);\n' >"$tree/nn/internal.h"
    sh "$here/check-docs.sh" "$tree" || { echo "check-docs.sh refuses $name"; bad=1; }
done
for name in 'nn/gone.c' 'gone.c' 'nn/gone/' 'tw_gone' 'gone_*.c'; do
    printf '# nn\n`base/b.h` `%s`\n' "$name" >"$tree/nn/README.md"
    sh "$here/check-docs.sh" "$tree" >/dev/null && { echo "check-docs.sh passes $name"; bad=1; }
done
rm -rf "${tree:?}"/*
sh "$here/check-docs.sh" "$tree" >/dev/null && { echo 'check-docs.sh passes an empty tree'; bad=1; }

clean_tree
for folder in $(cd "$tree" && find . -type d -not -path './tests/unit/*'); do printf '# it\n' >"$tree/$folder/README.md"; done
sh "$here/check-readmes.sh" "$tree" || { echo 'check-readmes.sh refuses a tree with all of them'; bad=1; }
rm "$tree/nn/README.md"
sh "$here/check-readmes.sh" "$tree" >/dev/null && { echo 'check-readmes.sh passes a folder without one'; bad=1; }

breach asserts tests/unit/nn/test_mute.c 'static void t(void **state)\n{\n    f("assert_true(1)");\n}\ncmocka_unit_test(t)\n'
breach asserts tests/unit/nn/test_calls.c 'static void h(void)\n{\n}\nstatic void t(void **state)\n{\n    h();\n}\ncmocka_unit_test_setup(t, s)\n'
breach asserts tests/unit/nn/test_skips.c 'static void t(void **state)\n{\n    skip();\n}\ncmocka_unit_test(t)\n'
breach asserts tests/unit/nn/test_macro.c '#define T(x) \\\n    f(x)\nstatic void t(void **state)\n{\n    T(1);\n}\ncmocka_unit_test(t)\n'

# circle EXPECTED B_C: whether two files of one archive, of which b.c holds B_C, are found to use each other.
circle()
{
    rm -rf "${tree:?}"/*
    built=$tree/tests/build # the folders above a build may have any name
    mkdir -p "$built"
    printf 'int b(void);\nint a(void) { return b(); }\nint a_too(void) { return 1; }\n' >"$built/a.c"
    printf '%b' "$2" >"$built/b.c"
    (cd "$built" && ${CC:-cc} -c a.c -o a.c.o && ${CC:-cc} -c b.c -o b.c.o && ar rc libtw_ab.a a.c.o b.c.o) || bad=1
    sh "$here/check-circles.sh" "$built" "$tree" >"$tree/out" 2>&1
    [ $? -eq "$1" ] || { echo "check-circles.sh should end with $1 for: $2"; cat "$tree/out"; bad=1; }
}
circle 0 'int b(void) { return 2; }\n'
circle 1 'int a_too(void);\nint b(void) { return a_too(); }\n'
rm -rf "${tree:?}"/*
sh "$here/check-circles.sh" "$tree" "$tree" >/dev/null 2>&1 && { echo "check-circles.sh passes an empty build"; bad=1; }

[ "$bad" -eq 0 ] && echo "every check passes a clean tree and fails on its breaches"
exit "$bad"
