# The C++ accessors and verifier of the TFLite format, generated from our schema at build time.
find_program(FLATC_PROGRAM flatc REQUIRED)

set(tflite_schema ${PROJECT_SOURCE_DIR}/src/targets/tflite/format/schema.fbs)
set(tflite_schema_dir ${PROJECT_BINARY_DIR}/generated)
set(tflite_schema_header ${tflite_schema_dir}/tflite_schema/schema_generated.h)
add_custom_command(
  OUTPUT ${tflite_schema_header}
  COMMAND ${FLATC_PROGRAM} --cpp --reflect-names -o ${tflite_schema_dir}/tflite_schema
          ${tflite_schema}
  DEPENDS ${tflite_schema}
  COMMENT "Generating schema_generated.h"
  VERBATIM)
add_custom_target(ferryman_tflite_schema_files DEPENDS ${tflite_schema_header})

# Generated code is not held to our warnings, therefore SYSTEM.
add_library(ferryman_tflite_schema INTERFACE)
target_include_directories(ferryman_tflite_schema SYSTEM INTERFACE ${tflite_schema_dir})
add_dependencies(ferryman_tflite_schema ferryman_tflite_schema_files)
