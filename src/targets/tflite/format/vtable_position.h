// Where a table of a FlatBuffer says how far away its field of that number lies.
#pragma once

#include <flatbuffers/flatbuffers.h>

namespace ferryman::tflite {

inline flatbuffers::voffset_t vtable_position(int slot) {
  return flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(slot));
}

}  // namespace ferryman::tflite
