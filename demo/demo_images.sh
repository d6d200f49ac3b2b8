#!/bin/sh
# make demo-images: the same emoji drawn by two vendors, with the program in build/, nothing prepared.
#
#     [DATA=DIR] sh demo/demo_images.sh     DIR holds the two packages as `npm pack` leaves them
#
# Towers learn from two thirds of the emoji that Google's and Twitter's drawing of one thing belong together;
# the others they meet for the first time when they are asked. Names are given of Google's drawings alone, so words
# find Twitter's by what the towers learnt of looks. Leaves build/demo-images: the data directory,
# its log, sheet.png (a row for each question: what was shown, then what was found) and report.json.
set -eu
export LC_ALL=C.UTF-8

program=${TWINDEX:-build/twindex}
work=build/demo-images
dir=$work/data
log=$work/demo.log

say() { printf '%s\n' "$*"; }
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || step() { printf '\n%s\n' "$*"; }
die() { printf 'demo-images: %s\n' "$*" >&2; exit 1; }

[ -x "$program" ] || die "$program is missing; run make first"
started=$(date +%s)
rm -rf "$work"
mkdir -p "$work"

# ---- data ---------------------------------------------------------------------------------------

version=16.0.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/twindex/emoji
sums="fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438  emoji-datasource-google-$version.tgz
f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877  emoji-datasource-twitter-$version.tgz"

complete() { (cd "$1" 2>/dev/null && printf '%s\n' "$sums" | sha256sum -c --status 2>/dev/null); }

if [ -n "${DATA:-}" ]; then
    from=$DATA source="$DATA"
    complete "$from" || die "'$from' holds not both emoji-datasource-*-$version.tgz"
elif complete "$cache"; then
    from=$cache source="the copy fetched earlier"
else
    command -v npm >/dev/null 2>&1 || die "npm is missing; give the packages with: make demo-images DATA=DIR"
    from=$cache source="npm, checksum verified"
    mkdir -p "$cache"
    say "fetch      emoji-datasource-google and -twitter $version from npm, 136 MB"
    (cd "$cache" && npm pack --silent "emoji-datasource-google@$version" "emoji-datasource-twitter@$version") \
        >>"$log" 2>&1 || die "npm cannot fetch them; see $log"
    complete "$cache" || die "what npm fetched is not what was expected; see $cache"
fi
for vendor in google twitter; do
    tar -xzf "$from/emoji-datasource-$vendor-$version.tgz" -C "$work" --wildcards \
        "package/img/$vendor/64/*.png" package/emoji.json package/LICENSE
done

step "twindex: the same thing drawn by another vendor"
say "data      emoji-datasource $version (MIT; drawings Apache 2.0 and CC BY 4.0) from $source"

# Every third emoji is asked about later: it has no class, so the towers do not learn that its drawings are one thing.
python3 demo/demo_images.py catalogue "$work"
$program init "$dir" >>"$log"
say "ingest    $($program ingest "$dir" "$work/emoji.csv" -q 2>>"$log" | sed 's|^[^ ]*/[^ ]*: ||; 2,$s/^/          /')"

# ---- train, ask ---------------------------------------------------------------------------------

step "1. Siamese towers for images and their names, from what belongs together"
$program train towers "$dir" --classes emoji --groups category --image conv4 --image-size 32 \
    --image-width 32 --text bag --bits 14 --embed-dim 64 --dim 64 --augment photo --strength 0.5 \
    --modality-dropout 0.5 --per-class 2 --batch 256 --grouped 0.3 --epochs "${EPOCHS:-25}" --patience 0

step "2. Ask with drawings that were not learnt from, and with words"
python3 demo/demo_images.py ask "$work" "$program"

python3 demo/demo_images.py report "$work" "$(($(date +%s) - started))"
say "all images   $work/sheet.png"
say "every figure   $work/report.json"
