tw_test(property prop_store.c DEPENDS tw_store)
