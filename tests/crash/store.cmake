tw_test(crash crash_store.c DEPENDS tw_store SQLite::SQLite3)
