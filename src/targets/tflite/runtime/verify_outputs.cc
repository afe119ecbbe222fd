// What operators make against what their outputs are declared to be.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "support/check.h"
#include "targets/tflite/runtime/legality.h"
#include "targets/tflite/runtime/output_table.h"
#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {

namespace {

bool is_dynamic(const Tensor& tensor) {
  return std::find(tensor.shape_signature.begin(), tensor.shape_signature.end(), -1) !=
         tensor.shape_signature.end();
}

// Whether an output of that shape may be declared so.
bool agrees(const Ints& made, const Tensor& declared) {
  if (made.size() != declared.shape.size()) return false;
  for (size_t axis = 0; axis < made.size(); ++axis) {
    const bool is_open =
        made[axis] == kAnyExtent || (is_dynamic(declared) && declared.shape_signature[axis] == -1);
    if (!is_open && made[axis] != declared.shape[axis]) return false;
  }
  return true;
}

// "FLOAT32[1, 4, 4, 8]"; parts that only the declaration tells are taken from there.
std::string describe(const InferredOutput& made, const Tensor& declared) {
  const ElementType type = made.type.value_or(declared.type);
  const Ints shape = made.shape.value_or(Ints(declared.shape.begin(), declared.shape.end()));
  return fmt::format("{}[{}]", to_string(type), fmt::join(shape, ", "));
}

class OutputVerifier {
 public:
  explicit OutputVerifier(const Model& model) : model_(model) {}

  Diagnostics verify() && {
    for (const Subgraph& subgraph : model_.subgraphs) {
      for (size_t i = 0; i < subgraph.operators.size(); ++i) verify_operator(subgraph, i);
    }
    return std::move(found_);
  }

 private:
  void verify_operator(const Subgraph& subgraph, size_t position) {
    const Operator& op = subgraph.operators[position];
    if (op.op == Op::kCustom || !is_registered(op.op)) return;
    const auto fail = [&](std::string_view complaint) {
      found_.add(operator_error(model_, subgraph, position, complaint));
    };
    const OutputRow* row = output_row(op.op);
    if (row == nullptr) return fail("has no rule that tells its outputs");
    const OpUse use{op, subgraph};
    if (!has_operands(use, *row)) return fail("has more or fewer inputs or outputs than it takes");
    if (reads_dynamic_shape(use)) return;
    OutputInference inference(use);
    row->infer(inference);
    if (!inference.complaint().empty()) return fail(inference.complaint());
    check(inference.outputs().size() == op.outputs.size(), "a rule that gives other outputs");
    for (size_t i = 0; i < op.outputs.size(); ++i) {
      const InferredOutput& made = inference.outputs()[i];
      const Tensor& declared = *use.output(i);
      const bool fits = made.type.value_or(declared.type) == declared.type &&
                        (!made.shape.has_value() || agrees(*made.shape, declared));
      if (fits) continue;
      fail(fmt::format("makes {} where {} is declared", describe(made, declared),
                       describe({}, declared)));
    }
  }

  static bool has_operands(const OpUse& use, const OutputRow& row) {
    const size_t count = use.op.inputs.size();
    if (count < row.min_inputs || count > row.max_inputs) return false;
    if (row.num_outputs != kAnyNumber && use.op.outputs.size() != row.num_outputs) return false;
    const size_t needed = row.max_inputs == kAnyNumber ? count : row.min_inputs;
    for (size_t i = 0; i < needed; ++i)
      if (use.input(i) == nullptr) return false;
    return true;
  }

  // Then only the runtime knows.
  static bool reads_dynamic_shape(const OpUse& use) {
    for (size_t i = 0; i < use.op.inputs.size(); ++i)
      if (use.input(i) != nullptr && is_dynamic(*use.input(i))) return true;
    return false;
  }

  const Model& model_;
  Diagnostics found_;
};

}  // namespace

Diagnostics verify_outputs(const Model& model) {
  return OutputVerifier(model).verify();
}

}  // namespace ferryman::tflite
