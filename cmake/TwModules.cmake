# The verbs of our CMakeLists.txt files. Sources are listed by name, never globbed.
#
#   tw_module(<name> [REAL64] SOURCES ... [DEPENDS ...])          a folder's static library
#   tw_program(<name> SOURCES ... [DEPENDS ...])                  a program
#   tw_proto(<name> <file.proto>)                                 a library of generated protobuf-c code
#   tw_test(<label> <file.c> [DEPENDS ...] [SOURCES ...] [LABELS ...] [TIMEOUT s])
#   tw_fuzz(<name> <file.c> [DEPENDS ...])                        a libFuzzer target, replayed in ctest

# Generated headers are included as their source is: "rpc/twindex.pb-c.h".
set(TW_GEN_DIR ${PROJECT_BINARY_DIR}/gen)

# CMake takes a name it does not know for a library of the system, and only the linker would complain.
function(tw_check_depends name)
  foreach(dep IN LISTS ARGN)
    if(dep MATCHES "^tw_" AND NOT TARGET ${dep})
      message(FATAL_ERROR "${name} depends on ${dep}, which nobody has declared before it")
    endif()
  endforeach()
endfunction()

function(tw_add_archive name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;DEFINES" ${ARGN})
  tw_check_depends(${name} ${ARG_DEPENDS})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR} ${TW_GEN_DIR})
  target_compile_definitions(${name} PUBLIC ${ARG_DEFINES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE tw_flags)
endfunction()

# REAL64 builds the same sources a second time as <name>64 with tw_real = double, for gradient checks.
# Each dependency that has a 64 of its own is taken in that form. Never link both forms into one program:
# tw_test refuses that.
function(tw_module name)
  cmake_parse_arguments(ARG "REAL64" "" "SOURCES;DEPENDS" ${ARGN})
  tw_add_archive(${name} SOURCES ${ARG_SOURCES} DEPENDS ${ARG_DEPENDS})
  set_property(GLOBAL APPEND PROPERTY TW_MODULES ${name})
  if(NOT ARG_REAL64)
    return()
  endif()

  set(depends64)
  foreach(dep IN LISTS ARG_DEPENDS)
    if(TARGET ${dep}64)
      list(APPEND depends64 ${dep}64)
    else()
      list(APPEND depends64 ${dep})
    endif()
  endforeach()
  tw_add_archive(${name}64 SOURCES ${ARG_SOURCES} DEPENDS ${depends64} DEFINES TW_REAL_DOUBLE=1)
  set_target_properties(${name}64 PROPERTIES EXCLUDE_FROM_ALL ON) # only tests ask for it
endfunction()

function(tw_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  tw_check_depends(${name} ${ARG_DEPENDS})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${TW_GEN_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} tw_flags m)
endfunction()

# The generated code is not ours to make free of warnings, so it takes tw_codegen only.
function(tw_proto name proto)
  get_filename_component(path ${CMAKE_CURRENT_SOURCE_DIR}/${proto} ABSOLUTE)
  file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${path})
  string(REGEX REPLACE "\\.proto$" ".pb-c" stem ${path})
  file(MAKE_DIRECTORY ${TW_GEN_DIR})
  add_custom_command(
    OUTPUT ${TW_GEN_DIR}/${stem}.c ${TW_GEN_DIR}/${stem}.h
    COMMAND ${TW_PROTOC_C} --c_out=${TW_GEN_DIR} -I ${PROJECT_SOURCE_DIR} ${path}
    DEPENDS ${PROJECT_SOURCE_DIR}/${path}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    COMMENT "Generating ${stem}.{c,h}" VERBATIM)
  add_library(${name} STATIC ${TW_GEN_DIR}/${stem}.c ${TW_GEN_DIR}/${stem}.h)
  target_include_directories(${name} SYSTEM PUBLIC ${TW_GEN_DIR})
  target_link_libraries(${name} PUBLIC tw_protobuf_c PRIVATE tw_codegen)
  set_property(GLOBAL APPEND PROPERTY TW_MODULES ${name})
endfunction()

# One owner of parallelism (facts: a query costs 77 us so, 12,000 us with FAISS and OpenBLAS at their
# defaults), and OpenMP's runtime is not built for ThreadSanitizer.
set(TW_TEST_ENVIRONMENT
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
  "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
  "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/lsan.supp:print_suppressions=0"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp:second_deadlock_stack=1")

function(tw_register_test name timeout labels)
  if(TW_SANITIZE)
    math(EXPR timeout "${timeout} * 5")
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout}
    ENVIRONMENT "${TW_TEST_ENVIRONMENT}")
endfunction()

# One binary and one CTest entry `<label>.<file>` for each file. The test knows where the sources and the
# program are from TW_TEST_SOURCE_DIR and TW_TEST_PROGRAM.
function(tw_test label source)
  cmake_parse_arguments(ARG "" "TIMEOUT" "DEPENDS;SOURCES;LABELS" ${ARGN})
  get_filename_component(name ${source} NAME_WE)
  foreach(dep IN LISTS ARG_DEPENDS)
    if("${dep}64" IN_LIST ARG_DEPENDS)
      message(FATAL_ERROR "${name} links ${dep} and ${dep}64: the two differ in tw_real")
    endif()
  endforeach()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  tw_program(${name} SOURCES ${source} ${ARG_SOURCES}
    DEPENDS ${ARG_DEPENDS} $<TARGET_NAME_IF_EXISTS:tw_test_support> tw_cmocka)
  target_compile_definitions(${name} PRIVATE
    TW_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}" TW_TEST_PROGRAM="${PROJECT_BINARY_DIR}/twindex")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  add_test(NAME ${label}.${name} COMMAND ${name})
  tw_register_test(${label}.${name} ${ARG_TIMEOUT} "${label};${ARG_LABELS}")
endfunction()

# In the fuzz preset a libFuzzer program; everywhere else the same function behind tests/fuzz/fuzz_main.c,
# which replays every file of tests/fuzz/corpus/<name> and fails when there is none.
function(tw_fuzz name source)
  cmake_parse_arguments(ARG "" "" "DEPENDS;SOURCES" ${ARGN})
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  if(TW_FUZZ)
    tw_program(${name} SOURCES ${source} ${ARG_SOURCES} DEPENDS ${ARG_DEPENDS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz.${name} COMMAND ${name} -runs=0 ${corpus})
  else()
    tw_program(${name} SOURCES ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_main.c ${ARG_SOURCES}
      DEPENDS ${ARG_DEPENDS})
    add_test(NAME fuzz.${name} COMMAND ${name} ${corpus})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  set_property(GLOBAL APPEND PROPERTY TW_FUZZERS ${name})
  tw_register_test(fuzz.${name} 60 fuzz)
endfunction()
