# libFuzzer programs lie beside the sources: src/**/NAME_fuzz.cc becomes fuzz_NAME. Seeds are in
# tests/fuzz/NAME/; tools/fuzz runs all of them.
file(GLOB_RECURSE fuzz_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*_fuzz.cc)
foreach(source ${fuzz_sources})
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  add_executable(fuzz_${name} ${source})
  target_link_libraries(fuzz_${name} PRIVATE ferryman_core ferryman_flags -fsanitize=fuzzer)
endforeach()
