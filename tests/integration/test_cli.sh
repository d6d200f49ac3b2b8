#!/bin/sh
# The program as a user types it: every subcommand, good and bad input, over a directory and over the wire.
#
#     sh tests/integration/test_cli.sh PROGRAM
set -u
. "$(dirname "$0")/want.sh"

make_files()
{
    echo 'id,title,genres' >films.csv
    : >log.txt
    n=0
    for genre in Western Romance Robot; do
        for i in 1 2 3 4 5 6 7 8 9 10; do
            n=$((n + 1))
            echo "f$n,$genre Story $i,\"$genre|Film\"" >>films.csv
        done
    done
    echo 'user,item,timestamp' >log.csv
    for u in $(seq 36); do
        for i in 1 2 3 4 5 6; do
            echo "u$u,f$((u % 3 * 10 + (u / 3 + i) % 10 + 1)),$((1000 + i))" >>log.csv
        done
    done
}
make_files

want 'no command prints help and fails' 2 'Usage: twindex COMMAND' "$program"
want 'help' 0 'similar' "$program" --help
want 'version' 0 '^twindex [0-9]' "$program" --version
one_line 'unknown command' 2 "unknown command 'frob'" "$program" frob
one_line 'a command misspelt' 2 "'simlar'; did you mean similar?" "$program" simlar
one_line 'a flag misspelt' 2 "'--jsno'; did you mean --json?" "$program" stats --jsno
one_line 'what to measure misspelt' 2 "what to eval is 'sec'; did you mean seq?" "$program" eval sec d
one_line 'what to train not said' 2 'say what to train: towers or seq' "$program" train
want 'each kind has its help' 0 'twindex eval index DIR' "$program" eval index --help
want 'the kinds are listed' 0 'twindex eval towers  *the towers that serve' "$program" eval --help
want 'a variant has its own help' 0 'from scratch' "$program" eval seq --events log.csv --help
one_line 'a setting misspelt' 2 "'--epcohs'; did you mean --epochs?" "$program" train seq d --epcohs 3
one_line 'near to nothing' 2 "unknown option '--frobnicate'$" "$program" stats --frobnicate
for c in init ingest events train eval plot cluster attention similar next embed pairs import put get delete record models activate rollback stats serve check; do
    want "$c --help shows an example" 0 'Example:' "$program" $c --help
    one_line "$c refuses an unknown flag" 2 "unknown option '--frob'" "$program" $c --frob
done
want 'train towers --help lists its settings' 0 '--lr' "$program" train towers --help
want 'train seq --help lists its settings' 0 '--sse_user' "$program" train seq --help

one_line 'a directory that is none' 1 'twindex init' "$program" stats --dir nowhere
want 'init' 0 'made d' "$program" init d
one_line 'init twice' 1 'already' "$program" init d
one_line 'a missing file' 1 "cannot open 'none.csv'" "$program" ingest d none.csv
printf '\0\1\2\3binary' >binary.csv
one_line 'a binary file' 1 'binary.csv' "$program" ingest d binary.csv -q
: >empty.csv
one_line 'an empty file' 1 'empty.csv' "$program" ingest d empty.csv -q
one_line 'a wrong format name' 1 'csv' "$program" ingest d films.csv --format cvs -q
one_line 'similar before training' 1 'no item' "$program" similar --dir d f1
want 'ingest' 0 '30 new' "$program" ingest d films.csv -q
want 'ingest again changes nothing' 0 '0 new, 0 replaced, 30 there already' "$program" ingest d films.csv -q
one_line 'similar without towers says what to run' 1 'twindex train towers' "$program" similar --dir d f1
printf 'id,title\nok1,Fine\n,No id\n"bad \303\050",X\nok2,Fine t\303\263o\n' >rough.csv
want 'bad rows are counted, exit 1' 1 '2 rows were rejected' "$program" ingest d rough.csv -q
want 'bad rows are kept with line and reason' 0 '^3' cat rough.csv.rejected
one_line 'strict stops at the first' 1 'line 3' "$program" ingest d rough.csv --strict -q

# Standard input, packed files and other encodings; what is guessed is said.
printf 'id,title\npipe1,One\n,No id\n' | want 'standard input is a file' 1 '1 new' "$program" ingest d - -q
want 'its bad rows stand beside the directory' 0 '^3' cat d.rejected
printf 'id,title\npipe1,Two\n' | want 'another one is read anew' 0 '1 replaced' "$program" ingest d - -q
printf 'id,title\nlatin,Caf\351\n' >latin.csv
want 'a guessed encoding is said' 0 'taken for windows-1252; --encoding names another' "$program" ingest d latin.csv -q
want 'and right' 0 'Café' "$program" get d latin
one_line 'an encoding that is none' 1 "no encoding 'klingon'" "$program" ingest d latin.csv -q --encoding klingon
printf 'PAR1\025\004' >t.parquet
one_line 'a container is named' 1 'is Parquet.*read_parquet' "$program" ingest d t.parquet -q
want 'what was put for this goes' 0 'deleted' "$program" delete d latin
want 'all of it' 0 'deleted' "$program" delete d pipe1

want 'delete' 0 'deleted ok1' "$program" delete --dir d ok1
one_line 'delete twice' 1 'ok1' "$program" delete --dir d ok1
want 'delete the other' 0 'deleted ok2' "$program" delete --dir d ok2
printf 'sku;name\nz1;Zed\n' >semi.csv
want 'columns by name' 0 '1 new' "$program" ingest d semi.csv --columns id=sku,title=name -q
want 'and they are' 0 '^title *Zed' "$program" get --dir d z1
one_line 'a column map that is none' 1 'FIELD=COLUMN' "$program" ingest d semi.csv --columns sku -q
want 'gone again' 0 'deleted z1' "$program" delete --dir d z1
printf 'id,title\nd1,Double\nd2,double\n' >double.csv
want 'two items of one title' 0 '2 new' "$program" ingest d double.csv -q
want 'the other one is named' 0 '^also called so: "d2"$' "$program" get --dir d DOUBLE
want 'in JSON, too' 0 '"also": \["d2"\]}' "$program" get --dir d Double --json
want 'of these' 0 'deleted d1' "$program" delete --dir d d1
want 'nothing stays' 0 'deleted d2' "$program" delete --dir d d2
want 'events' 0 '216 new' "$program" events d log.csv -q
want 'what the columns were taken for' 0 'columns: user=user item=item time=timestamp .numbers. rating=-' "$program" events d log.csv -q
want 'the same as JSON' 0 '"time": "timestamp", "rating": null}, "time_format": "numbers", "guessed": \[\]' "$program" events d log.csv -q --json
printf 'user,item,when_at\nu1,f1,01/02/2024\n' >open.csv
want 'day or month' 1 'time-format day-first or month-first' "$program" events d open.csv -q
want 'by an evaluation, too' 1 'time-format day-first or month-first' "$program" eval seq --events open.csv -q
want 'no times' 0 'no column holds times' "$program" events d open.csv --columns time= --known-only -q
want 'a date' 0 'recorded' "$program" record d u1 f1 --time '1 Feb 2024 21:30 +0100'
want 'a date that is open' 1 "'01/02/2024' has the day or the month first" "$program" record d u1 f1 --time 01/02/2024
want 'the beginning' 1 'without --time it is now' "$program" record d u1 f1 --time 1970-01-01
want 'events again' 0 '0 new, 0 replaced, 216 there already' "$program" events d log.csv -q
one_line 'events given as items' 1 'log.csv' "$program" ingest d log.csv -q

small_towers='--bits 10 --embed_dim 16 --dim 16 --epochs 3 --batch 32 --activate always'
small_seq='--user_dim 4 --item-dim 16 --max_len 8 --blocks 1 --batch 16 --epochs 15 --lr 0.01'
one_line 'a bad setting' 2 'lr' "$program" train towers d --lr x
one_line 'an unknown setting in a file' 2 'frob' sh -c "echo '{\"frob\": 1}' >bad.json; '$program' train seq d --config bad.json"
echo '{"rarity": 1}' >old_towers.json
echo '{"content_dim": 0}' >old_seq.json
want 'an earlier name in a flag' 2 '^note: --picture_size is called --image_size now' "$program" train towers d --picture-size 32 --lr x
want 'in a file' 2 '^note: rarity is called idf_power now' "$program" train towers d --config old_towers.json --lr x
want 'of the other model, too' 2 '^note: content_dim is called item_features_dim now' "$program" train seq d --config old_seq.json --lr x
want 'none about a present name' 0 '^silent' sh -c "'$program' train towers d --image_size 32 --lr x 2>&1 | grep -q note: || echo silent"
want 'and not twice' 0 '^1$' sh -c "'$program' train towers d --rarity 1 --lr x 2>&1 | grep -c note:"
# shellcheck disable=SC2086
want 'train towers' 0 '^model 1: ' "$program" train towers d $small_towers -q
{ echo 'a,b,label'; for i in 1 2 3 4 5 6 7 8; do echo "f$i,f$((i + 1)),1"; echo "f$i,f$((i + 20)),0"; done; echo 'f1,gone,1'; } >pairs.csv
{ echo 'anchor,positive,negative'; for i in 1 2 3 4 5 6 7 8; do echo "f$i,f$((i + 1)),f$((i + 15))"; done; } >triplets.csv
# shellcheck disable=SC2086
want 'train towers on pairs, one of them unusable' 0 '1 rows could not be used' "$program" train towers d --pairs pairs.csv $small_towers -q
want 'eval towers finds the pairs from another folder' 0 ' validation pairs chose' sh -c "here=\$PWD; cd / && '$program' eval towers \"\$here/d\" -q"
one_line 'eval towers on pairs that are gone' 1 "cannot open .*pairs.csv" sh -c "mv pairs.csv away; '$program' eval towers d -q; rc=\$?; mv away pairs.csv; exit \$rc"
# shellcheck disable=SC2086
want 'train towers on triplets' 0 'triplet towers from' "$program" train towers d --triplets triplets.csv $small_towers -q
# shellcheck disable=SC2086
want 'train towers on an attribute' 0 'infonce towers from' "$program" train towers d --from-attribute genres $small_towers -q
one_line 'an attribute that nobody has' 1 'colour' "$program" train towers d --from-attribute colour -q
one_line 'two sources' 2 'one of' "$program" train towers d --from-events --pairs pairs.csv
# shellcheck disable=SC2086
want 'train seq' 0 'popularity' "$program" train seq d $small_seq -q
{ cat log.csv; sed -n 's/,f\([0-9]*\),1001$/,f\1,1009/p' log.csv; } >again.csv # a seventh event, of the first item
want 'a log where people come back' 0 '252 new' sh -c "'$program' init r && '$program' ingest r films.csv -q && '$program' events r again.csv -q"
# shellcheck disable=SC2086
want 'train seq says so' 0 'in 14 % of the events .*--exclude_seen 0' "$program" train seq r $small_seq -q
want 'eval seq counts them apart' 0 '36 of 36 targets (100 %) are items that the person had before: missed' "$program" eval seq r
want 'eval seq ranks them when asked' 0 'before, seed 42, 36 users' "$program" eval seq r --seen
want 'and says so' 0 '"seen": true' "$program" eval seq r --seen --json
want 'a repeat is counted in every row' 0 '^5$' sh -c "'$program' eval seq r --protocol authors --json | grep -c '\"repeats\": 36'"
# shellcheck disable=SC2086
want 'and not to who knows' 0 '^silent' sh -c "'$program' train seq r $small_seq --exclude_seen 0 -q 2>&1 | grep -q 'came back' || echo silent"
echo '{"min_count": 1, "bits": 10, "dim": 16, "epochs": 2}' >few.json
# shellcheck disable=SC2086
want 'what new items and people get' 0 'chance' "$program" eval seq d --hold-out-items 0.2 --hold-out-users 0.2 --towers-config few.json $small_seq -q
want 'an earlier name in the file of the towers' 1 '^note: rarity is called idf_power now' "$program" eval seq d --hold-out-items 1 --towers-config old_towers.json
# shellcheck disable=SC2086
one_line 'a share of everything' 1 '\[0, 1)' "$program" eval seq d --hold-out-items 1 $small_seq -q
want 'eval seq' 0 'SSE-PT' "$program" eval seq d --protocol sampled100
want 'eval seq tells its baselines' 0 'item-kNN' "$program" eval seq d
want 'eval seq tells what lists are like' 0 'diversity' "$program" eval seq d
want 'eval seq names the lists it drew' 0 'lists_hash' "$program" eval seq d --protocol sampled100 --json
want 'eval towers' 0 'untrained' "$program" eval towers d
want 'eval towers tells what lists are like' 0 'coverage' "$program" eval towers d -q
want 'eval towers at other cut-offs' 0 '"recall_at_7"' "$program" eval towers d -k 7,2 --json
want 'eval towers asks fewer' 0 '(4 queries)' "$program" eval towers d --max-queries 4 -q
want 'eval towers on pairs' 0 'tf-idf of the texts' "$program" eval towers d --pairs pairs.csv --valid pairs.csv --seed 5 -q
{ echo 'a,b,label'; for i in 1 2 3 4 5 6 7 8; do echo "f$i,f$((i + 20)),0"; done; echo 'f1,f1,0'; } >apart.csv
want 'eval towers on pairs of one kind says so' 0 'none of the 8 test pairs is similar: nothing can be told apart' "$program" eval towers d --pairs apart.csv --valid pairs.csv -q
want 'and counts the useless row' 0 '1 rows could not be used; the first: .apart.csv., line 10 pairs an item with itself' "$program" eval towers d --pairs apart.csv -q
one_line 'no training on them' 1 'pairs to learn from is similar' "$program" train towers d --pairs apart.csv -q
want 'eval towers on classes' 0 'kNN vote' "$program" eval towers d --classes genres -q
want 'eval towers on events' 0 'on events' "$program" eval towers d --from-events -q
want 'eval towers --help' 0 '--max-queries' "$program" eval towers --help
one_line 'eval towers on two things' 2 'one of' "$program" eval towers d --classes genres --from-events
one_line 'eval towers: validation of nothing' 2 'needs --pairs' "$program" eval towers d --valid pairs.csv
for list in 0 x 1,,2 1001 ''; do
    one_line "eval towers at '$list'" 2 'list' "$program" eval towers d -k "$list"
done
want 'few items that show only themselves are not trusted' 1 'not activated' sh -c "'$program' init few >/dev/null && '$program' ingest few films.csv -q >/dev/null && '$program' train towers few --from-self --bits 10 --epochs 1 -q"
says 'and why' 'too few to learn from themselves'
one_line 'eval towers of towers that learnt from themselves' 1 'say on what' sh -c "'$program' init s >/dev/null && '$program' ingest s films.csv -q >/dev/null && '$program' train towers s --from-self --bits 10 --epochs 0 -q >/dev/null; '$program' eval towers s -q"
want 'eval index' 0 'recall@10 1.0000' "$program" eval index d
one_line 'a wrong protocol' 1 'sampled100' "$program" eval seq d --protocol best

want 'similar' 0 'Story' "$program" similar --dir d 'western story 1' -k 5
want 'similar as JSON' 0 '"rank": 5' "$program" similar --dir d f1 -k 5 --json
want 'similar by text' 0 'Robot' "$program" similar --dir d --text 'robot film' -k 3
one_line 'a mistyped title names near ones' 1 'Western Story 1' "$program" similar --dir d 'Western Stroy 1'
one_line 'k 0' 2 "-k\|--k '0'" "$program" similar --dir d f1 -k 0
one_line 'k not a number' 2 "'many'" "$program" similar --dir d f1 -k many
one_line 'neither item nor text' 2 'ITEM or --text, --image, --audio' "$program" similar --dir d
one_line 'neither dir nor connect' 2 'a data directory or a URL comes first' "$program" similar f1
one_line 'a place that is none' 2 "'nowhere' is no data directory" "$program" similar nowhere f1
one_line 'a place that is none, alone' 2 "'nowhere' is no data directory" "$program" stats nowhere
# The place first, as everywhere else: the same answer as with the flag.
for ask in 'similar f1 -k 3' 'next --user u1 -k 3' 'get f1' 'embed f1' 'pairs f1 f2' 'stats'; do
    command=${ask%% *} rest=
    [ "$command" = "$ask" ] || rest=${ask#* }
    # shellcheck disable=SC2086 -- words
    "$program" $command d $rest >first.out 2>&1
    # shellcheck disable=SC2086
    want "$command with its place first" 0 "" "$program" $command --dir d $rest
    same "$name" first.out out
done
one_line 'an item named like a folder' 1 "no item .*'films.csv'" "$program" similar --dir d films.csv
one_line 'next wants a user or a history' 2 '--user or --history' "$program" next --dir d
want 'next for a user' 0 'Story' "$program" next --dir d --user u1 -k 3
want 'a history is answered without what is not there' 0 'skipped, for no item has the id or title: "none", "f998"$' \
    "$program" next d --history 'f1,none,f2,f998' -k 3
want 'in JSON, too' 0 '"skipped": \["none"\]' "$program" next d --history 'f1,none,f2' -k 3 --json
one_line 'a history of nothing known' 1 "no item has the id or title 'none'" "$program" next d --history 'none,nil' -k 3
want 'attention, too' 0 'skipped.*"none"' "$program" attention d --history 'f1,none,f2'
want 'next for a history' 0 'not seen in training' "$program" next --dir d --history 'f1,f2' -k 3
want 'a diverse list leaves the genre' 0 'Romance\|Robot' "$program" next --dir d --user u3 -k 4 --diversity 0.9
want 'a discount' 0 'Story' "$program" next --dir d --user u3 -k 4 --popularity-discount 2
one_line 'a diversity over 1' 2 "--diversity '1.5' is no number in 0..1" "$program" next --dir d --user u3 --diversity 1.5
one_line 'a discount that is no number' 2 "'much'" "$program" next --dir d --user u3 --popularity-discount much
want 'next for an unknown user' 0 'most popular' "$program" next --dir d --user nobody -k 3
want 'embed' 0 ' ' "$program" embed --dir d f1

# ---- a look inside: titles of a map are the store's, images are images or one sentence

want 'attention' 0 'what the last of 6 items looks at' "$program" attention d --user u3
one_line 'attention wants a user or a history' 2 '--user or --history' "$program" attention d
one_line 'a block that is none' 1 'block 9 is outside 1..1' "$program" attention d --user u3 --block 9
one_line 'attention of an unknown user' 1 'knows no item' "$program" attention d --user nobody
"$program" attention d --history 'f7,f3,f21,Robot Story 4' --json >attention.json
sed -n 's/.*{"id": "\([^"]*\)", "title": "\([^"]*\)".*/\1:\2/p' attention.json >titles
want 'the map has its items in order' 0 '^f7 f3 f21 f24 $' sh -c "cut -d: -f1 titles | tr '\n' ' '"
while IFS=: read -r id title; do
    want "the title of $id is the store's" 0 "\"title\": \"$title\"" "$program" get --dir d "$id" --json
done <titles
if "$program" version | grep -q 'without cairo'; then
    one_line 'no cairo, no image' 1 'built without cairo' "$program" plot seq d -o curve.png
    one_line 'and none after a long training' 1 'built without cairo' "$program" train seq d --plot curve.png
else
    want 'plot seq' 0 'drew curve.png' "$program" plot seq d -o curve.png
    want 'it is a PNG' 0 'PNG' head -c 4 curve.png
    want 'plot towers' 0 'drew curve.svg' "$program" plot towers d -o curve.svg
    want 'it is an SVG' 0 '<svg' head -n 3 curve.svg
    want 'a map' 0 'what the last' "$program" attention d --user u3 -o map.png --last 4
    want 'it is a PNG, too' 0 'PNG' head -c 4 map.png
    one_line 'an image of no known kind' 1 "curve.gif' ends neither in .png nor in .svg" "$program" plot seq d -o curve.gif
    one_line 'it is said before the training' 1 'ends neither' "$program" train seq d --plot curve -q
    one_line 'an image that cannot be written' 1 'nowhere/curve.png' "$program" plot seq d -o nowhere/curve.png
fi
# ---- what is in the catalogue

want 'cluster' 0 '30 items in 3 clusters' "$program" cluster d -k 3 -q --against genres --out groups.csv
want 'its names are words of the titles' 0 'Western' "$program" cluster d -k 3 -q
want 'the comparison is printed' 0 "against 'genres' (4 classes, 30 items): NMI 0\." "$program" cluster d -k 3 -q --against genres
want 'the CSV has each item once' 0 '^30$' sh -c "grep -c '^f[0-9]*,[123],.*,[01]\.[0-9]*$' groups.csv"
want 'the CSV is a catalogue' 0 '30 new' sh -c "'$program' init again && '$program' ingest again groups.csv --columns id=item -q"
want 'one line each for the largest' 0 'and 2 smaller ones' "$program" cluster d -k 3 -q --top 1
want 'the report' 0 '"silhouette":' "$program" cluster d --json
"$program" cluster d -k 3 --json >a.json
"$program" cluster d -k 3 --json >b.json
want 'it is the same again' 0 same sh -c 'cmp a.json b.json && echo same'
one_line 'more clusters than items' 1 'ask for fewer' "$program" cluster d -k 31 -q
one_line 'an attribute that none has' 1 "no item has an attribute 'mood'" "$program" cluster d --against mood -q
"$program" init untrained >/dev/null
one_line 'clusters need towers' 1 'twindex train towers' "$program" cluster untrained -q
if "$program" version | grep -q 'without cairo'; then
    one_line 'no cairo, no map of clusters' 1 'built without cairo' "$program" cluster d --png map.png
else
    want 'a map of clusters' 0 'drew groups.svg' "$program" cluster d -k 3 -q --png groups.svg
    want 'it is an SVG, too' 0 '<svg' head -n 3 groups.svg
    one_line 'that kind of map there is not' 1 'ends neither' "$program" cluster d --png map.gif
fi
one_line 'plot of what' 2 "is 'index'; give towers or seq" "$program" plot index d -o curve.png
one_line 'plot where' 2 '-o FILE' "$program" plot seq d
want 'check' 0 'is sound' "$program" check d

# ---- over the wire: the same questions, the same answers

serve d --listen tcp://127.0.0.1:0
for q in 'similar f1 -k 7' 'similar --text robot -k 7' 'next --user u5 -k 7' 'next --history f3,f4 -k 7' 'next --history f3,none,f4' \
    'next --user u5 --diversity 0.7 --popularity-discount 0.5' 'next --user nobody' 'embed f9' 'embed --text western' 'get f2' 'stats'; do
    # shellcheck disable=SC2086
    "$program" $q --json --dir d >a.json 2>&1
    # shellcheck disable=SC2086
    "$program" $q --json --connect "$url" >b.json 2>&1
    same "'$q' over the wire" a.json b.json
done
one_line 'a second writer is told who writes' 1 "process $server" "$program" put --dir d x --title X
want 'put over the wire' 0 'created' "$program" put --connect "$url" x --title 'Robot Story 11'
want 'the URL may come first' 0 'Robot Story 11' "$program" get "$url" x
want 'it is found at once' 0 'Robot' "$program" similar --connect "$url" x -k 3
want 'record' 0 'recorded' "$program" record --connect "$url" u1 x --time 5000
want 'record again' 0 'there already' "$program" record --connect "$url" u1 x --time 5000
want 'record a moment later' 0 'recorded' "$program" record --connect "$url" u1 x --time 5000.25
want 'record milliseconds' 1 "'1588687728923' is beyond 2200" "$program" record --connect "$url" u1 x --time 1588687728923
one_line 'a wrong id over the wire' 1 "'Robot Stroy 3'.*near" "$program" get --connect "$url" 'Robot Stroy 3'
one_line 'bad attributes' 1 'JSON' "$program" put --connect "$url" y --attributes '[1'
for where in "--connect $url" '--dir c0'; do
    [ -d c0 ] || "$program" init c0 >/dev/null
    one_line "an object in attributes, $where" 1 "'a' of 'y' is an object; it may be" \
        "$program" put $where y --attributes '{"a":{"b":1}}'
    want "null in attributes, $where" 0 'created' "$program" put $where nully --attributes '{"a":null,"n":[1,2]}'
    want "is left out, $where" 0 'attributes  {"n":\[1,2\]}' "$program" get $where nully
done
want 'delete over the wire' 0 'deleted x' "$program" delete --connect "$url" x
"$program" init d2 >out
one_line 'a port in use' 1 "${url#tcp://}" "$program" serve d2 --listen "$url"
echo precious >precious
one_line 'a file is no socket' 1 'is no socket; it stays as it is' "$program" serve d2 --listen ipc://precious
want 'the file is as it was' 0 '^precious$' cat precious
one_line 'a URL that is none' 1 'nonsense' "$program" serve d2 --listen nonsense
one_line 'no server listens' 1 'tcp://127.0.0.1:1' "$program" stats --connect tcp://127.0.0.1:1 --timeout 2000
stop

# The address of a server on every interface can be connected to as it is written.
serve d --listen 'tcp://*:0'
want 'the address of all interfaces' 0 'items' "$program" stats --connect "$url"
stop

# ---- keys are read again on SIGHUP

# The server's log says $1 for the $2nd time.
logged()
{
    for _ in $(seq 400); do
        [ "$(grep -c -- "$1" serve.log)" -ge "$2" ] && return
        sleep 0.05
    done
    failed "the server never logged '$1'" serve.log
}
printf 'first-key-of-mine\nsecond-key-of-mine\n' >keys
serve d --listen tcp://127.0.0.1:0 --api-keys keys
want 'a key' 0 'items' "$program" stats --connect "$url" --api-key first-key-of-mine
printf 'second-key-of-mine\n' >keys
kill -HUP "$server"
logged 'info RPC-KEYS keys=1' 1
one_line 'a revoked key' 1 'the API key is not known' "$program" stats --connect "$url" --api-key first-key-of-mine
echo short >keys
kill -HUP "$server"
logged 'error RPC-KEYS-KEPT keys=1 reason="the key in line 1 has 5 bytes' 1
want 'the keys before a bad file' 0 'items' "$program" stats --connect "$url" --api-key second-key-of-mine
stop
want 'sound after all that' 0 'is sound' "$program" check d

# ---- a training that is asked to stop does so after its step, and goes on from there

cp -r d stopped
"$program" train seq stopped $small_seq --epochs 4000 --patience 0 >out 2>&1 &
victim=$!
for _ in $(seq 200); do
    grep -q 'training .*epoch 1/4000' out && break
    sleep 0.05
done
sleep 0.2
asked=$(date +%s)
kill "$victim"
wait "$victim"
got=$?
[ $got -eq 1 ] && [ $(($(date +%s) - asked)) -le 3 ] || failed "a stopped training: exit $got, $(($(date +%s) - asked)) s"
says 'it answers at once' '^twindex: stopping after this step; once more ends it at once$'
says 'it says how to go on' '^twindex: training was stopped [a-z]* epoch [0-9]* of 4000; the same command goes on from there$'
want 'it goes on' 0 '"resumed_after": [1-9]' "$program" train seq stopped $small_seq --epochs 4000 --patience 0 \
    --max_seconds 0.1 --activate always --json
says 'the last line of its progress says done' '^seq  done in [0-9.]* s$'
if command -v script >/dev/null; then
    want 'a terminal shows epoch, speed and time left' 0 'epoch [0-9]*/3 ' env TERM=xterm \
        script -qec "'$program' train seq stopped $small_seq --epochs 3" /dev/null
fi

# ---- an evaluation of a log, from scratch; killed and given again, it goes on

for u in $(seq 40); do for i in 1 2 3 4 5 6 7 8; do echo "$u $(( (u * 7 + i) % 23 + 1 ))"; done; done >walks.txt
small='--item_dim 12 --user_dim 4 --heads 1 --max_len 8 --epochs 3 --eval_every 1 --threads 1 -q'
# shellcheck disable=SC2086 -- a word each
want 'an evaluation shows every protocol' 0 'test, authors' "$program" eval seq --events walks.txt $small
# shellcheck disable=SC2086
want 'and unseen users when asked' 0 'folded in' "$program" eval seq --events walks.txt --hold-out-users 0.3 $small
want 'a preset is what was asked for' 0 '"preset": "short"' "$program" eval seq --events walks.txt --preset short --epochs 1 -q --json
one_line 'no such preset' 2 "preset is 'shrt'; give auto, small" "$program" eval seq --events walks.txt --preset shrt
one_line 'an evaluation of nothing' 1 'nowhere.txt' "$program" eval seq --events nowhere.txt -q
one_line 'a setting out of range' 2 'lr 11' "$program" eval seq --events walks.txt --lr 11
"$program" eval seq --events walks.txt $small --epochs 4000 --patience 0 --checkpoint c --metrics epochs >out 2>&1 &
victim=$!
for _ in $(seq 600); do # until a checkpoint was written after the first epoch; slow under a sanitizer
    [ -s epochs ] && [ ! -e then ] && sleep 0.02 && : >then
    [ -e then ] && [ c -nt then ] && break
    sleep 0.1
done
kill -9 $victim 2>/dev/null
wait $victim 2>/dev/null
# shellcheck disable=SC2086
want 'a killed evaluation goes on' 0 '"resumed_after": [1-9]' "$program" eval seq --events walks.txt $small --patience 0 \
    --epochs 4000 --max_seconds 0.1 --checkpoint c --json
printf 'not a checkpoint' >c
# shellcheck disable=SC2086
want 'a damaged one costs the time alone' 0 '"resumed_after": 0' "$program" eval seq --events walks.txt $small \
    --checkpoint c --json
root=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2086
want 'the quality script writes its table' 0 'wrote q.json' env TWINDEX="$program" sh "$root/bench/quality/seq_quality.sh" walks.txt \
    q.json --preset short --item_dim 12 --epochs 1 --eval_every 1 --threads 1 -q
want 'with what it came from' 0 "$(sha256sum walks.txt | cut -d ' ' -f 1)" cat q.json
want 'no such preset' 1 "there is no preset 'nowhere'" env TWINDEX="$program" sh "$root/bench/quality/seq_quality.sh" walks.txt \
    q.json --preset nowhere

# ---- kill -9 in the middle of an ingest, then the same command

{ echo 'id,title'; seq 30000 | sed 's/.*/i&,Title of item &/'; } >big.csv
"$program" init k >out
for pause in 0.02 0.05 0.1; do
    "$program" ingest k big.csv -q >out 2>&1 &
    victim=$!
    sleep $pause
    kill -9 $victim 2>/dev/null
    wait $victim 2>/dev/null
done
want 'the same command after kill -9' 0 'rows in' "$program" ingest k big.csv -q
want 'no item lost, none twice' 0 '"items": 30000' "$program" stats k --json
want 'and it is sound' 0 'is sound' "$program" check k

# ---- a film that nobody has seen yet

one_line 'item features before towers' 1 'twindex train towers' sh -c "'$program' init c >out && '$program' train seq c --item-features -q"
"$program" ingest c films.csv -q >out
"$program" events c log.csv -q >out
# shellcheck disable=SC2086
want 'towers by genre' 0 '^model 1: ' "$program" train towers c --from-attribute genres $small_towers -q
want 'an earlier name of a flag' 2 '^note: --content is called --item-features now' "$program" train seq c --content --lr x
# shellcheck disable=SC2086
want 'train seq with item features' 0 '^model 2: ' "$program" train seq c --item-features $small_seq -q
want 'new items enter' 0 'new ones enter' "$program" stats --dir c
want 'put a film' 0 'created' "$program" put --dir c fresh --title 'Robot Story 77' --attributes '{"genres":["Robot","Film"]}'
want 'it is recommended' 0 'fresh *Robot Story 77' "$program" next --dir c --history 'f21,f22,f23' -k 30
want 'it is understood' 0 'Story' "$program" next --dir c --history fresh -k 3
# shellcheck disable=SC2086
want 'other towers' 0 'SEQ-CONTENT-FROZEN' "$program" train towers c --from-attribute genres $small_towers -q
want 'new items wait' 0 'wait for: twindex train seq DIR --item-features' "$program" stats --dir c
want 'and are not recommended' 1 '^0$' sh -c "'$program' next --dir c --history f21,f22,f23 -k 40 | grep -c fresh"
want 'sound, too' 0 'is sound' "$program" check c

# ---- a training that gained nothing

still='--item_dim 12 --user_dim 4 --heads 1 --max_len 8 --epochs 1 --lr 1e-6 --threads 1 -q'
"$program" init g >out
"$program" ingest g films.csv -q >out
for u in $(seq 80); do # two crowds, each walking through films of its own; popularity knows the larger one
    for i in $(seq $((4 + u % 7))); do echo "u$u,f$((u % 5 < 3 ? i : 14 + i)),$i"; done
done | sed '1i user,item,timestamp' >crowds.csv
"$program" events g crowds.csv -q >out
# shellcheck disable=SC2086
want 'a model that popularity beats does not serve' 1 'not activated: popularity was better on validation (NDCG@10 0.4' "$program" train seq g $still
want 'nothing serves' 1 'twindex train seq' "$program" next --dir g --user u1
# shellcheck disable=SC2086
want 'what to run is said' 1 'to let it serve, run: twindex activate g 2$' sh -c "'$program' train seq g $still --json 2>&1 >report"
want 'the report says it, too' 0 '"activated": false' cat report
# shellcheck disable=SC2086
want 'never is what was asked for' 0 'it was asked not to be' "$program" train seq g $small_seq --activate never -q
# shellcheck disable=SC2086
want 'always serves all the same' 0 'serves, as asked, although popularity' "$program" train seq g $still --activate always
want 'and it does' 0 'Story' "$program" next --dir g --user u1
want 'nobody is left out' 1 '^0$' sh -c "'$program' eval seq g | grep -c 'left out:'"
"$program" delete --dir g f10 >out
want 'whose last films went is left out' 0 'left out: 7 people of whom the training saw all that is left (u6, u20' "$program" eval seq g
"$program" record --dir g u1 f20 >out
want 'what came since is asked for' 0 'targets recorded after the training: 1' "$program" eval seq g
one_line 'activate when?' 2 "'perhaps'; give better, always or never" "$program" train seq g --activate perhaps
one_line 'activate towers when?' 2 "'perhaps'; give better, always or never" "$program" train towers g --activate perhaps

# ---- corrupt data has its own exit code

if ! "$program" version | grep -q 'without cairo'; then
    echo 'no JSON' >>d/models/0005/seq.metrics.jsonl
    one_line 'a damaged training log' 3 'line 16 of the training' "$program" plot seq d -o curve.png
fi
cp d/models/0005/seq.safetensors good
printf 'garbage' | dd of=d/models/0005/seq.safetensors bs=1 seek=8 conv=notrunc 2>/dev/null
want 'a damaged model' 3 'seq.safetensors.*twindex rollback d.*twindex train seq d' "$program" next --dir d --user u1
want 'what does not need it goes on' 0 'Story' "$program" similar --dir d f1
want 'writes, too' 0 'created' "$program" put --dir d y --title 'Robot Story 12'
want 'stats tell of it' 0 'damaged .*models/0005/seq.safetensors' "$program" stats --dir d
want 'check finds it' 3 'seq.safetensors' "$program" check d
want 'the list names it' 0 'cannot serve: .*models/0005/seq.safetensors' "$program" models d
want 'the version before' 0 'model 4 serves' "$program" rollback d -q
want 'has no such model' 1 'no sequential model' "$program" next --dir d --user u1
one_line 'a damaged one is not activated' 3 'models/0005/seq.safetensors' sh -c "'$program' activate d 5 -q 2>&1 | grep -v MODEL-UNUSABLE; '$program' activate d 5 -q 2>/dev/null"
cp good d/models/0005/seq.safetensors
want 'the copy' 0 'model 5 serves' "$program" activate d 5 -q
want 'serves' 0 'Story' "$program" next --dir d --user u1
one_line 'twice' 1 'serves already' "$program" activate d 5 -q
one_line 'a version that is none' 2 "'five' is no version" "$program" activate d five
one_line 'one that there is not' 1 'no model has the version 77' "$program" activate d 77 -q
want 'the list as JSON' 0 '"version": 5, "state": "serves"' "$program" models d --json
"$program" init none >out
want 'no versions' 0 'none yet' "$program" models none
one_line 'nothing to go back to' 1 'no model served before' "$program" rollback none -q
want 'sound at the end' 0 'is sound' "$program" check d

finish
