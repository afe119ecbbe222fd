// What Keras makes of each core op: one row per op, and nothing about an op elsewhere in the target
// but in the functions that its row names and in the rules that legalise it.
//
//   const LoweringRow* row = find_lowering(*op.def);   // null: the target cannot express the op
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layout/contract.h"
#include "targets/keras/lower/lower_op.h"

namespace ferryman::keras {

// What Keras does not take, in words for the user.
struct Limit {
  std::string what;
  std::string why;
  std::string hint;
};

// Of keras.src.ops, with no arguments beside its tensors: {"numpy", "Add"}; or an activation.
struct KerasOp {
  std::string_view file;
  std::string_view name;
};

struct LoweringRow {
  OpName op;
  // Pointwise; otherwise `lower` says what is written.
  KerasOp keras = {};
  void (*lower)(LowerOp&) = nullptr;
  // The orders of axes; null: any that the op's axis rule allows.
  std::vector<layout::Form> (*forms)(const Graph&, OpId) = nullptr;
  std::optional<Limit> (*limit)(const Graph&, const Op&) = nullptr;
};

const LoweringRow* find_lowering(const OpDef& def);
const std::vector<LoweringRow>& all_lowerings();

// Whether the op stays as it is: it has a row that takes it.
bool keeps(const Graph& graph, const Op& op);

// For rows of activations.
inline constexpr std::string_view kActivation = "activation";

}  // namespace ferryman::keras
