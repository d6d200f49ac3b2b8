#!/bin/sh
# Trains the sequential model from scratch on an interaction log and measures it by every protocol.
#
#     bench/quality/seq_quality.sh FILE OUT.json [--preset NAME] [SETTING...]
#
# FILE is a log in any format that `twindex events` reads. A preset is bench/presets/NAME.json; without one it
# is chosen by the length of the histories: "long" from a mean of 50 events a user on, else "short". Further
# arguments go to `twindex eval seq --events` (--seed 2, --epochs 10).
#
# OUT.json gets test.authors.hr_at_10, test.sampled100.*, test.full.*, the same under popularity, item_knn and
# markov, seed, command, data_sha256, seconds, epochs, config. OUT.json.log has a line an epoch, and a run that
# was killed goes on from OUT.json.checkpoint when the same command is given again.
set -eu
export LC_ALL=C

usage() { echo "usage: bench/quality/seq_quality.sh FILE OUT.json [--preset NAME] [SETTING...]" >&2; exit 2; }
[ $# -ge 2 ] || usage
command="bench/quality/seq_quality.sh $*"
file=$1 out=$2
shift 2
preset=
if [ "${1:-}" = --preset ]; then
    [ $# -ge 2 ] || usage
    preset=$2
    shift 2
fi
[ -r "$file" ] || { echo "seq_quality: cannot read '$file'" >&2; exit 1; }
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${TWINDEX:-$root/build/twindex}
[ -x "$program" ] || make -C "$root" program >&2

# The mean length is all that is looked at: rows by distinct first fields that are not a header.
if [ -z "$preset" ]; then
    preset=$({ case $file in *.gz) gzip -dc "$file" ;; *) cat "$file" ;; esac; } |
        awk -F '[ \t,:]+' '{ n++; if (!($1 in seen)) { seen[$1]; users++ } }
            END { print (users > 0 && n / users >= 50 ? "long" : "short") }')
    echo "seq_quality: preset $preset, by the length of the histories" >&2
fi
config=$root/bench/presets/$preset.json
[ -r "$config" ] || { echo "seq_quality: there is no preset '$preset'; see $root/bench/presets" >&2; exit 1; }

"$program" eval seq --events "$file" --config "$config" --metrics "$out.log" \
    --checkpoint "$out.checkpoint" --json "$@" >"$out.part"

# The report's first line is its opening brace: what is known only here comes behind it.
quoted() { printf '%s' "$1" | sed 's/[\\"]/\\&/g' | tr '\n\t' '  '; }
{
    printf '{\n  "command": "%s",\n' "$(quoted "$command")"
    printf '  "data_sha256": "%s",\n' "$(sha256sum "$file" | cut -d ' ' -f 1)"
    printf '  "preset": "%s",\n' "$(quoted "$preset")"
    printf '  "program": "%s",\n' "$(quoted "$("$program" --version)")"
    sed 1d "$out.part"
} >"$out.whole"
mv "$out.whole" "$out"
rm -f "$out.part"
echo "seq_quality: wrote $out" >&2
