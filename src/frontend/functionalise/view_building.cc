#include "frontend/functionalise/view_building.h"

#include <algorithm>
#include <utility>

#include "frontend/functionalise/strides.h"
#include "frontend/translate/node_args.h"

namespace ferryman::frontend {

Call same_call(const Node& node) {
  Call call{node.target, node.args};
  const auto self = std::find_if(call.args.begin(), call.args.end(), [](const NamedArgument& a) {
    return a.arg.as<ValueRef>() != nullptr;
  });
  if (self != call.args.end()) call.args.erase(self);
  return call;
}

View same(const ViewCall& call) {
  return {.meta = call.result,
          .redo = std::nullopt,
          .undo = Undo::kSame,
          .undo_call = {},
          .why_not = {}};
}

View replaced(const ViewCall& call, Call undo) {
  return {.meta = call.result,
          .redo = same_call(call.node),
          .undo = Undo::kReplace,
          .undo_call = std::move(undo),
          .why_not = {}};
}

View scattered(const ViewCall& call, Call redo, Call undo) {
  return {.meta = call.result,
          .redo = std::move(redo),
          .undo = Undo::kScatter,
          .undo_call = std::move(undo),
          .why_not = {}};
}

View impossible(const ViewCall& call, std::string why_not) {
  return {.meta = call.result,
          .redo = same_call(call.node),
          .undo = Undo::kImpossible,
          .undo_call = {},
          .why_not = std::move(why_not)};
}

View reshaped(const TensorMeta& from, const TensorMeta& to, Call redo) {
  View view{.meta = to,
            .redo = std::move(redo),
            .undo = Undo::kReplaceLike,
            .undo_call = {"aten.reshape_as.default", {}},
            .why_not = {}};
  if (is_static(from.sizes)) {
    view.undo = Undo::kReplace;
    view.undo_call = {"aten.reshape.default", {named("shape", concrete(from.sizes))}};
  }
  return view;
}

View permuted(const ViewCall& call, const Axes& perm) {
  Axes inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) {
    inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  }
  return replaced(call, {"aten.permute.default", {named("dims", inverse)}});
}

std::optional<int64_t> place(const TensorMeta& tensor, size_t axis, int64_t index) {
  if (index == 0) return 0;
  int64_t place = 0;
  const SymSize& stride = tensor.strides[axis];
  if (!stride.is_static() || __builtin_mul_overflow(index, stride.value, &place)) {
    return std::nullopt;
  }
  return place;
}

View sliced(const ViewCall& call, size_t axis, int64_t start, int64_t length) {
  const std::vector<NamedArgument> args = {named("dim", static_cast<int64_t>(axis)),
                                           named("start", start), named("end", start + length)};
  View view = scattered(call, {"aten.slice.Tensor", args}, {"aten.slice_scatter.default", args});
  view.start = place(call.self, axis, start);
  return view;
}

}  // namespace ferryman::frontend
