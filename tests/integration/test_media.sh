#!/bin/sh
# Images and audio files as a user has them: files beside a catalogue, ingested, trained on, asked with, exported.
#
#     sh tests/integration/test_media.sh PROGRAM DRAW        DRAW (media_draw.c) makes the files
set -u
draw=$(realpath "$2") || exit 1
. "$(dirname "$0")/want.sh"

# ---- a catalogue of shapes: images and words, and a bell and a buzz

mkdir shop
{
    echo 'id,title,image,audio,shape'
    for shape in ring cross; do
        for i in 0 1 2 3 4 5 6 7 8 9; do
            "$draw" picture shop/$shape$i.png $shape "$i" || exit 1
            echo "$shape$i,A $shape of kind $i,$shape$i.png,,$shape"
        done
    done
} >shop/items.csv
for i in 0 1 2; do
    "$draw" sound shop/bell$i.wav $((440 + 10 * i)) || exit 1
    echo "bell$i,,,bell$i.wav,ring" >>shop/items.csv
done
{
    head -c 60 shop/ring0.png >shop/cut.png
    : >shop/silent.wav
    echo 'cut,A torn image,cut.png,,ring'
    echo 'gone,A missing one,gone.png,,ring'
    echo 'silent,Nothing,,silent.wav,ring'
} >>shop/items.csv
printf 'id,title,image\nweb,On the web,https://example.org/a.png\n' >shop/web.csv

want 'the version says what can be read' 0 '^reads png.* wav' "$program" version
want 'init' 0 'made d' "$program" init d
want 'bad files reject their rows' 1 '3 rows were rejected' "$program" ingest d shop/items.csv -q
want 'the others are there' 0 '"items": 23' "$program" stats d --json
want 'a torn one by path' 0 'cut.png' cat shop/items.csv.rejected
want 'a missing one by path' 0 "cannot open '.*gone.png'" cat shop/items.csv.rejected
want 'an address is no image' 0 '1 new' "$program" ingest d shop/web.csv -q
says 'and is left out' "left out; the first: line 2: the image 'https://example.org/a.png' is an address"
one_line 'strict stops there, too' 1 'is an address' "$program" ingest d shop/web.csv --strict -q
want 'delete it' 0 'deleted' "$program" delete --dir d web
want 'an empty audio' 0 'silent.wav' cat shop/items.csv.rejected
one_line 'strict stops at it' 1 'line 25' "$program" ingest d shop/items.csv --strict -q
one_line 'put wants an image that is one' 1 'cut.png' "$program" put --dir d x --image shop/cut.png
want 'an image alone is an item' 0 'created' "$program" put --dir d x --image shop/ring0.png
want 'and can be seen' 0 '^image.*ring0.png' "$program" get --dir d x
want 'delete it' 0 'deleted' "$program" delete --dir d x

one_line 'asking before training' 1 'twindex train towers' "$program" similar --dir d --image shop/ring0.png
small='--dim 16 --epochs 4 --batch 32 --bits 10 --embed_dim 16 --image_size 16 --image_channels 1 --image_width 8 --activate always'
one_line 'groups without classes' 2 '--groups needs --classes' "$program" train towers d --groups shape
# shellcheck disable=SC2086 -- a word each
one_line 'classes that nobody has' 1 'colour' "$program" train towers d --classes colour $small -q
mv shop/ring9.png shop/away.png
# shellcheck disable=SC2086
want 'train on classes' 0 'reads text of 20 items, image of 19' "$program" train towers d --classes shape --audio none $small -q
says 'a file that went missing is told' "1 files could not be read; the first: cannot open '.*ring9.png'"
says 'and logged' 'MEDIA-UNREADABLE during=training files=1'
mv shop/away.png shop/ring9.png
# shellcheck disable=SC2086
want 'train on items beside themselves' 0 '"image": 20' "$program" train towers d --from-self --audio none $small --json -q
says 'the recipe is settled' '"image": "conv4"'
says 'nothing was missing' '"unreadable": 0'

# ---- asking

want 'an image finds its item' 0 '^ *1 .*cross3 ' "$program" similar --dir d --image shop/cross3.png -k 1 --text 'A cross of kind 3'
want 'by itself' 0 '"basis": "image"' "$program" similar --dir d --image shop/cross3.png -k 3 --json
want 'with words' 0 '"basis": "mixed"' "$program" similar --dir d --image shop/cross3.png --text cross -k 3 --json
one_line 'towers without ears' 1 'the towers read text and image, not audio' "$program" similar --dir d --audio shop/bell0.wav
one_line 'no image' 1 'no image' "$program" similar --dir d --image shop/bell0.wav
one_line 'no file' 1 'nowhere.png' "$program" similar --dir d --image nowhere.png
one_line 'an empty file' 1 'is empty' "$program" similar --dir d --audio shop/silent.wav
one_line 'an item and an image' 2 'either an ITEM or' "$program" similar --dir d ring0 --image shop/ring0.png
want 'pairs of two' 0 '^1.000000$' "$program" pairs --dir d ring1 ring1
printf 'a,b,label\nring1,ring2,1\n"ring1",cross1,0\nring1,none,0\n' >pairs.csv
want 'pairs of a file' 1 '^ring1,cross1,0,-*[01].[0-9]*$' "$program" pairs --dir d pairs.csv
says 'what is not there is told' '1 rows could not be scored'
want 'embed an image' 0 '^-*[01e0-9.-]* ' "$program" embed --dir d --image shop/ring1.png
one_line 'several vectors want a file' 2 '--out FILE' "$program" embed --dir d ring1 ring2
one_line 'of a known kind' 2 '.npy, .fvecs nor .jsonl' "$program" embed --dir d ring1 ring2 --out v.txt
one_line 'one way to ask' 2 'give ITEMs' "$program" embed --dir d ring1 --all --out v.npy
want 'all of them that there is something of' 0 'wrote 20 vectors of model 2' "$program" embed --dir d --all --out v.npy
want 'the others are counted' 0 '"unread": 3' "$program" stats d --json
want 'with their ids' 0 '^20$' sh -c 'wc -l <v.npy.ids | tr -d " "'
want 'NumPy reads the shape' 0 "'shape': (20, 16), }" head -c 127 v.npy
want 'and there is nothing else' 0 '^1408$' sh -c 'wc -c <v.npy | tr -d " "' # 128 + 20 * 16 * 4
want 'fvecs' 0 'wrote 2 vectors' "$program" embed --dir d ring1 ring2 -o v.fvecs
want 'its rows' 0 '^136$' sh -c 'wc -c <v.fvecs | tr -d " "' # 2 * (4 + 16 * 4)
want 'JSON lines' 0 'wrote 1 vectors' "$program" embed --dir d ring1 -o v.jsonl
want 'its line' 0 '^{"id": "ring1", "model": 2, "vector": \[' cat v.jsonl

# ---- what a query shows and cannot be read is named by its path

echo 'hello, world' >note.txt
printf 'II*\0\10\0\0\0' >scan.tif
one_line 'a missing image' 1 "cannot open 'none.png'" "$program" similar --dir d --image none.png
one_line 'a missing audio' 1 "cannot open 'none.wav'" "$program" embed --dir d --audio none.wav
one_line 'a text as an image' 1 "'note.txt' is no image: it begins with hello" "$program" similar --dir d --image note.txt
one_line 'a text to embed' 1 "'note.txt' is no image" "$program" embed --dir d --image note.txt --text x
one_line 'a format that is not read' 1 "'scan.tif' is a TIFF picture, .*convert it to PNG" "$program" similar --dir d --image scan.tif
one_line 'a torn image' 1 "'shop/cut.png' is truncated" "$program" embed --dir d --image shop/cut.png -o v.npy

# ---- over the wire, the same

serve d --listen tcp://127.0.0.1:0 --media-root shop
for q in 'similar --image shop/cross3.png -k 4 --json' 'similar --image shop/ring3.png --text cross -k 4 --json' \
    'embed --image shop/ring3.png --json' 'embed ring1' 'pairs ring1 cross1' 'similar --image shop/cut.png' \
    'similar --image note.txt' 'embed --image scan.tif' 'similar --audio shop/bell1.wav'; do
    # shellcheck disable=SC2086
    "$program" $q --dir d >a.out 2>&1
    # shellcheck disable=SC2086
    "$program" $q --connect "$url" >b.out 2>&1
    same "'$q' over the wire" a.out b.out
done
want 'put over the wire' 0 'created' "$program" put --connect "$url" y --image ring4.png
want 'its image is named from the media root' 0 '^image  *ring4.png$' "$program" get --connect "$url" y
want 'and as a whole in the directory' 0 '^image  */.*/shop/ring4.png$' "$program" get --dir d y
want 'what was read can be sent back' 0 'unchanged' "$program" put --connect "$url" y --image ring4.png
want 'by its whole path, too' 0 'unchanged' "$program" put --connect "$url" y --image "$work/shop/ring4.png"
mkdir shop/deep
ln -s /etc/passwd shop/link.png
ln -s "$work" shop/deep/up
ln -s ring4.png shop/inside.png
mkfifo shop/pipe.png
printf 'root:*:20000:' >secret
for path in /etc/shadow /etc/passwd /nowhere ../secret deep/../../secret "$work/secret" "$work/shop/../secret" link.png \
    inside.png deep/up/secret pipe.png deep none.png cut.png bell0.wav '' ./ /proc/self/environ \
    https://example.org/a.png; do
    [ -n "$path" ] || continue
    one_line "put of $path is refused" 1 'the image is not the path of an image file below' \
        timeout -s KILL 20 "$program" put --connect "$url" z --image "$path"
    [ -f refusal ] || cp out refusal
    same "the refusal of $path" refusal out
done
one_line 'a sound likewise' 1 'the audio is not the path of an audio file' "$program" put --connect "$url" z --audio ../secret
want 'the log knows why' 0 "MEDIA-REFUSED.*'deep/../../secret' climbs" cat serve.log
want 'nothing was stored' 1 'no item' "$program" get --connect "$url" z
want 'it has the vector of its like' 0 '^ *1  *1.000  *y ' "$program" similar --connect "$url" --image shop/ring4.png -k 1
head -c 7000000 /dev/zero >large.png
one_line 'an image over the limit' 1 "'large.png' has 7000000 bytes, at most 6291456" "$program" similar --connect "$url" --image large.png
one_line '--all is for directories' 2 'not a server' "$program" embed --connect "$url" --all --out v.npy
stop
want 'sound after all that' 0 'is sound' "$program" check d

finish
