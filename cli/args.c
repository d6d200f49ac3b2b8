#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/nearest.h"

static void print_help(const usage *u)
{
    /* Our own words, of several lines: they go as they are. */
    (void) printf("Usage: twindex ");
    (void) fputs(u->synopsis, stdout);
    (void) printf("\n\n");
    (void) fputs(u->about, stdout);
    (void) printf("\n");
    if (u->flags[0].name != NULL)
        (void) printf("\nOptions:\n");
    for (const flag *f = u->flags; f->name != NULL; f++) {
        char left[64], letter[8] = "    ";
        if (f->letter != 0)
            (void) snprintf(letter, sizeof letter, "-%c, ", f->letter);
        (void) snprintf(left, sizeof left, "%s--%s%s%s", letter, f->name,
                        f->argument != NULL ? " " : "", f->argument != NULL ? f->argument : "");
        (void) printf("  %-28s %s\n", left, f->help);
    }
    (void) printf("  %-28s %s\n", "    --help", "show this");
    if (u->more != NULL)
        u->more(stdout);
    (void) printf("\nExample:\n");
    (void) fputs(u->example, stdout);
    (void) printf("\n");
}

static int name_length(const usage *u) { return (int) strcspn(u->synopsis, " "); }

int wrong_usage(const usage *u, const char *fmt, ...)
{
    va_list ap;
    (void) fprintf(stderr, "twindex %.*s: ", name_length(u), u->synopsis);
    va_start(ap, fmt);
    (void) vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void) fprintf(stderr, "\nhint: twindex %.*s --help\n", name_length(u), u->synopsis);
    return EXIT_USAGE;
}

/* What flags were called before. */
static const struct {
    const char *old, *now;
} renamed[] = {{"output", "out"}};

/* The present name of a long flag. */
static void bring_up(const usage *u, const char **name, size_t *len)
{
    for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
        if (strlen(renamed[i].old) != *len || strncmp(renamed[i].old, *name, *len) != 0)
            continue;
        (void) fprintf(stderr, "note: --%s is called --%s now (twindex %.*s --help)\n",
                       renamed[i].old, renamed[i].now, name_length(u), u->synopsis);
        *name = renamed[i].now;
        *len = strlen(renamed[i].now);
    }
}

static const flag *find_flag(const usage *u, const char *name, size_t len)
{
    for (const flag *f = u->flags; f->name != NULL; f++)
        if (strlen(f->name) == len && strncmp(f->name, name, len) == 0)
            return f;
    return NULL;
}

static const flag *find_letter(const usage *u, char letter)
{
    for (const flag *f = u->flags; f->name != NULL; f++)
        if (f->letter == letter)
            return f;
    return NULL;
}

/* Returns 0, or the exit code after saying what is wrong. */
static int set_flag(const usage *u, const flag *f, const char *value)
{
    if (f->kind == FLAG_BOOL) {
        *(bool *) f->value = true;
        return 0;
    }
    if (f->kind == FLAG_TEXT) {
        *(const char **) f->value = value;
        return 0;
    }
    if (f->kind == FLAG_REAL) {
        double x;
        if (!tw_parse_f64(value, &x) || x < (double) f->least || x > (double) f->most)
            return wrong_usage(u, "--%s '%s' is no number in %lld..%lld", f->name, value,
                               (long long) f->least, (long long) f->most);
        *(double *) f->value = x;
        return 0;
    }
    int64_t v;
    if (!tw_parse_i64(value, &v) || v < f->least || v > f->most)
        return wrong_usage(u, "--%s '%s' is no whole number in %lld..%lld", f->name, value,
                           (long long) f->least, (long long) f->most);
    *(int64_t *) f->value = v;
    return 0;
}

/* len: of the name behind the dashes of a long flag. */
static int unknown_flag(const usage *u, const char *arg, size_t len)
{
    nearest n = {.word = arg + 2, .len = len};
    if (len == 0)
        return wrong_usage(u, "unknown option '%s'", arg);
    nearest_offer(&n, "help");
    for (const flag *f = u->flags; f->name != NULL; f++)
        nearest_offer(&n, f->name);
    for (int i = 0; u->settings != NULL && i < u->settings->n; i++)
        nearest_offer(&n, u->settings->list[i].key);
    if (n.name == NULL)
        return wrong_usage(u, "unknown option '%s'", arg);
    return wrong_usage(u, "unknown option '%s'; did you mean --%s?", arg, n.name);
}

/* As an other_flag_fn, for a name that ends after len bytes. */
static int take_other(const usage *u, const char *name, size_t len, const char *value)
{
    char key[64];
    if (u->other == NULL || len >= sizeof key)
        return 0;
    memcpy(key, name, len);
    key[len] = '\0';
    return u->other(u->other_ctx, key, value);
}

/* How many arguments the flag at argv[0] took; negative: the exit code, negated. */
static int take_flag(const usage *u, int argc, char **argv)
{
    const char *arg = argv[0], *equals = strchr(arg, '=');
    bool is_long = arg[1] == '-';
    const char *name = arg + (is_long ? 2 : 1);
    size_t len = equals != NULL ? (size_t) (equals - name) : strlen(name);
    if (is_long && find_flag(u, name, len) == NULL)
        bring_up(u, &name, &len);
    const flag *f = is_long ? find_flag(u, name, len) : len == 1 ? find_letter(u, name[0]) : NULL;
    const char *value = equals != NULL ? equals + 1 : argc > 1 ? argv[1] : NULL;
    int took = equals != NULL ? 1 : 2;

    if (f != NULL && f->kind == FLAG_BOOL) {
        if (equals != NULL)
            return -wrong_usage(u, "--%s takes no value", f->name);
        (void) set_flag(u, f, NULL);
        return 1;
    }
    if (f != NULL) {
        if (value == NULL)
            return -wrong_usage(u, "%s needs a value", arg);
        int rc = set_flag(u, f, value);
        return rc != 0 ? -rc : took;
    }
    const int rc = is_long ? take_other(u, name, len, value) : 0;
    if (rc != 0)
        return rc > 0 ? took : -EXIT_USAGE;
    return -unknown_flag(u, arg, is_long ? len : 0);
}

int parse_args(const usage *u, int *argc, char **argv, int least, int most)
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
            print_help(u);
            return EXIT_SUCCESS;
        }
        int took = take_flag(u, *argc - i, argv + i);
        if (took < 0)
            return -took;
        i += took;
    }
    *argc = n;
    if (u->at != NULL && u->at->dir == NULL && u->at->connect == NULL && n > 0) {
        if (place_take(u->at, argv[0])) {
            memmove(argv, argv + 1, (size_t) (*argc = --n) * sizeof *argv);
        } else if (n > most) {
            return wrong_usage(u, "'%s' is no data directory (one has a twindex.db) and no URL",
                               argv[0]);
        } else if (n >= least) {
            return wrong_usage(u, "say where: a data directory or a URL comes first, or --dir or "
                                  "--connect");
        }
    }
    if (n < least)
        return wrong_usage(u, "something is missing: twindex %s", u->synopsis);
    if (n > most)
        return wrong_usage(u, "'%s' is one argument too many", argv[most]);
    return -1;
}
