# `make install`: the program, the whole library as one archive with its headers, a pkg-config file, the licence.
#
#     cc app.c $(pkg-config --cflags --libs twindex)        #include "engine/engine.h"
include(GNUInstallDirs)

if(TARGET twindex)
  install(TARGETS twindex RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Every module's objects again in one archive: a user links -ltwindex, and folders stay our own affair.
get_property(modules GLOBAL PROPERTY TW_MODULES)
list(TRANSFORM modules REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
if(objects)
  add_library(tw_all STATIC ${objects})
  set_target_properties(tw_all PROPERTIES OUTPUT_NAME twindex LINKER_LANGUAGE C)
  install(TARGETS tw_all ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

set(include_dir ${CMAKE_INSTALL_INCLUDEDIR}/twindex)
# What a program includes, and what those include; all else is the library's own affair.
set(headers
  base/alloc.h base/error.h base/log.h base/media.h
  metrics/clusters.h metrics/lists.h metrics/mean.h metrics/pair_scores.h metrics/partners.h metrics/ranking.h metrics/tfidf.h
  metrics/trials.h
  towers/towers.h towers/recipe.h
  seqmodel/seqmodel.h seqmodel/histories.h seqmodel/rerank.h
  index/index.h
  store/store.h
  ingest/ingest.h ingest/audio.h ingest/image.h
  engine/engine.h engine/training.h engine/evaluation.h engine/inspection.h
  rpc/client.h rpc/server.h)
set(installed)
while(headers)
  list(POP_FRONT headers header)
  if(NOT header IN_LIST installed)
    list(APPEND installed ${header})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} lines REGEX "^#include \"")
    list(TRANSFORM lines REPLACE "^#include \"(.*)\".*" "\\1")
    list(APPEND headers ${lines})
    get_filename_component(below ${header} DIRECTORY)
    install(FILES ${header} DESTINATION ${include_dir}/${below})
  endif()
endwhile()
# The contract itself, for clients in other languages.
install(FILES rpc/twindex.proto DESTINATION ${CMAKE_INSTALL_DATADIR}/twindex OPTIONAL)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# A FAISS of our own building is in no system folder, so it goes along; an installed one is only named.
set(faiss_libs "-lfaiss_c -lfaiss")
if(NOT TW_FAISS_INSTALLED)
  install(FILES ${TW_FAISS_C_LIBRARY} ${TW_FAISS_LIBRARY} DESTINATION ${CMAKE_INSTALL_LIBDIR}/twindex)
  set(faiss_libs "-L\${libdir}/twindex -lfaiss_c -lfaiss")
endif()
set(media_libs "-lpng -lsndfile -lsamplerate -lfftw3f")
foreach(library jpeg webp gif heif zstd xz)
  if(TARGET tw_${library})
    string(APPEND media_libs " -l${library}")
  endif()
endforeach()
string(REPLACE "-lxz" "-llzma" media_libs "${media_libs}")
set(pc ${PROJECT_BINARY_DIR}/twindex.pc)
file(WRITE ${pc} "libdir=\${pcfiledir}/..
includedir=\${libdir}/__UP__/${include_dir}

Name: twindex
Description: ${PROJECT_DESCRIPTION}
Version: ${PROJECT_VERSION}
Cflags: -I\${includedir}
Libs: -L\${libdir} -ltwindex ${faiss_libs} -lgomp -lopenblas -lnng -lprotobuf-c -lsqlite3 -ljansson -lutf8proc ${media_libs} -lz -lstdc++ -lm -lpthread
")
# From lib, or from lib/x86_64-linux-gnu, back up to the prefix: the installed tree can be moved.
string(REGEX REPLACE "[^/]+" ".." up ${CMAKE_INSTALL_LIBDIR})
file(READ ${pc} text)
string(REPLACE __UP__ ${up} text "${text}")
file(WRITE ${pc} "${text}")
install(FILES ${pc} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
