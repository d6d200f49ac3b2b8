add_test(NAME integration.cli
  COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/test_cli.sh $<TARGET_FILE:twindex>)
tw_register_test(integration.cli 300 integration)

# The files that test_media.sh needs are made as it runs.
tw_program(media_draw SOURCES media_draw.c DEPENDS tw_ingest tw_base m)
add_test(NAME integration.media
  COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/test_media.sh $<TARGET_FILE:twindex> $<TARGET_FILE:media_draw>)
tw_register_test(integration.media 120 integration)
add_test(NAME integration.media_folder COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/test_media_folder.sh
  $<TARGET_FILE:twindex> $<TARGET_FILE:media_draw>)
tw_register_test(integration.media_folder 120 integration)

add_test(NAME integration.odd_files
  COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/test_odd_files.sh $<TARGET_FILE:twindex>)
tw_register_test(integration.odd_files 300 integration)

add_test(NAME integration.little_memory
  COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/test_little_memory.sh $<TARGET_FILE:twindex>)
tw_register_test(integration.little_memory 300 integration)

add_test(NAME integration.hostile_text
  COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/test_hostile_text.sh $<TARGET_FILE:twindex>)
tw_register_test(integration.hostile_text 120 integration)
