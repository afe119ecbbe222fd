// Writes the option table of an operator into a FlatBuffer under construction.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include "targets/tflite/format/options.h"

namespace ferryman::tflite {

// An empty table for default options.
flatbuffers::Offset<void> pack_options(flatbuffers::FlatBufferBuilder& builder,
                                       const Options& options);

}  // namespace ferryman::tflite
