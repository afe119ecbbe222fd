// What one target's own code computes: an operator of its runtime, a layer of its library. The core
// knows the types of its results and whether it works element by element; what `code` means is
// the target's.
//
//   %y = foreign(%x, %w) {code="{\"op\": \"tfl_prelu\", \"arguments\": {}}", elementwise=true,
//                         results=[f32[1, 8, 8, 3]]}: f32[1, 8, 8, 3]
//
// Every operator of a program whose name begins with "ferryman." becomes one: the code is its name
// without that and without overload, and its arguments that are no tensors, by name. Tensors are
// the operands in the order of the arguments, lists of them one after the other; None before
// the last tensor is an absent operand. The argument "elementwise" is the attribute.
#pragma once

#include <string>
#include <string_view>

#include "ops/import.h"

namespace ferryman {

// "ferryman.tfl_prelu.default"
bool is_foreign(std::string_view key);

Imported import_foreign(ImportContext& call);

// What a code names: "tfl_prelu"; the code itself if it has no "op".
std::string foreign_name(std::string_view code);

// What to call any op before people: the name of its row, or what its code names.
std::string title_of(const Op& op);

}  // namespace ferryman
