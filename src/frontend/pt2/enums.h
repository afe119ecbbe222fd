// The numbers that the export schema uses for element types, layouts and memory formats. They are
// not those of torch's own enums.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ir/dtype.h"

namespace ferryman::frontend {

struct ScalarTypeRow {
  std::string_view torch_name;  // "float8_e4m3fn"
  std::optional<DType> dtype;   // absent: known to torch, not to Ferryman
};

// nullptr for numbers that the schema does not have.
const ScalarTypeRow* find_scalar_type(int64_t number);
std::optional<std::string_view> layout_name(int64_t number);         // "strided"
std::optional<std::string_view> memory_format_name(int64_t number);  // "channels_last"

}  // namespace ferryman::frontend
