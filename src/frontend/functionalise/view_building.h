// The building stones of the view rules: the few ways in which one tensor lies in another.
//
//   return Chain{permuted(call, {1, 0})};
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/functionalise/view_ops.h"
#include "frontend/functionalise/view_rules.h"

namespace ferryman::frontend {

using Axes = std::vector<int64_t>;

// The call without the tensor that it looks at, its first one.
Call same_call(const Node& node);
View same(const ViewCall& call);
View replaced(const ViewCall& call, Call undo);
View scattered(const ViewCall& call, Call redo, Call undo);
View impossible(const ViewCall& call, std::string why_not);
// A tensor of `to`'s elements in `from`'s shape again.
View reshaped(const TensorMeta& from, const TensorMeta& to, Call redo);
// result axis i is self axis perm[i]
View permuted(const ViewCall& call, const Axes& perm);
// The place of element `index` of an axis, counted from element 0.
std::optional<int64_t> place(const TensorMeta& tensor, size_t axis, int64_t index);
View sliced(const ViewCall& call, size_t axis, int64_t start, int64_t length);

}  // namespace ferryman::frontend
