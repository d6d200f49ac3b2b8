tw_test(property ingest_prop_csv.c DEPENDS tw_ingest)
