#!/bin/sh
# A folder of images and audio files, as a user has it, ingested whole: what becomes an item and what does not, what
# a second run looks at, what is mended in between.
#
#     sh tests/integration/test_media_folder.sh PROGRAM DRAW        DRAW (media_draw.c) makes the files
set -u
draw=$(realpath "$2") || exit 1
. "$(dirname "$0")/want.sh"

# ---- a folder with all that people have in one

mkdir -p pics/cats/big pics/.thumbnails
"$draw" picture pics/red_ring-4.png ring 1 || exit 1
"$draw" picture pics/cats/big/__a__cross.PNG cross 2 || exit 1
"$draw" sound pics/cats/bell.wav 440 || exit 1
cp pics/red_ring-4.png pics/no_ending
cp pics/red_ring-4.png pics/.thumbnails/small.png
cp pics/red_ring-4.png pics/.DS_Store
cp pics/red_ring-4.png "pics/$(printf 'cafe\314\201.png')" # as macOS writes it
echo 'a note' >pics/readme.txt
printf '\377\376h\0i\0' >pics/utf16.txt
: >pics/Thumbs.db
printf 'id,title\n1,One\n' >pics/items.csv
ln -s /etc/passwd pics/passwd.png
ln -s .. pics/cats/up
ln -s red_ring-4.png pics/again.png
mkfifo pics/pipe.png

want 'init' 0 'made d' "$program" init d
want 'a folder is ingested' 0 'pics/: 5 files in .*: 5 new, 0 replaced, 0 there already; skipped 4 that are neither' "$program" ingest d pics/ -q
says 'links are told' '3 links were not followed'
says 'the catalogue is named' '^pics/items.csv was not read; ingest it itself$'
want 'no more than these' 0 '"items": 5' "$program" stats d --json
want 'the path is the id' 0 '^title  *a cross$' "$program" get --dir d cats/big/__a__cross.PNG
says 'the folder is an attribute' '"folder": "cats/big"'
says 'the image by its whole path' "^image  *$work/pics/cats/big/__a__cross.PNG$"
want 'the name is the title' 0 '^title  *red ring 4$' "$program" get --dir d red_ring-4.png
want 'bytes decide, not names' 0 '^image ' "$program" get --dir d no_ending
want 'a recording is audio' 0 '^audio .*bell.wav$' "$program" get --dir d cats/bell.wav
want 'an id is composed' 0 "^id  *$(printf 'caf\303\251.png')$" "$program" get --dir d "$(printf 'caf\303\251.png')"
[ ! -e pics.rejected ] || failed 'nothing was rejected, and yet there is a file of rejects' pics.rejected

# ---- again: nothing is looked at that has not changed

chmod 0 pics/red_ring-4.png pics/cats/bell.wav # root may read them all the same
want 'a second run has all of it' 0 '0 new, 0 replaced, 5 there already' "$program" ingest d pics -q
chmod 644 pics/red_ring-4.png pics/cats/bell.wav
"$draw" picture pics/cats/new.png cross 3
want 'a new one alone is new' 0 '1 new, 0 replaced, 5 there already' "$program" ingest d pics -q
"$draw" picture pics/red_ring-4.png ring 7
want 'a changed one is replaced' 0 '0 new, 1 replaced, 5 there already' "$program" ingest d pics -q
want 'and then it is there' 0 '"files": 6, "created": 0, "replaced": 0, "unchanged": 6' "$program" ingest d pics -q --json
says 'JSON has the rest' '"rejected": 0, "others": 4, "links": 3, "not_read": "pics/items.csv"'
want 'one that was deleted' 0 'deleted' "$program" delete --dir d cats/new.png
want 'comes back' 0 '1 new, 0 replaced, 5 there already' "$program" ingest d pics -q
rm pics/cats/new.png
want 'one whose file has gone stays' 0 '5 there already' "$program" ingest d pics -q
want 'in the catalogue' 0 'cats/new.png' "$program" get --dir d cats/new.png

# ---- what cannot be read

head -c 60 pics/red_ring-4.png >pics/cut.png
echo '<html>not found</html>' >pics/cats/page.jpg
printf 'II*\0\10\0\0\0' >pics/scan.tif
cp pics/red_ring-4.png "pics/$(printf 'bad\377.png')"
cp pics/red_ring-4.png "pics/$(printf 'caf\303\251.png')"
want 'bad files are rejected' 1 '5 files were rejected, see pics.rejected; the first: ' "$program" ingest d pics -q
want 'a torn one' 0 "/pics/cut.png' is truncated: it ends after 60 bytes" cat pics.rejected
says 'a page in the place of an image' "/pics/cats/page.jpg' is no image: it begins with <html>"
says 'a TIFF, with a way out' "scan.tif' is a TIFF picture, .* convert it to PNG"
says 'a name that is no UTF-8, escaped' "the name 'bad.xff.png' is no UTF-8"
says 'a name that differs in its accents alone' 'is that of another file, but for how its accents are written'
want 'strict stops there' 1 "is that of another file\|is no UTF-8\|is no image\|is truncated" "$program" ingest d pics -q --strict
rm -f pics/cut.png pics/cats/page.jpg pics/scan.tif pics/bad* "pics/$(printf 'caf\303\251.png')"
want 'mended' 0 '0 new, 0 replaced, 5 there already' "$program" ingest d pics -q
[ ! -e pics.rejected ] || failed 'the rejects of a mended folder stay' pics.rejected

# ---- other ways to name it

want 'from within' 0 '0 new, 0 replaced, 5 there already' sh -c 'cd pics && "$0" ingest ../d . -q' "$program"
mkdir empty words
printf 'id,title\n1,One\n' >words/items.csv
one_line 'an empty folder' 1 "'empty' holds no image or audio file among its 0 files" "$program" ingest d empty -q
one_line 'a folder of words' 1 "'words' holds no image or audio file; 'words/items.csv' is a catalogue: ingest it itself" \
    "$program" ingest d words -q
one_line 'columns are for rows' 1 "'pics' is a folder of files without rows" "$program" ingest d pics -q --columns id=a
one_line 'events are none' 1 'pics' "$program" events d pics -q
want 'the directory is sound' 0 'is sound' "$program" check d
finish
