// TFLite's SAME rule for padding, compared with explicit padding.
#pragma once

#include "ops/spatial/spatial.h"

namespace ferryman::tflite {

// Whether SAME pads exactly so: output = ceil(input / stride), the total padding split in halves
// with the odd one behind. Of free sizes it must be so whatever they are.
bool is_same_padding(SymbolTable& symbols, const Window& window, const ferryman::TensorType& input,
                     const ferryman::TensorType& output);

}  // namespace ferryman::tflite
