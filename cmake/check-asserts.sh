#!/bin/sh
# Every test asserts something: each function that a file below tests/ gives to cmocka calls an assert_... or fail...,
# or a function or macro that does, of the same file or of a helper's.
#
#     sh cmake/check-asserts.sh [ROOT]        exit 1 and one line FILE: NAME for each test without
set -eu
export LC_ALL=C
cd "${1:-.}"

files=$(find tests -name '*.[ch]' 2>/dev/null | sort)
[ -n "$files" ] || { echo "check-asserts: no test file found under $(pwd)"; exit 1; }

# shellcheck disable=SC2086 -- a list of words
awk '
# What a body uses, as words of "scope SUBSEP name"; the scope of a helper is empty, so that all files see it.
function open_body(name) { within = scope SUBSEP name; uses[within] = uses[within] " " }
function add(line) {
    gsub(/"([^"\\]|\\.)*"|\/\/.*|\/\*.*\*\//, "", line)
    if (line ~ /(^|[^A-Za-z0-9_])(assert[a-z0-9_]*|_?fail(_msg)?)[ \t]*\(/) asserts[within] = 1
    gsub(/[^A-Za-z0-9_]+/, " ", line)
    uses[within] = uses[within] line " "
}

FNR == 1 {
    scope = FILENAME ~ /\/(test|prop|oom|crash|fuzz)_[^\/]*\.c$/ ? FILENAME : ""
    within = macro = ""
}

# Tests, wherever they are listed.
{
    line = $0
    while (match(line, /(cmocka_unit_test[a-z_]*|TEST)\([a-z][A-Za-z0-9_]*/)) {
        name = substr(line, RSTART, RLENGTH)
        sub(/.*\(/, "", name)
        tests[FILENAME SUBSEP name] = 1
        line = substr(line, RSTART + RLENGTH)
    }
}

/^#define [A-Za-z_0-9]+\(/ {
    name = $2
    sub(/\(.*/, "", name)
    open_body(name)
    macro = 1
}
macro {
    add($0)
    if ($0 !~ /\\$/) macro = within = ""
    next
}

# clang-format puts the brace of a function alone on its line, behind a signature that begins in the first column.
/^[A-Za-z].*\(/ { signature = $0 }
/^\{$/ {
    sub(/\(.*/, "", signature)
    n = split(signature, word, /[^A-Za-z0-9_]+/)
    open_body(word[n])
    next
}
/^\}/ { within = "" }
within != "" { add($0) }

END {
    do {
        grown = 0
        for (body in uses) {
            if (body in asserts) continue
            split(body, part, SUBSEP)
            n = split(uses[body], word, " ")
            for (i = 1; i <= n; i++)
                if (((part[1] SUBSEP word[i]) in asserts) || (("" SUBSEP word[i]) in asserts)) {
                    asserts[body] = grown = 1
                    break
                }
        }
    } while (grown)
    for (test in tests) {
        split(test, part, SUBSEP)
        if (!(test in uses)) continue # a parameter of a macro, or of another file
        count++
        if (!(test in asserts)) { print part[1] ": " part[2] " asserts nothing"; bad = 1 }
    }
    if (!count) { print "check-asserts: no test was found"; bad = 1 }
    exit bad
}' $files
