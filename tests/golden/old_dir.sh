#!/bin/sh
# How tests/golden/old_dir.tar.gz and old_answers.json came about: by a twindex of store format 3, snapshot format 2
# and text_rules 2, before settings were renamed (picture_size, sound_width, content_dim, rarity ...). Such a program is
# needed to do it again; this says what it was given.
#
#     sh tests/golden/old_dir.sh OLD_PROGRAM DRAW       DRAW: media_draw.c of that time; writes both files here
set -eu
old=$(realpath "$1")
draw=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir media
{
    echo 'id,title,text,genres,year,image,audio'
    for i in 0 1 2 3 4 5 6 7; do
        "$draw" picture media/ring$i.png ring $i
        "$draw" picture media/cross$i.png cross $i
        "$draw" sound media/tone$i.wav $((200 + 90 * i))
        echo "r$i,Ring $i,a round thing of silver,round|silver,19${i}0,media/ring$i.png,media/tone$i.wav"
        echo "c$i,Cross $i,two bars of oak,straight|oak,19${i}5,media/cross$i.png,"
        echo "w$i,Wörterbuch $i,ein Buch voller Wörter,book|words,20${i},,"
        echo "k$i,Книга $i,книга о лесе и реке,book|лес,20$i,,"
        echo "j$i,東京の本 $i,東京の静かな夜の話,book|東京,20$i,,"
    done
} >items.csv
"$old" init dir
"$old" ingest dir items.csv --quiet
{
    echo 'user,item,timestamp'
    for u in 0 1 2 3 4 5 6 7 8 9 10 11; do
        for i in 0 1 2 3 4 5; do
            case $((u % 3)) in
            0) kind=r ;;
            1) kind=c ;;
            *) kind=w ;;
            esac
            echo "u$u,$kind$(((u + i) % 8)),$((1000000 + u * 100 + i))"
        done
    done
} >events.csv
"$old" events dir events.csv --quiet
"$old" train towers dir --from-attribute genres --activate always --no-eval --quiet --threads 1 --text bag --picture conv4 --sound cnn \
    --attributes mlp --dim 16 --bits 8 --embed_dim 8 --rarity 1 --picture_size 16 --picture_width 8 --sound_seconds 1 \
    --sound_width 8 --sound_depth 2 --attribute_width 8 --epochs 2 >/dev/null
"$old" train seq dir --content --activate always --no-eval --quiet --threads 1 --user_dim 4 --item_dim 8 --max_len 8 \
    --blocks 1 --heads 1 --epochs 3 >/dev/null
"$old" put --dir dir r0 --title 'Ring 0, put anew' --text 'a round thing of gold' >/dev/null
"$old" delete --dir dir k7 >/dev/null
"$old" record --dir dir u0 c3 --time 2000000 >/dev/null
{
    echo '{"stats":'
    "$old" stats dir --json
    for item in r0 c3 'Wörterbuch 2' 'Книга 3' 'ring 4'; do
        printf ',"similar %s":' "$item"
        "$old" similar --dir dir "$item" -k 5 --json
    done
    printf ',"text":'
    "$old" similar --dir dir --text '東京の夜' -k 3 --json
    for user in u0 u1 u2; do
        printf ',"next %s":' "$user"
        "$old" next --dir dir --user "$user" -k 5 --json
    done
    printf ',"history":'
    "$old" next --dir dir --history w1,w2,j3 -k 5 --json
    printf ',"get":'
    "$old" get --dir dir r0 --json
    printf ',"embed":'
    "$old" embed --dir dir --text 'a round thing' --json
    echo '}'
} >answers.json
python3 -c 'import json; json.load(open("answers.json"))'
rm -rf dir/lock dir/*-shm
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - dir media | gzip -9n >"$here/old_dir.tar.gz"
cp answers.json "$here/old_answers.json"
