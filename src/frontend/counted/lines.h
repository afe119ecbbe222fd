// Calls that work along one axis, each line by itself: gather, scatter, searchsorted, cummax, …
// Whichever way their ordinary import goes about it, a counted axis beside that one stays as it
// is, once positions that do not exist are harmless.
//
//   table.add_lines({"gather.default"},
//                   {.along = "dim", .together = {"self", "index"}, .positions = "index"});
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "frontend/counted/counted_call.h"

namespace ferryman::frontend {

struct LineRule {
  // The argument that names the axis or axes; "": it is always the default.
  std::string_view along = {};
  // Without one, a call that does not name its axis works on all elements.
  std::optional<int64_t> default_axis = {};
  std::string_view of = "self";                 // the operand whose axes these are
  std::vector<std::string_view> together = {};  // operands that are all counted along one axis
  std::vector<std::string_view> alike = {};     // operands that may be; then along the same
  std::string_view positions = {};              // an operand that holds positions
};

// Whether the counted operands of the call are as the rule wants them.
bool works_by_lines(CountedCall& call, const LineRule& rule);

}  // namespace ferryman::frontend
