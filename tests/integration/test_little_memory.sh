#!/bin/sh
# Under a limit of memory every command either does its work or says in one sentence that it cannot: it
# neither hangs nor crashes, whatever the libraries below would.
#
#     sh tests/integration/test_little_memory.sh PROGRAM
set -u
. "$(dirname "$0")/want.sh"
done_with=0

# Sanitizers map terabytes, so that no limit lets them begin.
if (ulimit -v 4000000 && "$program" version) >out 2>&1; then :; else
    echo 'skipped: the program does not begin under a limit of 4 GB'
    exit 0
fi

# at MIB COMMAND...: within 20 s, exit 0, or 1 with one sentence (and perhaps a hint).
at()
{
    mib=$1
    shift
    count=$((count + 1))
    (ulimit -v $((mib * 1024)) && exec timeout -s KILL 20 "$program" "$@") >out 2>err
    got=$?
    [ $got -eq 0 ] && done_with=$((done_with + 1)) && return
    lines=$(grep -vc '^hint:' err)
    if [ $got -ne 1 ] || [ "$lines" -ne 1 ]; then
        failed "at $mib MiB: $*: exit $got, $lines lines:" err
    fi
}

echo 'id,title,genres' >films.csv
: >log.csv
echo 'user,item,timestamp' >log.csv
n=0
for genre in Western Romance Robot; do
    for i in 1 2 3 4 5 6 7 8 9 10; do
        n=$((n + 1))
        echo "f$n,$genre Story $i,\"$genre|Film\"" >>films.csv
    done
done
for u in $(seq 36); do
    for i in 1 2 3 4 5 6; do
        echo "u$u,f$((u % 3 * 10 + (u / 3 + i) % 10 + 1)),$((1000 + i))" >>log.csv
    done
done
towers='--bits 10 --embed_dim 16 --dim 16 --epochs 1 --batch 32 --threads 2'
seq='--user_dim 4 --item-dim 16 --max_len 8 --blocks 1 --batch 16 --epochs 1 --threads 2'
# shellcheck disable=SC2086 -- a word each
("$program" init d && "$program" ingest d films.csv && "$program" events d log.csv &&
    "$program" train towers d --from-attribute genres $towers --activate always &&
    "$program" train seq d $seq --activate always) >out 2>&1 || { cat out; exit 1; }

# The least that the loader itself wants; its own sentence ends in 127.
least=64
while ! (ulimit -v $((least * 1024)) && "$program" version) >out 2>&1; do least=$((least + 8)); done

for more in 0 8 16 32 48 64 96 128 160 200 256 384 512; do
    mib=$((least + more))
    at $mib similar --dir d f1
    at $mib similar --dir d --text robot
    at $mib next --dir d --user u1
    at $mib eval seq d
    at $mib stats --connect tcp://127.0.0.1:1 --timeout 100
    # shellcheck disable=SC2086
    at $mib train towers d --from-attribute genres $towers --activate never -q
    # shellcheck disable=SC2086
    at $mib train seq d $seq --activate never -q
    # Serves for a moment where it can: a file in the place of the socket ends it, with exit 1.
    at $mib serve d --listen ipc://films.csv
done
[ $done_with -ge 12 ] || failed "only $done_with commands had enough; the last:" err

echo "$done_with did their work; from $least MiB on"
finish
