#include "targets/tflite/lower/same_padding.h"

#include <algorithm>

namespace ferryman::tflite {

bool is_same_padding(const Window& window, const Ints& input, const Ints& output) {
  for (size_t i = 0; i < input.size(); ++i) {
    const int64_t same_output = (input[i] + window.stride[i] - 1) / window.stride[i];
    if (output[i] != same_output) return false;
    const int64_t reach = window.extent(i);
    const int64_t total =
        std::max<int64_t>((output[i] - 1) * window.stride[i] + reach - input[i], 0);
    if (window.padding_before[i] != total / 2) return false;
    // Padding behind that no window reaches makes no difference.
    const int64_t needed_after =
        (output[i] - 1) * window.stride[i] + reach - input[i] - window.padding_before[i];
    if (needed_after > window.padding_after[i]) return false;
  }
  return true;
}

}  // namespace ferryman::tflite
