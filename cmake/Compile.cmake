# Flags that all of our own targets share.
add_library(ferryman_flags INTERFACE)
target_compile_options(ferryman_flags INTERFACE -Wall -Wextra -Wconversion
  $<$<BOOL:${FERRYMAN_WERROR}>:-Werror>)
# GCC 12 warns of overlapping copies in its own "text" + std::string (GCC bug 105651), and its flow
# analysis raises false alarms inside inlined vectors, strings and variants.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(gcc12_false_alarms free-nonheap-object array-bounds stringop-overflow stringop-overread
    use-after-free maybe-uninitialized dangling-pointer)
  list(TRANSFORM gcc12_false_alarms PREPEND -Wno-)
  target_compile_options(ferryman_flags INTERFACE -Wno-restrict ${gcc12_false_alarms})
endif()
# Clang's -Wconversion includes changes of sign, which GCC's leaves out; and libstdc++ 12 uses what it
# has itself deprecated.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(ferryman_flags INTERFACE -Wno-sign-conversion -Wno-deprecated-declarations)
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
