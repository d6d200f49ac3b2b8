tw_test(property towers_learning.c DEPENDS tw_towers)
