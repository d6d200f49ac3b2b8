tw_test(property prop_index_oracle.c DEPENDS tw_index)
tw_test(property prop_index_order.c DEPENDS tw_index)
tw_test(property prop_index_recall.c DEPENDS tw_index)
