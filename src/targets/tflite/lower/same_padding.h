// TFLite's SAME rule for padding, compared with explicit padding.
#pragma once

#include "ops/spatial/spatial.h"

namespace ferryman::tflite {

// Whether SAME pads exactly so: output = ceil(input / stride), the total padding split in halves
// with the odd one behind. Sizes of the spatial axes.
bool is_same_padding(const Window& window, const Ints& input, const Ints& output);

}  // namespace ferryman::tflite
