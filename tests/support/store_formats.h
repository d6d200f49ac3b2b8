/* tests/support/store_formats.h — a store as an earlier twindex left it, as SQL.
 *
 * Written down once from what that format's own code made, and never changed
 * after: three items (one deleted), vectors of one model, two users, four
 * events, two models, a setting and a mark.
 */
#ifndef TW_TESTS_SUPPORT_STORE_FORMATS_H
#define TW_TESTS_SUPPORT_STORE_FORMATS_H

static const char store_format_1[] =
    "PRAGMA journal_mode = WAL;"
    "BEGIN;"
    "CREATE TABLE counts("
    "  one INTEGER PRIMARY KEY CHECK(one = 1), seq INTEGER NOT NULL, items INTEGER NOT NULL,"
    "  deleted INTEGER NOT NULL, users INTEGER NOT NULL, events INTEGER NOT NULL);"
    "CREATE TABLE items("
    "  row INTEGER PRIMARY KEY, seq INTEGER NOT NULL, live INTEGER NOT NULL,"
    "  id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, fold INTEGER);"
    "CREATE TABLE contents("
    "  row INTEGER PRIMARY KEY, attributes TEXT NOT NULL, image TEXT NOT NULL,"
    "  audio TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE UNIQUE INDEX items_seq ON items(seq);"
    "CREATE INDEX items_fold ON items(fold) WHERE live = 1;"
    "CREATE TABLE vectors("
    "  seq INTEGER PRIMARY KEY, model INTEGER NOT NULL,"
    "  row INTEGER NOT NULL REFERENCES items(row), vec BLOB);"
    "CREATE UNIQUE INDEX vectors_row ON vectors(model, row);"
    "CREATE TABLE spaces(model INTEGER PRIMARY KEY, dim INTEGER NOT NULL, vectors INTEGER NOT "
    "NULL);"
    "CREATE TABLE users(row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);"
    "CREATE TABLE events("
    "  user INTEGER NOT NULL REFERENCES users(row), time INTEGER NOT NULL,"
    "  item INTEGER NOT NULL REFERENCES items(row), seq INTEGER NOT NULL, rating REAL, value REAL,"
    "  PRIMARY KEY(user, time, item)) WITHOUT ROWID;"
    "CREATE TABLE models("
    "  version INTEGER PRIMARY KEY, active INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE marks("
    "  key TEXT PRIMARY KEY, bytes INTEGER NOT NULL, lines INTEGER NOT NULL, rows INTEGER NOT NULL,"
    "  rejected INTEGER NOT NULL, done INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO items VALUES(1, 1, 1, '1', 'Toy Story', 6888921407132340441),"
    "  (2, 11, 0, 'gone', '', NULL), (3, 3, 1, 's-3', 'Stra\xc3\x9f"
    "e', 121680998488950204);"
    "INSERT INTO contents VALUES(1, '{\"year\":1995}', 'media/1.png', '', 'Toys come alive.'),"
    "  (3, '{}', '', '', '');"
    "INSERT INTO vectors VALUES(4, 1, 1, x'0000803f00000000'), (12, 1, 2, NULL),"
    "  (6, 1, 3, x'000000000000803f');"
    "INSERT INTO spaces VALUES(1, 2, 2);"
    "INSERT INTO users VALUES(1, 'ann'), (2, 'bob');"
    "INSERT INTO events VALUES(1, 100, 1, 7, 4.5, NULL), (1, 200, 2, 8, NULL, NULL),"
    "  (1, 300, 3, 9, NULL, 12.25), (2, -5, 3, 10, 3, NULL);"
    "INSERT INTO models VALUES(1, 1, '{\"towers\":1}'), (2, 0, '{}');"
    "INSERT INTO meta VALUES('k', 'v');"
    "INSERT INTO marks VALUES('file', 100, 10, 9, 1, 1);"
    "INSERT INTO counts VALUES(1, 15, 2, 1, 2, 4);"
    "PRAGMA application_id = 0x74776478; PRAGMA user_version = 1;"
    "COMMIT;";

#endif
