/* tests/support/toy.h — a small made-up catalogue and log that models can learn
 * in a second: three genres, people who stay within one, films in a fixed order.
 */
#ifndef TW_TESTS_SUPPORT_TOY_H
#define TW_TESTS_SUPPORT_TOY_H

#include "engine/engine.h"

enum { TOY_GENRES = 3, TOY_PER_GENRE = 12, TOY_ITEMS = TOY_GENRES * TOY_PER_GENRE, TOY_USERS = 60 };

/* Writes films.csv (id,title,genres) and log.csv (user,item,timestamp) into the scratch folder and
 * returns their paths. Film g*12+i+1 has id "f<n>" and title "<Genre> Story <i>". */
const char *toy_catalogue(void);
const char *toy_log(void);

/* A fresh directory NAME in the scratch folder, opened for writing; loaded when `load`. */
tw_engine *toy_engine(const char *name, bool load);

/* Trains both models in about a second. */
void toy_train(tw_engine *e);

/* The configurations that toy_train uses. */
extern const char *const TOY_TOWERS, *const TOY_SEQ;

#endif
