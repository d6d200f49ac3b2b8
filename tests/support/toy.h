/* tests/support/toy.h — a small made-up catalogue and log that models can learn
 * in a second: three genres, people who stay within one, films in a fixed order.
 */
#ifndef TW_TESTS_SUPPORT_TOY_H
#define TW_TESTS_SUPPORT_TOY_H

#include "engine/engine.h"
#include "engine/training.h"

enum { TOY_GENRES = 3, TOY_PER_GENRE = 12, TOY_ITEMS = TOY_GENRES * TOY_PER_GENRE, TOY_USERS = 60 };

/* Writes films.csv (id,title,genres) and log.csv (user,item,timestamp) into the scratch folder and
 * returns their paths. Film g*12+i+1 has id "f<n>" and title "<Genre> Story <i>". */
const char *toy_catalogue(void);
const char *toy_log(void);

/* A fresh directory NAME in the scratch folder, opened for writing; loaded when `load`. */
tw_engine *toy_engine(const char *name, bool load);

/* A directory that is there; on one thread. */
tw_engine *toy_open(const char *dir, tw_engine_mode mode);
tw_engine_stats toy_stats(tw_engine *e);

/* Trains both models in about a second. */
void toy_train(tw_engine *e);
/* One of them with opt, but so that it serves whatever came of it, and is not evaluated. */
void toy_train_towers(tw_engine *e, tw_train_options opt);
void toy_train_seq(tw_engine *e, tw_train_options opt);

/* How many rows of an answer are films of a genre. */
int toy_of_genre(const tw_answer *a, const char *genre);

/* What tw_engine_check finds: pass it toy_collect and one of these. */
typedef struct toy_findings {
    int n;
    char all[4096]; /* a line each, as many as fit */
} toy_findings;
void toy_collect(void *ctx, const char *what);

/* The configurations that toy_train uses. */
extern const char *const TOY_TOWERS, *const TOY_SEQ;

#endif
