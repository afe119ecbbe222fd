// Reads the option table of an operator.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include "support/result.h"
#include "targets/tflite/format/op_table.h"

namespace ferryman::tflite {

// `stored` has passed the FlatBuffers verifier as a table of that kind. Fields that are not stored
// take the value that the format gives them.
Result<Options> unpack_options(OptionTable table, const flatbuffers::Table& stored);

}  // namespace ferryman::tflite
