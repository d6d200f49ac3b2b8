# tw_faiss: the C API, the C++ headers behind it, and all they need (BLAS and LAPACK, OpenMP, libstdc++).
#
# An installed libfaiss_c that links is used. Otherwise cmake/faiss.sh gives the copy in the user's cache,
# built there first if need be. Give -DTW_FAISS_ROOT=DIR to choose a copy by hand.

set(TW_FAISS_ROOT "" CACHE PATH "folder with lib/libfaiss_c and include/faiss/c_api; empty: look")
option(TW_FAISS_BUILD "build FAISS from the distribution's source where none is installed" ON)

# libgomp by its full path: clang, too, then takes the runtime that FAISS was compiled against.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.so
  OUTPUT_VARIABLE tw_gomp OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT IS_ABSOLUTE "${tw_gomp}")
  find_package(OpenMP QUIET COMPONENTS CXX)
  set(tw_gomp ${OpenMP_CXX_LIBRARIES})
endif()

# FAISS's C++ libraries are named so that a program with a C main is linked by the C compiler.
set(tw_faiss_needs tw_openblas ${tw_gomp} Threads::Threads stdc++ m)
if(APPLE)
  set(tw_faiss_needs tw_openblas ${tw_gomp} Threads::Threads c++ m)
endif()

# Debian 12 installs the C API's headers with a library that has none of its functions: so link one.
function(tw_faiss_try_installed)
  find_path(TW_FAISS_INCLUDE faiss/c_api/Index_c.h)
  find_library(TW_FAISS_LIBRARY faiss)
  find_library(TW_FAISS_C_LIBRARY faiss_c)
  if(NOT (TW_FAISS_INCLUDE AND TW_FAISS_LIBRARY AND TW_FAISS_C_LIBRARY))
    return()
  endif()
  set(probe ${PROJECT_BINARY_DIR}/CMakeFiles/faiss_probe.c)
  file(WRITE ${probe} "#include <faiss/c_api/error_c.h>\nint main(void) { return faiss_get_last_error() != 0; }\n")
  try_compile(TW_FAISS_INSTALLED ${PROJECT_BINARY_DIR}/CMakeFiles/faiss_probe ${probe}
    CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${TW_FAISS_INCLUDE}
    LINK_LIBRARIES ${TW_FAISS_C_LIBRARY} ${TW_FAISS_LIBRARY} ${tw_openblas_LIBRARY} ${tw_gomp} Threads::Threads stdc++ m)
  set(TW_FAISS_INSTALLED ${TW_FAISS_INSTALLED} PARENT_SCOPE)
endfunction()

set(TW_FAISS_INSTALLED OFF)
if(NOT TW_FAISS_ROOT)
  tw_faiss_try_installed()
endif()

if(NOT TW_FAISS_INSTALLED)
  set(root ${TW_FAISS_ROOT})
  if(NOT root)
    set(arg --find)
    if(TW_FAISS_BUILD)
      set(arg "")
    endif()
    execute_process(COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/faiss.sh ${arg}
      OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status)
    if(NOT status EQUAL 0 OR NOT root)
      message(FATAL_ERROR "No FAISS with its C API (libfaiss_c) was found or built. Install one, or give "
        "-DTW_FAISS_ROOT=DIR with DIR/lib/libfaiss_c.a and DIR/include/faiss/c_api.")
    endif()
  endif()
  set(TW_FAISS_INCLUDE ${root}/include)
  find_library(TW_FAISS_ROOT_LIBRARY faiss PATHS ${root}/lib NO_DEFAULT_PATH NO_CACHE)
  find_library(TW_FAISS_ROOT_C_LIBRARY faiss_c PATHS ${root}/lib NO_DEFAULT_PATH NO_CACHE)
  if(NOT TW_FAISS_ROOT_LIBRARY OR NOT TW_FAISS_ROOT_C_LIBRARY)
    message(FATAL_ERROR "${root}/lib does not hold libfaiss and libfaiss_c.")
  endif()
  set(TW_FAISS_LIBRARY ${TW_FAISS_ROOT_LIBRARY})
  set(TW_FAISS_C_LIBRARY ${TW_FAISS_ROOT_C_LIBRARY})
endif()
message(STATUS "FAISS: ${TW_FAISS_C_LIBRARY}")

add_library(tw_faiss INTERFACE)
target_include_directories(tw_faiss SYSTEM INTERFACE ${TW_FAISS_INCLUDE})
target_link_libraries(tw_faiss INTERFACE ${TW_FAISS_C_LIBRARY} ${TW_FAISS_LIBRARY} ${tw_faiss_needs})
