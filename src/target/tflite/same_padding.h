// TFLite's SAME rule for padding, compared with explicit padding.
#pragma once

#include "ir/attr.h"

namespace ferryman::tflite {

// One entry for each spatial axis.
struct SpatialWindow {
  Ints kernel, stride, dilation, before, after;
};

// Whether SAME pads exactly so: output = ceil(input / stride), the total padding split in halves
// with the odd one behind.
bool is_same_padding(const SpatialWindow& window, const Ints& input, const Ints& output);

}  // namespace ferryman::tflite
