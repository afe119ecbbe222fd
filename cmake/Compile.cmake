# Flags that all of our own targets share.
add_library(ferryman_flags INTERFACE)
target_compile_options(ferryman_flags INTERFACE -Wall -Wextra -Wconversion
  $<$<BOOL:${FERRYMAN_WERROR}>:-Werror>)
# GCC 12 warns of overlapping copies in its own "text" + std::string (GCC bug 105651), and raises
# other false alarms inside its inlined vectors and strings: no reason to stop a build.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(ferryman_flags INTERFACE -Wno-restrict
    $<$<BOOL:${FERRYMAN_WERROR}>:-Wno-free-nonheap-object;-Wno-array-bounds;-Wno-stringop-overflow>)
endif()
target_include_directories(ferryman_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
if(FERRYMAN_SANITIZE)
  target_compile_options(ferryman_flags INTERFACE -fsanitize=address,undefined
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ferryman_flags INTERFACE -fsanitize=address,undefined)
endif()
# The core counts branches for libFuzzer; only the fuzz programs link its main().
if(FERRYMAN_BUILD_FUZZERS)
  target_compile_options(ferryman_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
