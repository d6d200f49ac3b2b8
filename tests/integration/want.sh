# tests/integration/want.sh - what the shell tests share; sourced by them, not run.
#
#     . "$(dirname "$0")/want.sh"            the test is then in a fresh folder, which is removed at its end
#     want 'a claim' 0 'pattern' COMMAND...
#     finish                                 the last line: prints the count, exit status 1 when a claim failed
#
# The last command's output, both streams, is in `out`; `program` is the first argument of the test. A server that is
# started in the background and named in `server` is ended with the test.
program=$(realpath "$1") || exit 1 # the test leaves this folder
here=$(cd "$(dirname "$0")" && pwd)
limit= # words before each command, as `timeout -s KILL 20`
server=
failures=0
count=0
work=$(mktemp -d)
clean_up()
{
    [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; }
    rm -rf "$work"
}
trap clean_up EXIT
cd "$work" || exit 1

# failed SENTENCE [FILE]: counts it, and shows what was printed.
failed()
{
    failures=$((failures + 1))
    echo "FAILED: $1"
    sed 's/^/    /' "${2:-out}"
}

# want NAME STATUS PATTERN COMMAND...: the exit status, and a pattern in what it prints on either stream.
want()
{
    name=$1 status=$2 pattern=$3
    shift 3
    count=$((count + 1))
    # shellcheck disable=SC2086 -- words
    $limit "$@" >out 2>&1
    got=$?
    if [ $got -ne "$status" ] || ! grep -q -- "$pattern" out; then
        failed "$name: exit $got (want $status), pattern '$pattern', printed:"
    fi
}

# one_line NAME STATUS PATTERN COMMAND...: as want, and what is printed is one sentence (and perhaps a hint).
one_line()
{
    want "$@"
    lines=$(grep -vc '^hint:' out)
    [ "$lines" -eq 1 ] || failed "$1: $lines lines instead of one sentence:"
}

# says NAME PATTERN: in what the last command printed.
says()
{
    count=$((count + 1))
    grep -q -- "$2" out || failed "$1: pattern '$2' is not in:"
}

# same NAME A B: two files hold the same.
same()
{
    count=$((count + 1))
    cmp -s "$2" "$3" || { diff "$2" "$3" >differs 2>&1; failed "$1 differs:" differs; }
}

# serve DIR FLAGS...: a server in the background, its URL in the variable `url`, its log in serve.log.
serve()
{
    rm -f url
    "$program" serve "$@" --url-file url >serve.log 2>&1 &
    server=$!
    for _ in $(seq 400); do
        [ -s url ] && break
        sleep 0.05
    done
    url=$(cat url 2>/dev/null) || { failed 'the server did not start' serve.log; exit 1; }
}

# stop: ends the server, which must end well.
stop()
{
    kill "$server"
    wait "$server"
    got=$?
    server=
    count=$((count + 1))
    [ $got -eq 0 ] || failed "the server did not end with 0 on SIGTERM but with $got:" serve.log
}

# finish: says how it went.
finish()
{
    echo "$((count - failures)) passed, $failures failed"
    [ $failures -eq 0 ]
}
