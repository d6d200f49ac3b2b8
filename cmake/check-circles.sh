#!/bin/sh
# No two files of the product use each other, not even by way of others: asked of the object files, because an
# #include says who may and not who does. The program's folders must have been built.
#
#     sh cmake/check-circles.sh BUILD [ROOT]     exit 1, and for each circle the files that it goes through
set -eu
export LC_ALL=C
build=${1:?usage: check-circles.sh BUILD [ROOT]}
cd "${2:-.}"

pairs=$(mktemp)
trap 'rm -f "$pairs"' EXIT

# The reader of ingest is one thing in two files: cells are read into rows, and JSON is read into cells.
allowed='ingest_cells.c ingest_json.c'

# Names of files are unique in the tree. The second build of a folder, in double, says the same as the first. The
# program's own objects are in no archive, and those of files that are gone may still lie about.
archives=$(find "$build" -name 'libtw_*.a' ! -name '*64.a' ! -path "$build/tests/*" | sort)
[ -n "$archives" ] || { echo "check-circles: nothing was built in $build"; exit 1; }
objects=$(find "$build" -path '*/twindex.dir/*.c.o' | while read -r object; do
    source=cli/${object##*/twindex.dir/}
    [ ! -f "${source%.o}" ] || echo "$object"
done)
# shellcheck disable=SC2086 -- a list of words
nm -A -g $archives $objects 2>/dev/null | awk -v allowed="$allowed" '
NF >= 3 {
    n = split($1, part, ":")
    file = n > 1 && part[2] != "" ? part[2] : part[1]
    sub(/.*\//, "", file)
    sub(/\.o$/, "", file)
    kind = $(NF - 1)
    if (kind ~ /^[TDBRVW]$/) home[$NF] = file
    else if (kind == "U") { used++; by[used] = file; what[used] = $NF }
}
END {
    split(allowed, one, " ")
    for (i = 1; i <= used; i++) {
        to = home[what[i]]
        if (to == "" || to == by[i] || seen[by[i], to]++) continue
        if (by[i] == one[1] && to == one[2]) continue
        print by[i], to
        count++
    }
    if (!count) exit 1
}' >"$pairs" || { echo "check-circles: no file uses another in $build"; exit 1; }

tsort "$pairs" >/dev/null 2>"$pairs.loops" || true
bad=0
if [ -s "$pairs.loops" ]; then
    bad=1
    sed 's/^tsort: [^:]*: input contains a loop:/a circle of files that use each other:/; s/^tsort: /    /' "$pairs.loops"
fi
rm -f "$pairs.loops"
exit "$bad"
