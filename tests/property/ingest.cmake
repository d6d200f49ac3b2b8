tw_test(property prop_ingest_csv.c DEPENDS tw_ingest)
