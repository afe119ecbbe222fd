// An operator by its name, as the code of a foreign op says it (ops/foreign/foreign.h).
//
//   {"op": "tfl_mean", "arguments": {"keep_dims": true, "constants": "{\"1\": [1, 2]}"}}
//
//   FERRYMAN_TRY(OperatorCall call, read_operator_call(code));
//   call.op == Op::kMean; call.constants.at(1).values == {1, 2}
//
// Arguments are the operator's options and beside them:
//   constants     operands that are whole numbers, as a text of JSON: by place a number or a list
//   result_type   of an operator whose output may be of any type (BITCAST)
// "tfl_custom" has a `name`, `options` (bytes in hexadecimal digits) and a `version` instead, and
// "tfl_graph" the `path` of a file (splice.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"
#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

// No operator takes more; a call that says so is malformed.
inline constexpr size_t kMaxNamedInputs = 4096;

struct NumberOperand {
  std::vector<int32_t> values;
  std::vector<int32_t> shape;  // empty: one number
};

struct OperatorCall {
  Op op = Op::kCustom;
  Options options = {};
  std::map<size_t, NumberOperand> constants = {};
  std::optional<ElementType> result_type = {};
  std::string graph_path = {};  // not empty: the graph of that file in place of an operator

  bool is_graph() const { return !graph_path.empty(); }
};

// Whether a program may name the operator: the runtime has it, its outputs follow from a rule, and
// it neither calls other graphs nor draws numbers.
bool can_be_named(Op op);
// Whether each element of the result depends on one of each operand.
bool is_pointwise(Op op);
// Whether its output is of the type that is declared: then `result_type` is an argument.
bool declares_type(Op op);

// "tfl_mean"
std::string named_operator(Op op);

Result<OperatorCall> read_operator_call(std::string_view code);

// What to call it in messages: "MEAN", "custom operator 'MyOp'".
std::string describe(const OperatorCall& call);

}  // namespace ferryman::tflite
