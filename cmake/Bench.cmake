# Microbenchmarks lie beside the sources: every src/**/*_bench.cc goes into one program. Whole
# conversions are a program of their own, in bench.
find_package(benchmark REQUIRED)
file(GLOB_RECURSE bench_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*_bench.cc)
if(bench_sources)
  add_executable(ferryman_bench ${bench_sources})
  target_link_libraries(ferryman_bench PRIVATE ferryman_test_support ferryman_core benchmark::benchmark_main
    ferryman_flags)
endif()
file(GLOB convert_bench_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.cc)
add_executable(ferryman_convert_bench ${convert_bench_sources})
target_link_libraries(ferryman_convert_bench PRIVATE ferryman_core benchmark::benchmark_main
  ferryman_flags)
