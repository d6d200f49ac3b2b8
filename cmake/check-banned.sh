#!/bin/sh
# Calls that have a better way here, as a table: names | where they are allowed | the better way.
# Comments and strings do not count, nor do members (x->free(...)), nor a line that says why it must:
#     free(text); // banned-ok: jansson's own block
#
#     sh cmake/check-banned.sh [ROOT]        exit 1 and one line FILE:LINE: reason for each breach
set -eu
export LC_ALL=C
cd "${1:-.}"

rules=$(mktemp)
files=$(mktemp)
trap 'rm -f "$rules" "$files"' EXIT
cat >"$rules" <<'TABLE'
malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf posix_memalign aligned_alloc | ^base/alloc\.c$|^tests/|^bench/ | the heap has one door, base/alloc.h
sprintf vsprintf strcpy strcat strncpy strncat stpcpy gets strtok alloca | ^$ | it cannot be bounded; snprintf or base/text.h
atoi atol atoll atof | ^$ | it cannot report an error; base/text.h
exit abort perror printf vprintf | ^cli/|^tests/|^bench/ | a library returns a tw_status; only cli/ prints and exits
puts putchar perror fputs | ^cli/(print|args|vector_file)\.c$|^tests/|^bench/ | what others wrote is made printable first: printf of cli/print.h
rand srand random srandom drand48 lrand48 time gettimeofday clock clock_gettime localtime gmtime | ^base/ | randomness is a tw_rng passed in, time is base/clock.h
open openat creat fopen freopen sf_open gzopen mkfifo | ^(base|tests|bench)/ | base/file.h opens regular files alone and waits for nobody
getenv secure_getenv | ^(base|nn|cli|tests|bench)/ | settings are arguments, not the environment
setenv unsetenv putenv | ^(nn|cli|tests|bench)/ | only nn/ may, for its re-exec
execve execv execvp execvpe execl execlp fexecve posix_spawn fork vfork | ^(nn|cli|tests|bench)/ | only nn/ and cli/ may, to be executed again
system popen | ^tests/ | no shell
sleep usleep nng_msleep | ^$ | wait for a result, with a deadline, never for time to pass
setlocale | ^$ | numbers are read and written in the C locale
TABLE

find base nn metrics towers seqmodel index store ingest engine rpc cli bench tests -type f \
    \( -name '*.[ch]' -o -name '*.cpp' \) 2>/dev/null | sort >"$files"
[ -s "$files" ] || { echo "check-banned: no source file found under $(pwd)"; exit 1; }

xargs awk -v rules="$rules" '
function complain(why) { print FILENAME ":" FNR ": " why; bad = 1 }

# The line without comments, strings and characters. `within` remembers an open comment.
function code(line,    out, at) {
    out = ""
    while (line != "") {
        if (within) {
            at = index(line, "*/")
            if (!at) return out
            line = substr(line, at + 2)
            within = 0
        } else if (match(line, /"([^"\\]|\\.)*"|\x27([^\x27\\]|\\.)*\x27|\/\/.*|\/\*/)) {
            out = out substr(line, 1, RSTART - 1) " "
            if (substr(line, RSTART, 2) == "/*") within = 1
            line = substr(line, RSTART + RLENGTH)
        } else {
            return out line
        }
    }
    return out
}

BEGIN {
    while ((getline line < rules) > 0) {
        # The middle column holds a regular expression with bars, so it is what lies between the outer two.
        first = index(line, " | ")
        names = substr(line, 1, first - 1)
        rest = substr(line, first + 3)
        second = index(rest, " | ")
        n = split(names, name, " ")
        for (i = 1; i <= n; i++) {
            where[name[i]] = substr(rest, 1, second - 1)
            better[name[i]] = substr(rest, second + 3)
        }
    }
}

FNR == 1 { within = 0; count++ }

/TODO|FIXME/ && !/(TODO|FIXME)\(#[0-9]+\)/ {
    complain("a note for later names its issue: TODO(#12)")
}

{
    line = code($0)
    if ($0 ~ /banned-ok: [^ ]/) next
    if (line ~ /^[ \t]*#[ \t]*if[ \t]+0[ \t]*$/) complain("delete it; git remembers")
    before = ""
    while (match(line, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
        word = substr(line, RSTART, RLENGTH)
        sub(/[ \t]*\($/, "", word)
        before = substr(line, RSTART > 1 ? RSTART - 1 : 1, RSTART > 1 ? 1 : 0)
        if ((word in where) && before !~ /[.>]/ && FILENAME !~ where[word])
            complain(word "(): " better[word])
        line = substr(line, RSTART + RLENGTH)
    }
}

END { if (!count) { print "check-banned: nothing was read"; bad = 1 } exit bad }
' <"$files"
