// What becomes of NaN in extremes, orders and signs, which TFLite's operators treat otherwise.
#pragma once

#include <cstdint>

namespace ferryman::tflite {

enum class NanForm : uint8_t {
  kFast,   // the target's own operator, whatever it makes of NaN
  kExact,  // as in PyTorch, by further operators
};

}  // namespace ferryman::tflite
