#!/bin/sh
# What the documents name exists: in README.md files and docs/*.md, each `file.c` (and .h, .cpp, .proto, .sh, .py, .cmake), each
# `folder/` of the tree and each `tw_function` in backquotes. A file may be named without its folder, since names are
# unique; a star stands for some letters. docs/experiments/ is not looked at: its notes are records of their day.
#
#     sh cmake/check-docs.sh [ROOT]        exit 1 and one line FILE:LINE: reason for each name that leads nowhere
set -eu
export LC_ALL=C
cd "${1:-.}"

names=$(mktemp)
trap 'rm -f "$names"' EXIT
find . -name .git -prune -o -path ./build -prune -o \( -type f -o -type d \) -print | sed 's|^\./||' >"$names"
find . -name .git -prune -o -path ./build -prune -o -type f \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.proto' -o -name '*.cmake' -o -name CMakeLists.txt \) -print |
    xargs -r grep -oh '\<twi\{0,1\}_[a-z0-9_]*' | sort -u | sed 's/^/=/' >>"$names"

documents=$(find . -name .git -prune -o -path ./build -prune -o -name README.md -print -o -path './docs/*.md' ! -path './docs/*/*' -print |
    sed 's|^\./||' | sort -u)
[ -n "$documents" ] || { echo "check-docs: no document found under $(pwd)"; exit 1; }
# shellcheck disable=SC2086 -- a list of words
awk -v names="$names" '
function found(name, here,    i, pattern) {
    if (name in there || (here name) in there) return 1
    while (name ~ /^\.\.\//) {
        sub(/^\.\.\//, "", name)
        sub(/[^\/]+\/$/, "", here)
        if ((here name) in there) return 1
    }
    if (name !~ /\//) {
        if (name in last) return 1
    } else for (i in there)
        if (length(i) > length(name) && substr(i, length(i) - length(name)) == "/" name) return 1
    if (name !~ /\*/) return 0
    pattern = name
    gsub(/\./, "\\.", pattern)
    gsub(/\*/, "[a-z0-9_.]*", pattern)
    for (i in there)
        if (i ~ ("(^|/)" pattern "$")) return 1
    for (i in known)
        if (i ~ ("^" pattern "$")) return 1
    return 0
}
BEGIN {
    while ((getline line < names) > 0)
        if (line ~ /^=/) known[substr(line, 2)] = 1
        else {
            there[line] = 1
            top = line; sub(/\/.*/, "", top); tops[top] = 1
            sub(/.*\//, "", line); last[line] = 1
        }
}
FNR == 1 { code = 0; here = FILENAME; sub(/[^\/]*$/, "", here) }
/^ *```/ { code = !code }
!code {
    rest = $0
    while (match(rest, /`[^`]+`/)) {
        name = substr(rest, RSTART + 1, RLENGTH - 2)
        rest = substr(rest, RSTART + RLENGTH)
        sub(/\(.*/, "", name)
        what = ""
        if (name ~ /^[a-z0-9_.*\/-]+\.([ch]|cpp|proto|sh|py|cmake)$/ && name !~ /^\*/) what = "file"
        else if (name ~ /^[a-z_]+(\/[a-z_]+)*\/$/) {
            top = name; sub(/\/.*/, "", top)
            if (!(top in tops) && !((here top) in there)) continue
            sub(/\/$/, "", name)
            what = "folder"
        } else if (name ~ /^twi?_[a-z0-9_*]+$/) what = "function or type"
        if (what == "") continue
        looked++
        if (what ~ /^function/ && name in known) continue
        if (!found(name, here)) {
            print FILENAME ":" FNR ": there is no " what " `" name "`"
            bad = 1
        }
    }
}
END {
    if (!looked) { print "check-docs: no document names a file"; bad = 1 }
    exit bad
}' $documents || exit 1
