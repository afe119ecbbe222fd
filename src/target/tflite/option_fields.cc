#include "target/tflite/option_fields.h"

#include <cstddef>
#include <utility>

namespace ferryman::tflite {

namespace {

// Tries the alternatives of the variant one after the other.
template <size_t kIndex = 0>
Options find_table(OptionTable table) {
  if constexpr (kIndex == std::variant_size_v<Options>) {
    return std::monostate{};
  } else {
    using Table = std::variant_alternative_t<kIndex, Options>;
    if (kFields<Table>.table == table) return Table{};
    return find_table<kIndex + 1>(table);
  }
}

}  // namespace

OptionTable option_table(const Options& options) {
  return std::visit(
      [](const auto& held) { return kFields<std::remove_cvref_t<decltype(held)>>.table; }, options);
}

Options default_options(OptionTable table) {
  return find_table(table);
}

}  // namespace ferryman::tflite
