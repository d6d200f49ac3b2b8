tw_test(oom oom_media.c SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/ingest/picture_bytes.c DEPENDS tw_ingest tw_png)
if(TARGET tw_jpeg)
  target_compile_definitions(oom_media PRIVATE TW_HAVE_JPEG=1)
endif()
