/* What every command does around its own work. */
#include "cli/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/nearest.h"

/* The last word of a name: what chooses it among others. */
static const char *own_word(const command *c)
{
    const char *blank = strrchr(c->name, ' ');
    return blank != NULL ? blank + 1 : c->name;
}

/* ---- commands of commands -------------------------------------------------------------------- */

static int no_such(const command *c, const char *word)
{
    char list[200] = "";
    size_t len = 0;
    nearest n = {.word = word, .len = word != NULL ? strlen(word) : 0};

    for (int i = 0; c->subs[i] != NULL; i++) {
        const char *before = i == 0 ? "" : c->subs[i + 1] != NULL ? ", " : " or ";
        nearest_offer(&n, own_word(c->subs[i]));
        len +=
            (size_t) snprintf(list + len, sizeof list - len, "%s%s", before, own_word(c->subs[i]));
    }
    if (word == NULL)
        return wrong_usage(c, "say what to %s: %s", c->name, list);
    if (word[0] == '-')
        return wrong_usage(c, "unknown option '%.40s'; what to %s comes first: %s", word, c->name,
                           list);
    if (n.name == NULL)
        return wrong_usage(c, "what to %s is '%.40s'; give %s", c->name, word, list);
    return wrong_usage(c, "what to %s is '%.40s'; did you mean %s?", c->name, word, n.name);
}

static int run_sub(const command *c, int argc, char **argv)
{
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        print_help(c);
        return EXIT_SUCCESS;
    }
    for (int i = 0; argc > 0 && c->subs[i] != NULL; i++)
        if (strcmp(argv[0], own_word(c->subs[i])) == 0)
            return command_run(c->subs[i], argc - 1, argv + 1);
    return no_such(c, argc > 0 ? argv[0] : NULL);
}

/* ---- one command ----------------------------------------------------------------------------- */

static bool opens_directory(const command *c)
{
    return c->opens == OPENS_TO_READ || c->opens == OPENS_TO_WRITE;
}

static bool opens_backend(const command *c)
{
    return c->opens == OPENS_TO_ASK || c->opens == OPENS_TO_CHANGE;
}

static tw_status open_what_it_needs(call *k, tw_error *err)
{
    const basics *b = k->values;
    if (opens_backend(k->of))
        return backend_open(&k->backend, &b->at, k->of->opens == OPENS_TO_CHANGE, err);
    if (!opens_directory(k->of))
        return TW_OK;
    const tw_engine_options opt = {.mode = k->of->opens == OPENS_TO_WRITE ? TW_ENGINE_WRITE
                                                                          : TW_ENGINE_READ,
                                   .threads = (int) b->threads};
    return tw_engine_open(&k->engine, k->dir, &opt, err);
}

static void print_report(const call *k)
{
    const basics *b = k->values;
    if (b->json)
        (void) (print_json_text(stdout, k->report) + printf("\n"));
    else if (k->of->print != NULL)
        k->of->print(k->report);
    (void) fflush(stdout); /* before what is said on stderr */
}

static int work(call *k)
{
    tw_error err = {0};
    const command *c = k->of;
    const basics *b = k->values;

    if (c->meter != NULL) {
        catch_interrupts(c->stopping != NULL ? c->stopping : STOP_WORK);
        meter_start(&k->meter, c->meter, b->quiet);
    }
    tw_status st = open_what_it_needs(k, &err);
    if (st == TW_OK)
        st = c->run(k, &err);
    if (c->meter != NULL)
        meter_end(&k->meter, st == TW_OK);
    if (k->report != NULL) /* it is there even where what follows it failed */
        print_report(k);
    if (st == TW_OK && c->after != NULL)
        st = c->after(k, &err);
    const int rc = st == TW_OK ? k->exit_code : failed(&err);
    tw_free(k->report);
    tw_engine_close(k->engine);
    backend_close(&k->backend);
    return rc;
}

/* Returns -1 to go on, or an exit code. */
static int read_arguments(call *k, int argc, char **argv)
{
    const command *c = k->of;
    const int dirs = opens_directory(c) ? 1 : 0;
    int rc = parse_args(c, k->values, &argc, argv, c->least + dirs, c->most + dirs);
    if (rc >= 0)
        return rc;
    k->dir = dirs > 0 ? argv[0] : NULL;
    k->words = argv + dirs;
    k->n = argc - dirs;
    return c->check != NULL ? c->check(k) : -1;
}

int command_run(const command *c, int argc, char **argv)
{
    if (c->subs != NULL)
        return run_sub(c, argc, argv);
    if (c->variant != NULL)
        c = c->variant(argc, argv);
    const size_t size = c->size > 0 ? c->size : sizeof(basics);
    call k = {.of = c, .values = tw_alloc(1, size)};
    if (k.values == NULL)
        return failed(&(tw_error){.code = TW_ENOMEM, .msg = "the command's flags"});
    if (c->defaults != NULL)
        memcpy(k.values, c->defaults, size);
    if (opens_backend(c))
        ((basics *) k.values)->at.timeout_ms = TW_CLIENT_TIMEOUT_MS;
    int rc = read_arguments(&k, argc, argv);
    if (rc < 0)
        rc = work(&k);
    if (c->fini != NULL)
        c->fini(&k);
    tw_free(k.values);
    return rc;
}
