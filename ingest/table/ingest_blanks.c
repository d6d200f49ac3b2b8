/* Logs and tables whose columns stand between blanks: which of them a file is. */
#include <string.h>

#include "ingest/internal.h"

enum { LOOK_LINES = 20, MOST_WORDS = 64 };

/* The next word of a line from *at on, without quotes around it, into out. */
static bool next_word(twi_head_line l, size_t *at, char out[MOST_WORDS])
{
    while (*at < l.len && (l.s[*at] == ' ' || l.s[*at] == '\t'))
        (*at)++;
    size_t from = *at, end = from;
    while (end < l.len && l.s[end] != ' ' && l.s[end] != '\t')
        end++;
    *at = end;
    const bool quoted = end - from > 1 && l.s[from] == '"' && l.s[end - 1] == '"';
    const size_t len = end - from - (quoted ? 2 : 0);
    (void) snprintf(out, MOST_WORDS, "%.*s", (int) (len < MOST_WORDS ? len : MOST_WORDS - 1),
                    l.s + from + quoted);
    return end > from;
}

/* Whether the words are a header: each column that a row needs has its name among them. */
static bool is_header(tw_ingest_kind kind, twi_head_line l)
{
    twi_role first, last, needed;
    char word[MOST_WORDS];
    twi_roles_of(kind, &first, &last);
    needed = twi_last_needed(kind);
    for (twi_role role = first; role <= needed; role++) {
        bool found = false;
        for (size_t at = 0; !found && next_word(l, &at, word);)
            found = twi_name_score(role, word) >= TWI_SCORE_GUESSED;
        if (!found)
            return false;
    }
    return true;
}

/* How many words the first lines have. */
typedef struct word_counts {
    int most;
    int lines, like_first; /* those that have as many as the first */
    bool numbers;          /* all of them are whole numbers */
} word_counts;

static word_counts count_words(const twi_source *s)
{
    word_counts c = {.numbers = true};
    twi_head_line l;
    size_t at = 0;
    for (int first = 0; c.lines < LOOK_LINES && twi_head_next(s, &at, &l); c.lines++) {
        bool numbers;
        if (s->start + at == s->end && !s->ended)
            break; /* cut off by the window's end */
        const int n = twi_words(l, &numbers);
        first = c.lines == 0 ? n : first;
        c.numbers = c.numbers && numbers;
        c.most = n > c.most ? n : c.most;
        c.like_first += n == first;
    }
    return c;
}

bool twi_is_list_a_line(const twi_source *s)
{
    const word_counts c = count_words(s);
    return c.numbers && c.lines > 1 && c.most > 4 && c.like_first * 2 <= c.lines;
}

tw_ingest_format twi_detect_blanks(const twi_source *s, tw_ingest_kind kind, twi_head_line l)
{
    bool numbers;
    const int n = twi_words(l, &numbers);
    const bool tabs = memchr(l.s, '\t', l.len) != NULL;
    const word_counts c = count_words(s);
    const bool log = n == 2 || (n == 3 && kind == TW_INGEST_EVENTS);
    if (n < 2 || tabs)
        return log && numbers ? TW_FORMAT_SASREC : TW_FORMAT_AUTO;
    if (is_header(kind, l) || (l.s[0] == '"' && l.s[l.len - 1] == '"'))
        return TW_FORMAT_CSV;
    if (n == 2)
        return numbers || kind == TW_INGEST_EVENTS ? TW_FORMAT_SASREC : TW_FORMAT_AUTO;
    const bool alike = c.like_first * 2 > c.lines;
    return kind == TW_INGEST_EVENTS && c.most <= 4 && alike ? TW_FORMAT_SASREC : TW_FORMAT_AUTO;
}

int twi_log_columns(const twi_source *s, bool *third_is_time)
{
    char word[MOST_WORDS];
    twi_head_line l;
    int n = 0;
    bool numbers;
    *third_is_time = true;
    size_t at = 0;
    for (int i = 0; i < LOOK_LINES && twi_head_next(s, &at, &l); i++) {
        size_t in = 0;
        if (i == 0)
            n = twi_words(l, &numbers);
        for (int k = 0; k < 2; k++)
            (void) next_word(l, &in, word);
        *third_is_time = *third_is_time && next_word(l, &in, word) && twi_time_is_stamp(word);
    }
    return n < 2 ? 2 : n > 4 ? 4 : n;
}
