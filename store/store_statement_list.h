/* store/store_statement_list.h — every SQL statement of the store, by name. Internal to store/.
 *
 * A new statement is one line here; twi_prepare (store_statement.h) finds it by its number.
 */
#ifndef TW_STORE_STORE_STATEMENT_LIST_H
#define TW_STORE_STORE_STATEMENT_LIST_H

#include "store/store.h"

/* The columns of an item, in the order that twi_read_item expects. */
#define TWI_ITEM_COLUMNS                                                                           \
    "i.row, i.seq, i.live, i.id, i.title, c.text, c.attributes, c.image, c.audio, i.sum, c.sum"
#define TWI_ITEM_TABLES "items i LEFT JOIN contents c ON c.row = i.row"

/* Every statement: name and text, once. A checksum is always written as one letter, a dot and "sum"
 * or "tot": in a store of the first format, which has none, twi_prepare puts NULL there. */
#define TWI_STATEMENTS(X)                                                                          \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(COUNTS_GET, "SELECT seq, items, deleted, users, events FROM counts WHERE one = 1")           \
    X(COUNTS_SET, "UPDATE counts SET seq = ?1, items = ?2, deleted = ?3, users = ?4, "             \
                  "events = ?5 WHERE one = 1")                                                     \
    X(SUMS_GET, "SELECT store, shape, commits, items, contents, users, events, small, sum "        \
                "FROM sums WHERE one = 1")                                                         \
    X(SUMS_SET, "UPDATE sums SET store = ?1, shape = ?2, commits = ?3, items = ?4, "               \
                "contents = ?5, users = ?6, events = ?7, small = ?8, sum = ?9 WHERE one = 1")      \
    X(SUM_ITEMS, "SELECT twi_add(twi_row(100, 1, sum)) FROM items")                                \
    X(SUM_CONTENTS, "SELECT twi_add(twi_row(100, 2, sum)) FROM contents")                          \
    X(SUM_SPACE, "SELECT twi_add(twi_row(100, 3, sum)) FROM vectors WHERE model = ?1")             \
    X(SUM_SMALL, "SELECT twi_add(x) FROM (SELECT twi_row(100, 6, sum) AS x FROM models UNION ALL " \
                 "SELECT twi_row(100, 7, sum) FROM meta UNION ALL "                                \
                 "SELECT twi_row(100, 8, sum) FROM marks)")                                        \
    X(ITEM_BY_ID, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES " WHERE i.id = ?1")          \
    X(ITEM_BY_ROW, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES " WHERE i.row = ?1")        \
    X(ITEM_ROW, "SELECT row, live FROM items WHERE id = ?1")                                       \
    X(ITEM_BY_NFC, "SELECT row, live, id FROM items WHERE nfc = ?1 ORDER BY live DESC, row")       \
    X(ITEM_LAST, "SELECT max(row) FROM items")                                                     \
    X(ITEM_LIVE, "SELECT live FROM items WHERE row = ?1")                                          \
    X(ITEM_NAME,                                                                                   \
      "SELECT i.row, i.seq, i.live, i.id, i.title, i.sum FROM items i WHERE i.row = ?1")           \
    X(NAMES_SINCE, "SELECT row, seq, live, id, title FROM items WHERE seq > ?1 "                   \
                   "ORDER BY seq LIMIT ?2")                                                        \
    X(ITEM_BY_FOLD, "SELECT row, title FROM items WHERE fold = ?1 AND live = 1 ORDER BY row")      \
    X(ITEM_INSERT, "INSERT INTO items(seq, live, title, fold, sum, row, id, nfc) "                 \
                   "VALUES(?1, 1, ?2, ?3, ?4, ?5, ?6, ?7)")                                        \
    X(ITEM_UPDATE, "UPDATE items SET seq = ?1, live = 1, title = ?2, fold = ?3, sum = ?4 "         \
                   "WHERE row = ?5")                                                               \
    X(ITEM_CLEAR, "UPDATE items SET seq = ?1, live = 0, title = '', fold = NULL, sum = ?2 "        \
                  "WHERE row = ?3")                                                                \
    X(CONTENT_SET, "INSERT OR REPLACE INTO contents(row, attributes, image, audio, text, sum) "    \
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                               \
    X(CONTENT_DROP, "DELETE FROM contents WHERE row = ?1")                                         \
    X(ITEMS_LIVE, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES                              \
                  " WHERE i.row > ?1 AND i.live = 1 ORDER BY i.row")                               \
    X(ITEMS_SINCE,                                                                                 \
      "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES " WHERE i.seq > ?1 ORDER BY i.seq")      \
    X(ITEMS_PENDING, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES                           \
                     " LEFT JOIN vectors v ON v.model = ?2 AND v.row = i.row "                     \
                     "WHERE i.row > ?1 AND i.live = 1 AND (v.seq IS NULL OR v.seq < i.seq) "       \
                     "ORDER BY i.row")                                                             \
    X(SPACES, "SELECT model, dim, vectors FROM spaces ORDER BY model DESC")                        \
    X(SPACE_GET, "SELECT s.dim, s.vectors, s.tot, s.sum FROM spaces s WHERE s.model = ?1")         \
    X(SPACE_SET, "INSERT INTO spaces(model, dim, vectors, tot, sum) VALUES(?1, ?2, ?3, ?4, ?5) "   \
                 "ON CONFLICT(model) DO UPDATE SET dim = excluded.dim, "                           \
                 "vectors = excluded.vectors, tot = excluded.tot, sum = excluded.sum")             \
    X(SPACE_DROP, "DELETE FROM spaces WHERE model = ?1")                                           \
    X(VECTOR_ONE, "SELECT v.seq, v.row, v.vec, v.sum FROM vectors v "                              \
                  "WHERE v.model = ?1 AND v.row = ?2")                                             \
    X(VECTOR_INSERT, "INSERT INTO vectors(seq, model, row, vec, sum) VALUES(?1, ?2, ?3, ?4, ?5)")  \
    X(VECTOR_UPDATE,                                                                               \
      "UPDATE vectors SET seq = ?1, vec = ?4, sum = ?5 WHERE model = ?2 AND row = ?3")             \
    X(VECTORS_SINCE,                                                                               \
      "SELECT v.seq, v.row, v.vec, v.sum FROM vectors v WHERE v.seq > ?1 AND +v.model = ?2 "       \
      "ORDER BY v.seq") /* + : read the table in order, do not sort */                             \
    X(VECTORS_DROP, "DELETE FROM vectors WHERE model = ?1")                                        \
    X(USER_ROW, "SELECT row FROM users WHERE key = ?1")                                            \
    X(USER_KEY, "SELECT u.row, u.key, u.sum FROM users u WHERE u.row = ?1")                        \
    X(USER_LAST, "SELECT max(row) FROM users")                                                     \
    X(USER_INSERT, "INSERT INTO users(row, key, sum) VALUES(?1, ?2, ?3)")                          \
    X(EVENT_INSERT, "INSERT OR IGNORE INTO events(user, time, item, seq, rating, value, sum) "     \
                    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                          \
    X(HISTORY, "SELECT e.seq, e.user, e.item, e.time, e.rating, e.value, e.sum FROM events e "     \
               "CROSS JOIN items i ON i.row = e.item WHERE e.user = ?1 AND i.live = 1 "            \
               "ORDER BY e.time DESC, e.seq DESC LIMIT ?2")                                        \
    X(EVENTS, "SELECT e.seq, e.user, e.item, e.time, e.rating, e.value, e.sum FROM events e "      \
              "CROSS JOIN items i ON i.row = e.item WHERE i.live = 1 "                             \
              "ORDER BY e.user, e.time, e.seq")                                                    \
    X(MODEL_INSERT, "INSERT OR IGNORE INTO models(version, active, json, sum) "                    \
                    "VALUES(?1, 0, ?2, twi_sum(6, ?1, 0, ?2))")                                    \
    X(MODEL_HAS, "SELECT 1 FROM models WHERE version = ?1")                                        \
    X(MODEL_ACTIVATE, "UPDATE models SET active = (version = ?1), "                                \
                      "sum = twi_sum(6, version, version = ?1, json) "                             \
                      "WHERE active <> (version = ?1)")                                            \
    X(MODEL_ACTIVE, "SELECT m.version, m.sum <> twi_sum(6, m.version, m.active, m.json) "          \
                    "FROM models m WHERE m.active = 1")                                            \
    X(MODELS, "SELECT m.version, m.active, m.json, "                                               \
              "m.sum <> twi_sum(6, m.version, m.active, m.json) FROM models m ORDER BY m.version") \
    X(META_GET,                                                                                    \
      "SELECT m.value, m.sum <> twi_sum(7, m.key, m.value) FROM meta m WHERE m.key = ?1")          \
    X(META_SET, "INSERT OR REPLACE INTO meta(key, value, sum) VALUES(?1, ?2, twi_sum(7, ?1, ?2))") \
    X(META_DROP, "DELETE FROM meta WHERE key = ?1")                                                \
    X(MARK_GET, "SELECT m.bytes, m.lines, m.rows, m.rejected, m.done, m.sum <> twi_sum(8, m.key, " \
                "m.bytes, m.lines, m.rows, m.rejected, m.done) FROM marks m WHERE m.key = ?1")     \
    X(MARK_SET, "INSERT OR REPLACE INTO marks(key, bytes, lines, rows, rejected, done, sum) "      \
                "VALUES(?1, ?2, ?3, ?4, ?5, ?6, twi_sum(8, ?1, ?2, ?3, ?4, ?5, ?6))")

#define TWI_ENUM(name, sql) TWI_SQL_##name,
typedef enum twi_statement { TWI_STATEMENTS(TWI_ENUM) TWI_SQL_COUNT } twi_statement;
#undef TWI_ENUM

#endif
