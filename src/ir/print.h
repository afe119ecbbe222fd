// Graphs as text: for dumps, golden tests and bug reports. parse.h reads it back exactly.
//
//   graph @main(%x: f32[s0, 3, 8, 8]) {
//     symbol s0 in [1, 64]
//     const @w: f32[4, 3, 1, 1] = hash 0x6d0c9e1f5a2b7788
//     const @b: f32[4] = [0.5, 1.0, -2.0, 0.0]
//     %conv = conv(%x, @w, @b) {stride=[2, 2]}: f32[s0, 4, 4, 4] loc("stem", "", "conv2d", …)
//     return out=%conv
//   }
//
// A body stands where the first op names it, and by its name where others do:
//   %y = if(%c, %x) {then=graph @then(%a: f32[2]) {…}, else=graph @else(%a: f32[2]) {…}}: f32[2]
//
// Constants nobody reads are left out. Attributes at their default are left out. A constant of more
// than kMaxInlineElems elements is elided to its hash, unless all its elements are one (splat).
// Results carry the user's names where these are unique, and numbers elsewhere.
#pragma once

#include <string>

#include "ir/graph.h"

namespace ferryman {

inline constexpr int64_t kMaxInlineElems = 8;

enum class PrintLocations : uint8_t { kNo, kYes };
std::string print_graph(const Graph& graph, PrintLocations locations = PrintLocations::kNo);
std::string print_type(const TensorType& type, const SymbolTable& symbols);
std::string print_attr(const Attr& attr, const SymbolTable& symbols);

}  // namespace ferryman
