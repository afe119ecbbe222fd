#include "targets/tflite/named/one_operator.h"

#include <fmt/format.h>

#include <algorithm>

#include "targets/tflite/runtime/legality.h"
#include "targets/tflite/runtime/output_table.h"
#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {

namespace {

Diag refused(const OperatorCall& call, std::string_view why) {
  return Diag::error(DiagCode::kNotOnTarget, fmt::format("{} {}", describe(call), why));
}

// "2", "2 or 3", "at least 1"
std::string counts_in_words(const OutputRow& row) {
  if (row.max_inputs == kAnyNumber) return fmt::format("at least {}", row.min_inputs);
  if (row.max_inputs == row.min_inputs) return std::to_string(row.min_inputs);
  return fmt::format("{} or {}", row.min_inputs, row.max_inputs);
}

Status check_count(const OperatorCall& call, const OutputRow& row,
                   const std::vector<OperandTensor>& operands) {
  const bool fits = operands.size() >= row.min_inputs && operands.size() <= row.max_inputs;
  if (!fits) {
    return refused(call, fmt::format("takes {} operands, and is given {}", counts_in_words(row),
                                     operands.size()));
  }
  const size_t needed = row.max_inputs == kAnyNumber ? operands.size() : row.min_inputs;
  for (size_t i = 0; i < needed; ++i)
    if (!operands[i].has_value()) return refused(call, fmt::format("lacks operand {}", i));
  return {};
}

// Options say how many outputs an operator of any number has.
size_t num_outputs(const OperatorCall& call, const OutputRow& row) {
  if (row.num_outputs != kAnyNumber) return row.num_outputs;
  int32_t count = 0;
  if (const auto* split = call.options.get_if<SplitOptions>()) count = split->num_splits;
  if (const auto* split = call.options.get_if<SplitVOptions>()) count = split->num_splits;
  if (const auto* unpack = call.options.get_if<UnpackOptions>()) count = unpack->num;
  return static_cast<size_t>(std::max(count, 0));
}

bool is_told(const std::optional<Ints>& shape) {
  return shape.has_value() && std::find(shape->begin(), shape->end(), kAnyExtent) == shape->end();
}

std::string output_name(size_t number) {
  return fmt::format("y{}", number);
}

// The outputs of the operator of `main` as the runtime makes them.
Status infer_outputs(const OperatorCall& call, const OutputRow& row, Subgraph& main) {
  Operator& op = main.operators.front();
  for (size_t i = 0; i < num_outputs(call, row); ++i)
    op.outputs.push_back(main.add({.type = call.result_type.value_or(TensorType::kFloat32)}));
  if (op.outputs.empty()) return refused(call, "is not told how many outputs it has");
  const OpUse use{op, main};
  OutputInference inference(use);
  row.infer(inference);
  if (!inference.complaint().empty()) return refused(call, inference.complaint());
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    const InferredOutput& made = inference.outputs()[i];
    if (!is_told(made.shape)) {
      return refused(call, fmt::format("does not tell the shape of result {} before it runs", i))
          .because("it follows from values")
          .hint(
              "give axes, shapes and sizes as numbers or lists of them; WHERE, UNIQUE and others "
              "whose results are as long as their values say are none for a model of fixed shapes");
    }
    Tensor& output = main.tensors[static_cast<size_t>(op.outputs[i])];
    output.name = output_name(i);
    output.type = made.type.value_or(output.type);
    for (const int64_t extent : *made.shape) output.shape.push_back(static_cast<int32_t>(extent));
  }
  return {};
}

void declare_outputs(const std::vector<Tensor>& declared, Subgraph& main) {
  for (size_t i = 0; i < declared.size(); ++i) {
    Tensor output = declared[i];
    output.name = output_name(i);
    main.operators.front().outputs.push_back(main.add(std::move(output)));
  }
}

Signature signature_of(const Subgraph& main) {
  Signature signature;
  for (const TensorIndex input : main.inputs)
    signature.inputs.push_back({main.tensor(input).name, input});
  for (const TensorIndex output : main.outputs)
    signature.outputs.push_back({main.tensor(output).name, output});
  return signature;
}

// The operator with its inputs as tensors of the graph.
void add_operator(const OperatorCall& call, std::vector<OperandTensor> operands, Subgraph& main) {
  Operator op{.op = call.op, .options = call.options};
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].has_value()) {
      op.inputs.push_back(kAbsent);
      continue;
    }
    operands[i]->name = fmt::format("x{}", i);
    const bool is_input = operands[i]->constant == nullptr;
    op.inputs.push_back(main.add(*std::move(operands[i])));
    if (is_input) main.inputs.push_back(op.inputs.back());
  }
  main.operators.push_back(std::move(op));
}

// As a complaint about the operator, which stands in no model that the user knows.
Status first_error(const OperatorCall& call, const Diagnostics& found, const Subgraph& main) {
  if (!found.has_errors()) return {};
  std::string what = found.all().front().what;
  const std::string in_model = describe_operator(main, 0);
  if (const size_t at = what.find(in_model); at != std::string::npos)
    what.replace(at, in_model.size(), describe(call));
  return Diag::error(DiagCode::kNotOnTarget, std::move(what));
}

// Ferryman itself emits what was never tried where it must; a program may name anything, and what
// a kernel makes of types that nobody tried is not known.
Status check_tried(const OperatorCall& call, const Subgraph& main) {
  const OpUse use{main.operators.front(), main};
  if (use.op.inputs.empty() || check_types(use) != Verdict::kUntried) return {};
  return refused(call, "was never tried with operands of these types")
      .because("the runtime does not refuse every type that it cannot compute with")
      .hint("cast the operand to a type that the operator takes: float32, or int32");
}

}  // namespace

void complete_options(OperatorCall& call, const std::vector<OperandTensor>& operands) {
  if (operands.empty() || !operands.front().has_value()) return;
  const Tensor& first = *operands.front();
  if (auto* pack = call.options.get_if<PackOptions>(); pack != nullptr && pack->values_count == 0)
    pack->values_count = static_cast<int32_t>(operands.size());
  if (auto* cast = call.options.get_if<CastOptions>()) cast->in_data_type = first.type;
  auto* unpack = call.options.get_if<UnpackOptions>();
  if (unpack == nullptr || unpack->num != 0) return;
  const auto rank = static_cast<int64_t>(first.shape.size());
  if (const std::optional<size_t> axis = axis_from_front(unpack->axis, rank))
    unpack->num = first.shape[*axis];
}

std::vector<OperandTensor> with_constants(const OperatorCall& call,
                                          std::vector<OperandTensor> operands) {
  for (const auto& [place, numbers] : call.constants) {
    if (place >= operands.size()) operands.resize(place + 1);
    operands[place] = Tensor{
        .type = DType::kI32, .shape = numbers.shape, .constant = constant_of(numbers.values)};
  }
  return operands;
}

Result<Model> one_operator(OperatorCall call, std::vector<OperandTensor> operands,
                           const std::vector<Tensor>& declared) {
  operands = with_constants(call, std::move(operands));
  complete_options(call, operands);
  Model model;
  Subgraph& main = model.subgraphs.emplace_back(Subgraph{.name = "main"});
  const OutputRow* row = call.op == Op::kCustom ? nullptr : output_row(call.op);
  if (row != nullptr) FERRYMAN_TRY_STATUS(check_count(call, *row, operands));
  add_operator(call, std::move(operands), main);
  if (row != nullptr) {
    FERRYMAN_TRY_STATUS(infer_outputs(call, *row, main));
  } else {
    declare_outputs(declared, main);
  }
  main.outputs = main.operators.front().outputs;
  model.signatures.push_back(signature_of(main));
  FERRYMAN_TRY_STATUS(first_error(call, verify_model(model), main));
  if (row != nullptr) FERRYMAN_TRY_STATUS(check_tried(call, main));
  return model;
}

}  // namespace ferryman::tflite
