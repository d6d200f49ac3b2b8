#!/bin/sh
# Trains towers from scratch on published data and measures them by its protocol.
#
#     bench/quality/tower_quality.sh NAME DATA_DIR OUT.json [KEY=VALUE...]
#
# NAME is omniglot, fsdd, fsdd-loso, fashion-mnist, stsb, stsb-minilm, abt-buy, abt-buy-retrieval or grocery;
# DATA_DIR the folder of its files as they are published (or one above it: omniglot, fsdd, stsb, product-pairs,
# grocery). Archives in it are unpacked into a temporary folder. Settings are bench/presets/towers-NAME.json, then
# KEY=VALUE; validate=1 measures on held-out training data, for choosing them. stsb-minilm wants the
# sentence-transformers folder of all-MiniLM-L6-v2 as DATA_DIR/minilm or minilm=DIR.
#
# OUT.json gets metric, value, baseline, baseline_is, seed, command, seconds, data_sha256 and more; OUT.json.log has a
# line an epoch.
set -eu
export LC_ALL=C

usage() { echo "usage: bench/quality/tower_quality.sh NAME DATA_DIR OUT.json [KEY=VALUE...]" >&2; exit 2; }
fail() { echo "tower_quality: $*" >&2; exit 1; }
[ $# -ge 3 ] || usage
command="bench/quality/tower_quality.sh $*"
name=$1 data=$2 out=$3
shift 3
root=$(cd "$(dirname "$0")/../.." && pwd)

case $name in
omniglot | stsb | grocery) folder=$name ;;
fsdd | fsdd-loso) folder=fsdd ;;
stsb-minilm) folder=stsb ;;
abt-buy | abt-buy-retrieval) folder=product-pairs ;;
fashion-mnist) folder=fashion-mnist ;;
*) usage ;;
esac
[ -d "$data" ] || fail "there is no folder '$data'"
[ ! -d "$data/$folder" ] || data=$data/$folder

preset=$root/bench/presets/towers-$name.json
[ -r "$preset" ] || fail "there is no preset '$preset'"

program=${TOWER_QUALITY:-$root/build/bench/tower_quality}
if [ ! -x "$program" ]; then
    [ -f "$root/build/build.ninja" ] || cmake --preset default -S "$root" >&2
    cmake --build "$root/build" --target tower_quality >&2
fi

# What the program reads: the files themselves, and what is in archives or in another alphabet.
work=$(mktemp -d "${TMPDIR:-/tmp}/tower-quality.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
unpack() { # unpack ARCHIVE FOLDER
    mkdir -p "$2"
    if command -v unzip >/dev/null; then unzip -q -o "$1" -d "$2"; else python3 -m zipfile -e "$1" "$2"; fi
}
data=$(cd "$data" && pwd)
for at in "$data"/*; do
    ln -s "$at" "$work/"
done
case $name in
omniglot)
    [ -d "$data/images_background" ] || unpack "$data/images_background.zip" "$work"
    [ -d "$data/all_runs" ] || unpack "$data/all_runs.zip" "$work/all_runs"
    ;;
grocery)
    for at in "$data"/*.zip; do
        [ ! -f "$at" ] || unpack "$at" "$work"
    done
    ;;
abt-buy-retrieval) # the tables are ISO-8859-1
    rm "$work/abt-buy-tables"
    mkdir "$work/abt-buy-tables"
    for at in "$data"/abt-buy-tables/*.csv; do
        iconv -f ISO-8859-1 -t UTF-8 "$at" >"$work/abt-buy-tables/$(basename "$at")"
    done
    ;;
esac

"$program" "$name" "$work" config="$preset" "$@" >"$out.part" 2>"$out.log" || {
    tail -n 3 "$out.log" >&2
    fail "the run failed; $out.log has its lines"
}

# The report's first line is its opening brace: what is known only here comes behind it. The hash is that of the
# list of the published files' hashes, in the order of their names.
quoted() { printf '%s' "$1" | sed 's/[\\"]/\\&/g' | tr '\n\t' '  '; }
sum=$(cd "$data" && find . -type f ! -path './minilm/*' | sort | xargs -d '\n' sha256sum | sha256sum | cut -d ' ' -f 1)
{
    printf '{\n  "command": "%s",\n' "$(quoted "$command")"
    printf '  "data_sha256": "%s",\n' "$sum"
    sed 1d "$out.part"
} >"$out.whole"
mv "$out.whole" "$out"
rm -f "$out.part"
echo "tower_quality: wrote $out" >&2
