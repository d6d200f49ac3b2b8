#!/bin/sh
# make demo-audio: which drums sound alike? Towers that hear, on the drum kits of Debian's hydrogen-drumkits.
#
#     [DATA=DIR] sh demo/demo_audio.sh       DIR holds one folder a kit, each with its drumkit.xml
#
# Trains on ten kits and asks with three that it never heard. Leaves build/demo-audio: the data directory,
# its log, and report.json with every figure shown.
set -eu
export LC_ALL=C.UTF-8

program=${TWINDEX:-build/twindex}
work=build/demo-audio
dir=$work/data
log=$work/demo.log
package=hydrogen-drumkits
installed=/usr/share/hydrogen/data/drumkits
cache=${XDG_CACHE_HOME:-$HOME/.cache}/twindex/drumkits

say() { printf '%s\n' "$*"; }
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || step() { printf '\n%s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

[ -x "$program" ] || die "$program is missing; run make first"
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
started=$(date +%s)
rm -rf "$work"
mkdir -p "$work"

# ---- data ---------------------------------------------------------------------------------------

# The package is unpacked, not installed: that takes no root.
fetch()
{
    [ -d "$cache$installed" ] && return
    command -v apt-get >/dev/null 2>&1 || die "no apt-get here: unpack Debian's $package and give DATA=DIR"
    mkdir -p "$cache"
    fresh=$(mktemp -d "$cache/XXXXXX")
    (cd "$fresh" && apt-get -q download "$package") >>"$log" 2>&1 ||
        { [ "$(id -u)" -eq 0 ] && apt-get -q update >>"$log" 2>&1 &&
            (cd "$fresh" && apt-get -q download "$package") >>"$log" 2>&1; } ||
        { rm -rf "$fresh"; die "$package cannot be fetched (see $log); give a copy with DATA=DIR"; }
    dpkg-deb -x "$fresh/$package"_*.deb "$fresh/root"
    mv "$fresh/root/usr" "$cache/"
    rm -rf "$fresh"
}

if [ -n "${DATA:-}" ]; then
    kits=$DATA
elif [ -d "$installed" ]; then
    kits=$installed
else
    fetch
    kits=$cache$installed
fi

# What a sound is called in its kit says what it is: "Sabian Hat Closed" -> closed hat. Sorts that stand in fewer
# than four kits are left out. Of an instrument recorded at several strengths the hardest stroke is taken: the others
# are so like it that finding them proves nothing.
found=$(python3 - "$kits" "$work" <<'PY'
import collections, csv, glob, html, itertools, json, os, re, sys

kits, work = os.path.abspath(sys.argv[1]), sys.argv[2]
NEW = ("Audiophob", "The Black Pearl 1.0", "VariBreaks")  # never heard in training
SORTS = (  # the first that fits
    ("clap", "clap"), ("stick", r"stick|rim ?click|\bclick"), ("cowbell", "cow ?bell"),
    ("ride bell", r"ride[ -](bell|cup)|paiste bell"), ("kick", r"kick|bass ?drum"),
    ("snare", r"snare(?!.*roll)"), ("pedal hat", r"(hat|hh|hi-hat).*(pedal|pd)|pedal hh"),
    ("open hat", r"(?<!semi)(?<!semi-)(open|op\b).*hh|hat.*(?<!semi)(?<!semi-)(open|\bop\b)|ohh"),
    ("closed hat", r"closed.*hh|h(at|h).*(closed|\bcl\b)"), ("tom", r"\btom|tomhi"),
    ("crash", r"crash"), ("ride", r"\bride(?!.*crash)"),
)

found = []
for path in sorted(glob.glob(os.path.join(kits, "*", "drumkit.xml"))):
    kit = os.path.basename(os.path.dirname(path))
    text = open(path, encoding="utf-8", errors="replace").read()
    for instrument in re.findall(r"<instrument>(.*?)</instrument>", text, re.S):
        name = html.unescape((re.findall(r"<name>(.*?)</name>", instrument) or [""])[0])
        name = re.sub(r" *\(.*\)|^[a-g]#?\d - ", "", name).strip()
        sort = next((s for s, words in SORTS if re.search(words, name.lower())), None)
        files = [html.unescape(f) for f in re.findall(r"<filename>(.*?)</filename>", instrument)]
        audio = os.path.join(os.path.dirname(path), files[-1]) if files else ""
        if sort and os.path.isfile(audio):
            found.append({"id": f"{kit}/{files[-1]}", "title": f"{name} ({kit})", "audio": audio,
                          "sort": sort, "kit": kit})

where = collections.defaultdict(set)
for item in found:
    where[item["sort"]].add(item["kit"])
found = list({i["id"]: i for i in found if len(where[i["sort"]]) >= 4}.values())
for name, part in (("known", False), ("new", True)):
    with open(f"{work}/{name}.jsonl", "w") as out:
        for item in found:
            if (item["kit"] in NEW) == part:
                out.write(json.dumps(item) + "\n")
with open(work + "/same.csv", "w", newline="") as out:
    rows = csv.writer(out)
    rows.writerow(("a", "b", "label"))
    known = [i for i in found if i["kit"] not in NEW]
    rows.writerows((a["id"], b["id"], 1) for a, b in itertools.combinations(known, 2) if a["sort"] == b["sort"])
json.dump({i["id"]: [i["sort"], i["kit"]] for i in found}, open(work + "/labels.json", "w"))
count = lambda key, part: len({i[key] for i in found if (i["kit"] in NEW) == part})
print(f"data      {len(found)} drum sounds of {count('sort', False)} sorts; {count('kit', False)} kits to learn from, "
      f"{count('kit', True)} kept for later")
PY
)

# From the vectors that twindex embed wrote: the share of new sounds whose nearest known sound is of the same sort.
cat >"$work/measure.py" <<'PY'
import collections, json, sys
work, name = sys.argv[1], sys.argv[2]
labels = json.load(open(work + "/labels.json"))
new = {json.loads(line)["id"] for line in open(work + "/new.jsonl")}
vec = {v["id"]: v["vector"] for v in map(json.loads, open(f"{work}/{name}.jsonl"))}
known = [i for i in vec if i not in new]
asked, found = collections.Counter(), collections.Counter()
for i in sorted(new & vec.keys()):
    nearest = max(known, key=lambda k: sum(a * b for a, b in zip(vec[i], vec[k])))
    asked[labels[i][0]] += 1
    found[labels[i][0]] += labels[nearest][0] == labels[i][0]
share = collections.Counter(labels[k][0] for k in known)
n = sum(asked.values())
json.dump({"r_at_1": 100 * sum(found.values()) / n, "asked": n, "known": len(known),
           "chance": 100 * sum(asked[s] * share[s] for s in asked) / n / len(known),
           "sorts": {s: [found[s], asked[s]] for s in asked}}, open(f"{work}/{name}.json", "w"))
PY

step "twindex: which drums sound alike?"
say "$found"

# ---- load, train --------------------------------------------------------------------------------

# Sound alone: the names are for us to read. Of the front ends panns hears up to 14 kHz, where cymbals are.
hear="--text none --attributes none --audio cnn --audio_front panns --audio_seconds 1 --audio_width 16"
# All pairs of one sort are known to be alike, so the rest of a batch is not. Tuning tells drums apart: disturb it little.
learn="--temperature 0.05 --batch 16 --lr 0.006 --strength 0.4 --epochs 6 --patience 0"

load() { "$program" ingest "$@" -q 2>>"$log" | sed 's|^[^ ]*/[^ ]*: ||; 2,$s/^/          /'; }
# shellcheck disable=SC2086 -- lists of words
train() { "$program" train towers "$1" --pairs "$work/same.csv" $hear $2 -q; }
measure()
{
    "$program" embed "$1" --all --out "$work/$2.jsonl" >>"$log"
    python3 "$work/measure.py" "$work" "$2"
}

# What a tower hears that has learnt nothing, as the figure to beat.
"$program" init "$work/untrained" >>"$log"
load "$work/untrained" "$work/known.jsonl" "$work/new.jsonl" >>"$log"
train "$work/untrained" "--epochs 0" >>"$log"
measure "$work/untrained" untrained

step "1. What makes a snare a snare, whatever kit it is from?"
"$program" init "$dir" >>"$log"
say "ingest    $(load "$dir" "$work/known.jsonl")"
train "$dir" "$learn"

# ---- kits that it never heard -------------------------------------------------------------------

step "2. Kits that it never heard"
say "\$ twindex similar $dir --audio FILE -k 4        (a file that is in no catalogue)"
python3 - "$work" <<'PY' >"$work/asked"
import json, sys
seen = set()
for line in open(sys.argv[1] + "/new.jsonl"):
    item = json.loads(line)
    if item["kit"].startswith("The Black") and item["sort"] in ("kick", "snare", "ride") and item["sort"] not in seen:
        seen.add(item["sort"])
        print(item["title"], item["audio"], sep="\t")
PY
while IFS="$(printf '\t')" read -r title audio; do
    say
    say "$title: $(basename "$audio")"
    "$program" similar "$dir" --audio "$audio" -k 4 | sed -n '2,$p'
done <"$work/asked"

step "3. How often is the nearest sound of the same sort?"
say "ingest    $(load "$dir" "$work/new.jsonl"), found at once"
measure "$dir" trained

seconds=$(($(date +%s) - started))
python3 - "$work" "$seconds" <<'PY'
import glob, json, sys
work, seconds = sys.argv[1], int(sys.argv[2])
load = lambda path: json.load(open(path))
trained, untrained = load(work + "/trained.json"), load(work + "/untrained.json")
training = load(sorted(glob.glob(work + "/data/models/*/towers.report.json"))[-1])
rows = sorted(trained["sorts"].items(), key=lambda row: -row[1][1])
print(f"  {'':<12}{'asked':>7}{'untrained':>11}{'trained':>9}")
for sort, (found, asked) in rows:
    print(f"  {sort:<12}{asked:>7}{untrained['sorts'][sort][0]:>11}{found:>9}")
print(f"  {'R@1':<12}{trained['asked']:>7}{untrained['r_at_1']:>10.0f}%{trained['r_at_1']:>8.0f}%"
      f"   (by chance {trained['chance']:.0f} %)")
json.dump({"r_at_1": trained["r_at_1"], "untrained": untrained["r_at_1"], "chance": trained["chance"],
           "trained": trained, "before": untrained, "training": training, "seconds": seconds,
           "command": "make demo-audio"}, open(work + "/report.json", "w"), indent=2)
print(f"\nOf kits that it never heard, {trained['r_at_1']:.0f} % of the sounds meet their own sort first; "
      f"untrained it is {untrained['r_at_1']:.0f} %. {seconds} s in all.")
PY
say "every figure   $work/report.json"
say "look further   build/twindex similar $dir --audio YOUR.wav"
