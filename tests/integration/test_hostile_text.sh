#!/bin/sh
# A catalogue whose ids, titles, attributes and users hold what steers a terminal: escape sequences, C1,
# bidirectional overrides, line ends. Nothing of it may reach a terminal as it is, from any subcommand, over
# a directory or the wire; and JSON stays JSON.
#
#     sh tests/integration/test_hostile_text.sh PROGRAM
set -u
. "$(dirname "$0")/want.sh"

# Control characters but line ends and tabs, C1, what turns or hides text.
raw=$(printf '[\001-\010\013-\037\177]|\302[\200-\237]|\342\200[\213\216\217\250-\256]|\342\201[\240-\257]|\330\234|\357\273\277')

# clean NAME COMMAND...: whatever the exit status, both streams are free of them.
clean()
{
    name=$1
    shift
    count=$((count + 1))
    "$@" >out 2>&1 </dev/null
    if LC_ALL=C grep -aqE "$raw" out || LC_ALL=C grep -aq "^FORGED" out; then
        LC_ALL=C grep -aE "$raw|^FORGED" out | head -3 | od -c | head -12 >steers
        failed "$name prints what steers a terminal:" steers
    fi
    [ -s out ] || echo "note: $name printed nothing"
}

evil='\u001b[31m\u009b2J\u202egnp.\u2066x\u200f\nFORGED line\r\ufeff'
: >items.jsonl
: >events.jsonl
n=0
for word in Western Romance Robot; do
    for i in 1 2 3 4 5 6 7 8; do
        n=$((n + 1))
        printf '%s\n' "{\"id\":\"i$n\",\"title\":\"$word ${evil} story $i\",\"genres\":[\"$word\",\"${evil}g$word\"],\"maker\":\"${evil}\"}" >>items.jsonl
    done
done
printf '%s\n' "{\"id\":\"odd\u202eid\",\"title\":\"odd\",\"genres\":[\"Robot\"]}" >>items.jsonl
for u in $(seq 30); do
    for k in 1 2 3 4 5 6; do
        printf '%s\n' "{\"user\":\"u$u\",\"item\":\"i$(((u + k * (u % 3 + 1)) % 24 + 1))\",\"timestamp\":$((1000 + k))}" >>events.jsonl
    done
done
esc=$(printf 'x\033[2J\302\233\342\200\256\nFORGED\tend')

clean init "$program" init shop
clean ingest "$program" ingest shop items.jsonl
says ingest 25
clean events "$program" events shop events.jsonl
clean "train towers" "$program" train towers shop --epochs 2 --threads 1 --min-count 1 --activate always
clean "train seq" "$program" train seq shop --epochs 2 --threads 1 --activate always
clean stats "$program" stats --dir shop
clean similar "$program" similar --dir shop i1
says similar '\\x1b\[31m'
says similar '\\u202e'
clean "similar json" "$program" similar --dir shop --json i1
says "similar json" '\\u001b'
clean next "$program" next --dir shop --user u1
clean get "$program" get --dir shop i1
says get '\\u202e'
clean "get json" "$program" get --dir shop i1 --json
clean "get unknown" "$program" get --dir shop "$esc"
clean "similar unknown" "$program" similar --dir shop "$esc"
clean "similar text" "$program" similar --dir shop --text "$esc"
clean "next unknown" "$program" next --dir shop --user "$esc"
clean put "$program" put --dir shop "p$esc" --title "$esc" --attributes '{"a":"\u009b"}'
clean "put bad attributes" "$program" put --dir shop p2 --title t --attributes "{\"$esc"
clean record "$program" record --dir shop u1 "$esc"
clean delete "$program" delete --dir shop "$esc"
clean embed "$program" embed --dir shop i1
clean pairs "$program" pairs --dir shop i1 i2
clean cluster "$program" cluster shop -k 3
clean "cluster json" "$program" cluster shop -k 3 --json
clean attention "$program" attention shop --user "$esc"
clean "attention of a directory" "$program" attention shop --user u1
clean models "$program" models shop
clean "eval seq" "$program" eval seq shop
clean "eval towers" "$program" eval towers shop
clean check "$program" check shop
clean "unknown command" "$program" "$esc"
clean "unknown flag" "$program" similar "--$esc"
clean "bad value" "$program" similar --dir shop -k "$esc" i1
clean "unknown directory" "$program" stats --dir "$esc"
clean "unknown file" "$program" ingest shop "$esc"
clean "unknown folder" "$program" import minilm shop "$esc"
clean "unknown url" "$program" stats --connect "$esc"
clean "unknown setting" "$program" train towers shop --config "$esc"
printf 'id,title,%s\n1,a\n' "$esc" >bad.csv
clean "bad columns" "$program" ingest shop bad.csv
printf '{"id":"b1","title":"\033[1mx"\n' >bad.jsonl
clean "bad lines" "$program" ingest shop bad.jsonl
clean plot "$program" plot log shop --out "$esc.svg"

serve shop --listen "ipc://$work/socket"
for how in "similar i1" "next --user=u1" "get i1" "embed i1"; do
    set -- $how
    clean "$how over the wire" "$program" "$1" --connect "$url" "$2"
    clean "$1 of nothing over the wire" "$program" "$1" --connect "$url" "${2%[iu]1}$esc"
done
clean "put over the wire" "$program" put --connect "$url" "q$esc" --title "$esc"
clean "record over the wire" "$program" record --connect "$url" u1 "$esc"
stop
clean "the server's log" cat serve.log

finish
