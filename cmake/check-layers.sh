#!/bin/sh
# Upholds cmake/layers.txt on every #include of every C and C++ file, and three laws of the house beside it:
# a folder's private headers are its own, file names are unique in the tree, and C++ is one file.
#
#     sh cmake/check-layers.sh [ROOT]        exit 1 and one line FILE:LINE: reason for each breach
set -eu
export LC_ALL=C
cd "${1:-.}"
law=cmake/layers.txt

files=$(mktemp)
trap 'rm -f "$files"' EXIT
# shellcheck disable=SC2046 -- one word a folder is what is wanted
find $(for d in */; do [ -d "$d" ] && echo "${d%/}"; done | grep -vx -e build -e clients -e docs) \
    -type f \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.cc' -o -name '*.cxx' -o -name '*.hpp' \) |
    sort >"$files"
[ -s "$files" ] || { echo "check-layers: no source file found under $(pwd)"; exit 1; }

# A check that looked at nothing must not pass, so the END block counts.
xargs awk -v law="$law" '
function complain(why) { print FILENAME ":" FNR ": " why; bad = 1 }

# The folder whose own a header is: it is named so, or its opening comment says "Internal to FOLDER/.". "": it is public.
function owner(path,    line, text) {
    if (path in owned) return owned[path]
    owned[path] = ""
    while ((getline line < path) > 0 && line !~ /^#/) {
        sub(/^[ \t]*\**[ \t]*/, "", line)
        text = text line " "
    }
    close(path)
    if (path ~ /[\/_]internal\.h$/ || (path ~ /\.h$/ && text ~ /[Ii]nternal to [a-z]+\//)) {
        owned[path] = path
        sub(/\/.*/, "", owned[path])
    }
    return owned[path]
}

# Its own files, the tests that bear its name, and the benchmarks, which take parts out to measure them.
function own(folder) {
    return FILENAME ~ "^" folder "/" || FILENAME ~ "^bench/" ||
        FILENAME ~ "^tests/(unit/" folder "/|[a-z]+/[a-z]+_" folder "[_.])"
}

# The room whose law holds for a file: the longest folder around it that has a line.
function unit_of(path) {
    while (sub(/\/[^\/]*$/, "", path))
        if (path in known) return path
    return path
}

function allowed(unit, path,    i, entry) {
    if (index(path, unit "/") == 1) return 1
    for (i = 1; i <= entries[unit]; i++) {
        entry = may_be[unit, i]
        if (path == entry || index(path, entry "/") == 1) return 1
        if (entry ~ /\/$/ && index(path, entry) == 1 && substr(path, length(entry) + 1) !~ /\//) return 1
    }
    return 0
}

BEGIN {
    while ((getline line < law) > 0) {
        sub(/#.*/, "", line)
        if (line !~ /:/) continue
        name = line; sub(/:.*/, "", name); gsub(/[ \t]/, "", name)
        rest = line; sub(/[^:]*:/, "", rest)
        known[name] = 1
        if (name ~ /^</) prefix[name] = 1
        n = split(rest, part, " ")
        for (i = 1; i <= n; i++) {
            may[name, part[i]] = 1
            may_be[name, i] = part[i]
        }
        entries[name] = n
    }
}

FNR == 1 {
    folder = FILENAME; sub(/\/.*/, "", folder)
    unit = unit_of(FILENAME)
    met[unit] = 1
    if (!(folder in known)) complain("folder " folder "/ has no line in " law)
    if (FILENAME ~ /\.(cpp|cc|cxx|hpp)$/ && FILENAME != "index/faiss_compat.cpp")
        complain("C++ belongs in index/faiss_compat.cpp only")
    base = FILENAME; sub(/.*\//, "", base)
    if (base != "internal.h") {
        if (base in seen) complain("the name is taken by " seen[base] "; file names are unique")
        seen[base] = FILENAME
    }
    count++
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    path = $0; sub(/^[^"]*"/, "", path); sub(/".*/, "", path)
    if (path !~ /\// || path ~ /^\.\.?\// || path ~ /\/\.\.?\//) {
        complain("include \"" path "\": give the path from the root, as in \"base/error.h\"")
        next
    }
    target = path; sub(/\/.*/, "", target)
    if (!(target in known)) complain("include \"" path "\": no folder " target "/ in " law)
    else if (!allowed(unit, path))
        complain(unit "/ may not include \"" path "\" (" law ")")
    if (owner(path) != "" && !own(target))
        complain("\"" path "\" belongs to " target "/ alone")
    else if (owner(path) != "" && FILENAME ~ /\.h$/ && FILENAME !~ /^tests\// && owner(FILENAME) == "")
        complain("a public header may not include \"" path "\", which belongs to " target "/ alone")
}

/^[ \t]*#[ \t]*include[ \t]*</ {
    path = $0; sub(/^[^<]*/, "", path)
    for (p in prefix)
        if (index(path, p) == 1 && !((p, folder) in may)) complain(folder "/ may not include " path)
}

END {
    if (!count) { print "check-layers: nothing was read"; bad = 1 }
    for (name in known)
        if (name ~ /\// && name !~ /^</ && !(name in met)) {
            print law ": " name "/ has a line, but no file"
            bad = 1
        }
    exit bad
}
' <"$files"
