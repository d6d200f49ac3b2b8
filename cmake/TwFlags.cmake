# How everything of ours is compiled. Flags live on two INTERFACE targets, never in CMAKE_C_FLAGS:
#   tw_codegen   language, optimisation, sanitizers: also for generated code
#   tw_flags     tw_codegen and the warnings: for everything written by hand
#
# No -ffast-math and no -march here, ever: the first deletes NaN and infinity checks, the second makes a
# program that dies on the neighbour's CPU. Hot kernels use function multiversioning instead.

set(TW_OPTIMIZE "-O3" CACHE STRING "optimisation flag of our own code")
set(TW_SANITIZE "" CACHE STRING "value of -fsanitize=, e.g. address,undefined")
option(TW_WERROR "turn warnings into errors; off where the compiler is not one of ours" OFF)
option(TW_TORTURE "build in the hooks that fail the nth allocation and kill at the nth crash point" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

add_library(tw_codegen INTERFACE)
target_compile_definitions(tw_codegen INTERFACE
  _GNU_SOURCE
  TW_VERSION="${PROJECT_VERSION}"
  $<$<BOOL:${TW_TORTURE}>:TW_TORTURE=1>)
target_compile_options(tw_codegen INTERFACE ${TW_OPTIMIZE})
if(TW_SANITIZE)
  # Undefined behaviour ends the test instead of printing a line that nobody reads.
  target_compile_options(tw_codegen INTERFACE
    -fsanitize=${TW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  string(REPLACE "fuzzer-no-link," "" link_sanitize "${TW_SANITIZE}")
  target_link_options(tw_codegen INTERFACE -fsanitize=${link_sanitize})
else()
  # A service that reads bytes from anywhere; distributions may have set FORTIFY already.
  target_compile_options(tw_codegen INTERFACE -fstack-protector-strong
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()

add_library(tw_flags INTERFACE)
target_link_libraries(tw_flags INTERFACE tw_codegen)
target_compile_options(tw_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wvla
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  $<$<BOOL:${TW_WERROR}>:-Werror>)
