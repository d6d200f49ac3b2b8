# What comes from the distribution. Each becomes one target; its names and folders stay in this file.
#   Threads::Threads  ZLIB::ZLIB  SQLite::SQLite3      as CMake knows them
#   tw_openblas  tw_nng  tw_protobuf_c  tw_jansson  tw_cmocka  tw_faiss (TwFaiss.cmake)
#   tw_utf8proc  tw_png  tw_sndfile  tw_samplerate  tw_fftw
#   tw_cairo, tw_jpeg, tw_webp, tw_gif, tw_heif, tw_zstd and tw_xz, where they are found
# and TW_PROTOC_C, the command that turns a .proto into C.

find_package(PkgConfig QUIET)
set(TW_MISSING "")

# tw_find(<target> <pkg-config name> <library> <header>): pkg-config first, a plain look second.
function(tw_find target pc library header)
  if(PkgConfig_FOUND)
    pkg_check_modules(${target}_pc QUIET ${pc})
  endif()
  find_path(${target}_INCLUDE ${header} HINTS ${${target}_pc_INCLUDE_DIRS} ${${target}_pc_INCLUDEDIR})
  find_library(${target}_LIBRARY ${library} HINTS ${${target}_pc_LIBRARY_DIRS} ${${target}_pc_LIBDIR})
  mark_as_advanced(${target}_INCLUDE ${target}_LIBRARY)
  if(${target}_INCLUDE AND ${target}_LIBRARY)
    add_library(${target} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES
      IMPORTED_LOCATION ${${target}_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${${target}_INCLUDE})
  else()
    set(TW_MISSING ${TW_MISSING} "${library} (header ${header})" PARENT_SCOPE)
  endif()
endfunction()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(ZLIB QUIET)
find_package(SQLite3 QUIET)
foreach(target ZLIB::ZLIB SQLite::SQLite3)
  if(NOT TARGET ${target})
    list(APPEND TW_MISSING ${target})
  endif()
endforeach()

tw_find(tw_openblas openblas openblas cblas.h)
tw_find(tw_nng nng nng nng/nng.h)
tw_find(tw_protobuf_c libprotobuf-c protobuf-c protobuf-c/protobuf-c.h)
tw_find(tw_jansson jansson jansson jansson.h)
tw_find(tw_utf8proc libutf8proc utf8proc utf8proc.h)
tw_find(tw_png libpng png png.h)
tw_find(tw_sndfile sndfile sndfile sndfile.h)
tw_find(tw_samplerate samplerate samplerate samplerate.h)
tw_find(tw_fftw fftw3f fftw3f fftw3.h)

# What the program can do without, and then says so: drawing images, reading JPEG, WebP, GIF, HEIC and AVIF,
# zstd and xz.
function(tw_find_optional option what target pc library header)
  set(${option} AUTO CACHE STRING "${what}: AUTO (where ${pc} is found), ON or OFF")
  set_property(CACHE ${option} PROPERTY STRINGS AUTO ON OFF)
  if(${option} STREQUAL "OFF")
    return()
  endif()
  tw_find(${target} ${pc} ${library} ${header})
  if(${option} STREQUAL "ON")
    set(TW_MISSING ${TW_MISSING} PARENT_SCOPE)
  endif()
endfunction()
tw_find_optional(TW_CAIRO "draw images" tw_cairo cairo cairo cairo.h)
tw_find_optional(TW_JPEG "read JPEG images" tw_jpeg libjpeg jpeg jpeglib.h)
tw_find_optional(TW_WEBP "read WebP images" tw_webp libwebp webp webp/decode.h)
tw_find_optional(TW_GIF "read GIF images" tw_gif libgif gif gif_lib.h)
tw_find_optional(TW_HEIF "read HEIC and AVIF images" tw_heif libheif heif libheif/heif.h)
tw_find_optional(TW_ZSTD "read files packed with zstd" tw_zstd libzstd zstd zstd.h)
tw_find_optional(TW_XZ "read files packed with xz" tw_xz liblzma lzma lzma.h)

if(TW_TESTS)
  tw_find(tw_cmocka cmocka cmocka cmocka.h)
  set(CMOCKA_LIBRARIES tw_cmocka)
endif()

# protobuf-c renames its command from protoc-c to a plug-in of protoc.
find_program(TW_PROTOC_C NAMES protoc-c protoc)
mark_as_advanced(TW_PROTOC_C)
if(NOT TW_PROTOC_C)
  list(APPEND TW_MISSING "protoc-c (protobuf-c's compiler)")
endif()

# All of it at once: nobody likes to install one thing, run again, and read the next name.
if(TW_MISSING)
  list(JOIN TW_MISSING ", " missing)
  message(FATAL_ERROR "Not found: ${missing}. On Debian or Ubuntu `make`, run as root, installs what is missing.")
endif()

include(TwFaiss)
