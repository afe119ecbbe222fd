# Unit tests lie beside the sources: every src/**/*_test.cc goes into one program.
find_package(GTest REQUIRED)
include(GoogleTest)
file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*_test.cc)
if(test_sources)
  add_executable(ferryman_tests ${test_sources})
  target_link_libraries(ferryman_tests PRIVATE ferryman_test_support ferryman_core ferryman_tflite_schema GTest::gtest_main ferryman_flags)
  # Tests run briefly; what they test is optimised in the core.
  target_compile_options(ferryman_tests PRIVATE -O1)
  gtest_discover_tests(ferryman_tests DISCOVERY_TIMEOUT 60)
endif()

# Golden tests: one program, one test for each tests/golden/*.ir. `golden --update FILE` rewrites.
add_executable(golden ${PROJECT_SOURCE_DIR}/tests/golden/run_golden.cc)
target_link_libraries(golden PRIVATE ferryman_test_support ferryman_core ferryman_flags)
file(GLOB golden_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/golden/*.ir)
foreach(file ${golden_files})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME golden.${name} COMMAND golden ${file})
endforeach()

# The table of what the TFLite runtime accepts is made from data; both are in the tree.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  add_test(NAME tflite.legality_table_is_up_to_date
           COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/make_tflite_legality.py --check)
endif()
