#include "targets/tflite/lower/same_padding.h"

#include <algorithm>
#include <optional>

namespace ferryman::tflite {

bool is_same_padding(SymbolTable& symbols, const Window& window, const ferryman::TensorType& input,
                     const ferryman::TensorType& output) {
  for (size_t i = 0; i < window.rank(); ++i) {
    const int64_t stride = window.stride[i];
    const SizeExpr size = symbols.of(input.dims[i + 2]);
    const SizeExpr made = symbols.of(output.dims[i + 2]);
    if (made != symbols.quotient(size + (stride - 1), stride)) return false;
    const SizeExpr last = (made - 1) * stride;  // where the last window begins
    const std::optional<int64_t> missing = (last + window.extent(i) - size).number();
    if (!missing.has_value()) return false;
    if (window.padding_before[i] != std::max<int64_t>(*missing, 0) / 2) return false;
    // Padding behind that no window reaches makes no difference.
    if (*missing - window.padding_before[i] > window.padding_after[i]) return false;
  }
  return true;
}

}  // namespace ferryman::tflite
