#!/bin/sh
# After `make demo`: is what it promised true?
#
#     sh tests/demo_check.sh [OUT]    from the root of the tree; exit 1 and a sentence for each thing that is not
#
# OUT is what the demo printed: the README shows it, so the two must agree (demo/demo_readme.py).
set -u
work=build/demo
program=build/twindex
bad=0
complain() { echo "demo_check: $*"; bad=1; }

[ -s $work/report.json ] || { complain "$work/report.json is missing"; exit 1; }
python3 - $work/report.json <<'PY' || bad=1
import json, sys
r = json.load(open(sys.argv[1]))
bad = []
ratio = r["seq"]["ndcg_at_10"] / r["popularity"]["ndcg_at_10"]
if ratio < 2.5:
    bad.append(f"SSE-PT's NDCG@10 is {ratio:.2f} times popularity's, less than 2.5")
if r["towers"]["ndcg_at_10"] <= max(r["towers_untrained"]["ndcg_at_10"], r["towers_popularity"]["ndcg_at_10"]):
    bad.append("the towers do not beat their baselines")
similar = r["answers"]["similar"]
if similar["query"]["title"] != "Toy Story (1995)" or len(similar["results"]) != 5:
    bad.append("similar did not find five films for Toy Story")
if any(x["id"] == similar["query"]["id"] for x in similar["results"]):
    bad.append("a film is similar to itself")
if len(r["answers"]["next"]["results"]) != 10 or r["answers"]["next"]["basis"] != "user":
    bad.append("next did not give ten films for a known user")
if r["answers"]["history"]["basis"] != "history":
    bad.append("a bare history was not taken as an unknown user")
if r["answers"]["put"]["results"][0]["id"] != "9001":
    bad.append("the film that was put is not found first")
for sentence in bad:
    print("demo_check:", sentence)
sys.exit(bool(bad))
PY

# What the README shows of it. Baselines are counted: any machine finds the same.
[ $# -eq 0 ] || python3 demo/demo_readme.py "$1" || bad=1
$program eval seq $work/data -q >$work/check.eval
for baseline in 'item-kNN NDCG@10' Markov; do
    figure=$(awk -v name="${baseline%% *}" '$1 == name && !found++ { printf "%.3f", $3 }' $work/check.eval)
    grep '^| next film |' README.md | grep -q "$baseline $figure" || complain "README does not give $baseline $figure"
done

# The same question over the wire and over the directory.
$program serve $work/data --listen tcp://127.0.0.1:0 --url-file $work/check.url >$work/check.log 2>&1 &
server=$!
for _ in $(seq 200); do
    [ -s $work/check.url ] && break
    sleep 0.05
done
$program similar --dir $work/data "Toy Story (1995)" -k 5 --json >$work/check.a
$program similar --connect "$(cat $work/check.url)" "Toy Story (1995)" -k 5 --json >$work/check.b
cmp -s $work/check.a $work/check.b || complain "the answer over the wire differs"
kill $server
wait $server || complain "the server did not end well"
$program similar --dir $work/data "Toy Stroy (1995)" >$work/check.out 2>&1 && complain "a wrong title was found"
grep -q "'1' (Toy Story (1995))" $work/check.out || complain "a wrong title does not say which are near"
$program check $work/data >/dev/null || complain "the demo's directory is not valid"
[ $bad -eq 0 ] && echo "demo_check: all true"
exit $bad
