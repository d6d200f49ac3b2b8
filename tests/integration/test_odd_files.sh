#!/bin/sh
# A pipe, a device, a link or a socket wherever the program is given a file: one sentence, and nobody waits.
#
#     sh tests/integration/test_odd_files.sh PROGRAM
set -u
. "$(dirname "$0")/want.sh"
limit='timeout -s KILL 20' # nothing waits

mkfifo pipe
printf 'id,title,genres\n' >films.csv
for genre in Western Robot; do
    for i in 1 2 3 4 5 6 7 8 9 10; do echo "$genre$i,$genre Story $i,$genre" >>films.csv; done
done
want 'init' 0 'made d' "$program" init d
want 'ingest' 0 '20 new' "$program" ingest d films.csv -q
small='--bits 10 --embed_dim 16 --dim 16 --epochs 2 --batch 16 --activate always'
grep -q -- --activate <<EOF || small='--bits 10 --embed_dim 16 --dim 16 --epochs 2 --batch 16'
$("$program" train towers --help 2>&1)
EOF
# shellcheck disable=SC2086 -- a word each
want 'train' 0 'model 1' "$program" train towers d --from-attribute genres $small -q

# ---- files that must be files

for odd in pipe /dev/zero d; do
    want "an image from $odd" 1 'no regular file' "$program" put --dir d x --image $odd
    want "an audio file from $odd" 1 'no regular file' "$program" put --dir d x --audio $odd
    want "asking with $odd" 1 'no regular file' "$program" similar --dir d --image $odd
    want "keys from $odd" 1 'no regular file' "$program" serve d --listen tcp://127.0.0.1:0 --api-keys $odd
    want "settings from $odd" 2 'no regular file' "$program" train seq d --config $odd -q
    want "words from $odd" 1 "no regular file" "$program" train towers d --vocab $odd --text transformer --from-attribute genres -q
done
mkdir bert
mkfifo bert/modules.json bert/config.json
want 'a model to import' 1 'no regular file' "$program" import minilm d bert

# ---- tables may come through a pipe, and from nothing else

want 'a catalogue through a pipe' 0 '20 there already' sh -c "'$program' ingest d /dev/stdin -q <films.csv"
(cat films.csv >pipe) &
want 'a named one' 0 '20 there already' "$program" ingest d pipe -q
wait
want 'a device' 1 'no regular file' "$program" ingest d /dev/zero -q
want 'nothing' 1 'no regular file' "$program" events d /dev/null -q
want 'pairs from a device' 1 'no regular file' "$program" train towers d --pairs /dev/zero -q
cp films.csv rough.csv
mkfifo rough.csv.rejected
echo ',no id' >>rough.csv
want 'rejected rows into a pipe' 1 'is a pipe' "$program" ingest d rough.csv -q

# ---- what lies in the directory

for f in d/index/*; do
    [ -f "$f" ] || continue
    mv "$f" kept && mkfifo "$f"
    want "a pipe for $f" 0 'Robot' "$program" similar --dir d Robot1
    rm "$f" && mv kept "$f"
done
mv d/models/0001/towers.safetensors kept && mkfifo d/models/0001/towers.safetensors
want 'a pipe for a model' 3 'towers.safetensors' "$program" similar --dir d Robot1
rm d/models/0001/towers.safetensors && mv kept d/models/0001/towers.safetensors
mv d/twindex.db kept && mkfifo d/twindex.db
want 'a pipe for the store' 1 'is not a file' "$program" stats d
rm d/twindex.db && mv kept d/twindex.db
for ext in wal shm journal; do
    rm -f d/twindex.db-$ext
    mkfifo d/twindex.db-$ext
    want "a pipe for the store's $ext" 1 'twindex.db' "$program" put --dir d x --title y
    rm -f d/twindex.db-$ext
done
want 'and all is well again' 0 'Robot' "$program" similar --dir d Robot1

finish
