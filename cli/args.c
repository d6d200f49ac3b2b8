#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/nearest.h"

enum { HELP_AT = 31, HELP_COLUMNS = 80 };

void print_entry(FILE *out, const char *left, const char *text)
{
    const int wide = (int) strlen(left) + 2;
    int at = wide > HELP_AT - 1 ? wide : HELP_AT - 1; /* columns so far */
    (void) fprintf(out, "  %-*s", HELP_AT - 3, left);
    for (bool first = true; *text != '\0'; first = false) {
        const int word = (int) strcspn(text, " ");
        if (!first && at + 1 + word > HELP_COLUMNS) {
            (void) fprintf(out, "\n%*s", HELP_AT - 1, "");
            at = HELP_AT - 1;
        }
        (void) fprintf(out, " %.*s", word, text);
        at += 1 + word;
        text += word + (text[word] == ' ');
    }
    (void) fprintf(out, "\n");
}

static void print_flags(const flag *flags)
{
    for (const flag *f = flags; f != NULL && f->name != NULL; f++) {
        char left[64], letter[8] = "    ";
        if (f->letter != 0)
            (void) snprintf(letter, sizeof letter, "-%c, ", f->letter);
        (void) snprintf(left, sizeof left, "%s--%s%s%s", letter, f->name,
                        f->argument != NULL ? " " : "", f->argument != NULL ? f->argument : "");
        print_entry(stdout, left, f->help);
    }
    print_entry(stdout, "    --help", "show this");
}

void print_help(const command *c)
{
    /* Our own words, of several lines: they go as they are. */
    (void) printf("Usage: twindex ");
    (void) fputs(c->synopsis, stdout);
    (void) printf("\n\n");
    (void) fputs(c->about, stdout);
    (void) printf("\n\n");
    for (int i = 0; c->subs != NULL && c->subs[i] != NULL; i++)
        (void) printf("  twindex %-14s %s\n", c->subs[i]->name, c->subs[i]->summary);
    if (c->subs == NULL) {
        (void) printf("Options:\n");
        print_flags(c->flags);
    }
    if (c->more != NULL)
        c->more(stdout);
    (void) printf("\nExample:\n");
    (void) fputs(c->example, stdout);
    (void) printf("\n");
}

int wrong_usage(const command *c, const char *fmt, ...)
{
    va_list ap;
    (void) fprintf(stderr, "twindex %s: ", c->name);
    va_start(ap, fmt);
    (void) vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void) fprintf(stderr, "\nhint: twindex %s --help\n", c->name);
    return EXIT_USAGE;
}

/* What flags were called before. */
static const struct {
    const char *old, *now;
} renamed[] = {{"output", "out"}, {"content", "item-features"}};

/* The present name of a long flag. */
static void bring_up(const command *c, const char **name, size_t *len)
{
    for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
        if (strlen(renamed[i].old) != *len || strncmp(renamed[i].old, *name, *len) != 0)
            continue;
        (void) fprintf(stderr, "note: --%s is called --%s now (twindex %s --help)\n",
                       renamed[i].old, renamed[i].now, c->name);
        *name = renamed[i].now;
        *len = strlen(renamed[i].now);
    }
}

static const flag *find_flag(const command *c, const char *name, size_t len)
{
    for (const flag *f = c->flags; f != NULL && f->name != NULL; f++)
        if (strlen(f->name) == len && strncmp(f->name, name, len) == 0)
            return f;
    return NULL;
}

static const flag *find_letter(const command *c, char letter)
{
    for (const flag *f = c->flags; f != NULL && f->name != NULL; f++)
        if (f->letter == letter)
            return f;
    return NULL;
}

/* Returns 0, or the exit code after saying what is wrong. */
static int set_flag(const command *c, void *values, const flag *f, const char *value)
{
    void *at = (char *) values + f->at;
    if (f->kind == FLAG_BOOL) {
        *(bool *) at = true;
        return 0;
    }
    if (f->kind == FLAG_TEXT) {
        *(const char **) at = value;
        return 0;
    }
    if (f->kind == FLAG_REAL) {
        double x;
        if (!tw_parse_f64(value, &x) || x < (double) f->least || x > (double) f->most)
            return wrong_usage(c, "--%s '%s' is no number in %lld..%lld", f->name, value,
                               (long long) f->least, (long long) f->most);
        *(double *) at = x;
        return 0;
    }
    int64_t v;
    if (!tw_parse_i64(value, &v) || v < f->least || v > f->most)
        return wrong_usage(c, "--%s '%s' is no whole number in %lld..%lld", f->name, value,
                           (long long) f->least, (long long) f->most);
    *(int64_t *) at = v;
    return 0;
}

/* len: of the name behind the dashes of a long flag. */
static int unknown_flag(const command *c, const char *arg, size_t len)
{
    nearest n = {.word = arg + 2, .len = len};
    if (len == 0)
        return wrong_usage(c, "unknown option '%s'", arg);
    nearest_offer(&n, "help");
    for (const flag *f = c->flags; f != NULL && f->name != NULL; f++)
        nearest_offer(&n, f->name);
    for (int i = 0; c->settings != NULL && i < c->settings->n; i++)
        nearest_offer(&n, c->settings->list[i].key);
    if (n.name == NULL)
        return wrong_usage(c, "unknown option '%s'", arg);
    return wrong_usage(c, "unknown option '%s'; did you mean --%s?", arg, n.name);
}

/* A name that ends after len bytes, for the command's own list. */
static int take_other(const command *c, void *values, const char *name, size_t len,
                      const char *value)
{
    char key[64];
    if (c->take == NULL || len >= sizeof key)
        return 0;
    memcpy(key, name, len);
    key[len] = '\0';
    return c->take(c, values, key, value);
}

/* How many arguments the flag at argv[0] took; negative: the exit code, negated. */
static int take_flag(const command *c, void *values, int argc, char **argv)
{
    const char *arg = argv[0], *equals = strchr(arg, '=');
    bool is_long = arg[1] == '-';
    const char *name = arg + (is_long ? 2 : 1);
    size_t len = equals != NULL ? (size_t) (equals - name) : strlen(name);
    if (is_long && find_flag(c, name, len) == NULL)
        bring_up(c, &name, &len);
    const flag *f = is_long ? find_flag(c, name, len) : len == 1 ? find_letter(c, name[0]) : NULL;
    const char *value = equals != NULL ? equals + 1 : argc > 1 ? argv[1] : NULL;
    int took = equals != NULL ? 1 : 2;

    if (f != NULL && f->kind == FLAG_BOOL) {
        if (equals != NULL)
            return -wrong_usage(c, "--%s takes no value", f->name);
        (void) set_flag(c, values, f, NULL);
        return 1;
    }
    if (f != NULL) {
        if (value == NULL)
            return -wrong_usage(c, "%s needs a value", arg);
        int rc = set_flag(c, values, f, value);
        return rc != 0 ? -rc : took;
    }
    const int rc = is_long ? take_other(c, values, name, len, value) : 0;
    if (rc != 0)
        return rc > 0 ? took : -EXIT_USAGE;
    return -unknown_flag(c, arg, is_long ? len : 0);
}

/* The first of n words as the place, where no flag says it. Returns -1, or an exit code. */
static int take_place(const command *c, void *values, int *n, char **words, int least, int most)
{
    place *at = &((basics *) values)->at.at;
    if (at->dir != NULL && at->connect != NULL)
        return wrong_usage(c, "give one of --dir and --connect");
    if (at->dir != NULL || at->connect != NULL)
        return -1;
    if (*n > 0 && place_take(at, words[0])) {
        memmove(words, words + 1, (size_t)-- * n * sizeof *words);
        return -1;
    }
    if (*n > most)
        return wrong_usage(c, "'%s' is no data directory (one has a twindex.db) and no URL",
                           words[0]);
    if (*n >= least)
        return wrong_usage(
            c, "say where: a data directory or a URL comes first, or --dir or --connect");
    return -1;
}

int parse_args(const command *c, void *values, int *argc, char **argv, int least, int most)
{
    bool only_words = false;
    int n = 0;
    for (int i = 0; i < *argc;) {
        char *arg = argv[i];
        if (!only_words && strcmp(arg, "--") == 0) {
            only_words = true;
            i++;
            continue;
        }
        if (only_words || arg[0] != '-' || arg[1] == '\0') {
            argv[n++] = arg; /* n <= i: words move to the front */
            i++;
            continue;
        }
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            print_help(c);
            return EXIT_SUCCESS;
        }
        int took = take_flag(c, values, *argc - i, argv + i);
        if (took < 0)
            return -took;
        i += took;
    }
    if (c->opens == OPENS_TO_ASK || c->opens == OPENS_TO_CHANGE) {
        const int rc = take_place(c, values, &n, argv, least, most);
        if (rc >= 0)
            return rc;
    }
    *argc = n;
    if (n < least)
        return wrong_usage(c, "something is missing: twindex %s", c->synopsis);
    if (n > most)
        return wrong_usage(c, "'%s' is one argument too many", argv[most]);
    return -1;
}
