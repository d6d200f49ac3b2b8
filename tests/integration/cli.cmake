add_test(NAME integration.cli
  COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli.sh $<TARGET_FILE:twindex>)
tw_register_test(integration.cli 300 integration)
