// Types that the runtime's kernels do not compute with: half and double precision become float32,
// whole numbers of 8 and 16 bits become int32, and so do bools that are ordered (plain int8
// operands end the process). Casts lead in and out; between two widened ops they cancel.
#include <algorithm>
#include <optional>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "ops/special/special_names.h"
#include "passes/replace.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

bool is_half(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16;
}

bool is_computed_in_float32(DType dtype) {
  return is_half(dtype) || dtype == DType::kF64;
}

bool is_small_integer(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16;
}

// Ops that only move or choose elements take small integers as they are.
bool computes(const Op& op) {
  switch (op.def->axes) {
    case AxisRule::kElementwise:
      return !op.is(ops::kWhere) && !op.is(ops::kMaximum) && !op.is(ops::kMinimum) &&
             !op.is(ops::kBitwiseAnd);
    case AxisRule::kReduce:
    case AxisRule::kContract:
      return true;
    case AxisRule::kAlong:
      return op.is(ops::kCumsum) || op.is(ops::kArgmax) || op.is(ops::kArgmin);
    case AxisRule::kOpaque:
    case AxisRule::kWindowed:
    case AxisRule::kPermute:
    case AxisRule::kReshape:
    case AxisRule::kExpand:
    case AxisRule::kAnchored:
      return false;
  }
  return false;
}

// Their kernels move elements of every type.
bool only_moves(const Op& op) {
  return op.is(ops::kReshape) || op.is(ops::kPermute) || op.is(ops::kExpand);
}

bool orders(const Op& op) {
  return op.is(ops::kLt) || op.is(ops::kLe) || op.is(ops::kGt) || op.is(ops::kGe);
}

// What operands and results of `dtype` become for this op.
std::optional<DType> wider_type(const Op& op, DType dtype) {
  if (op.is(ops::kCast) || op.is(ops::kBitcast)) return std::nullopt;
  if (op.is(ops::kForeign)) return std::nullopt;  // its types are chosen by whoever named it
  if (dtype == DType::kBool && orders(op)) return DType::kI32;
  if (is_half(dtype)) return DType::kF32;
  if (dtype == DType::kF64 && !only_moves(op)) return DType::kF32;
  if (is_small_integer(dtype) && computes(op)) return DType::kI32;
  return std::nullopt;
}

bool needs_widening(const Graph& graph, const Op& op) {
  const auto is_narrow = [&](ValueId value) {
    return value.valid() && wider_type(op, graph.type(value).dtype).has_value();
  };
  return std::any_of(op.operands.begin(), op.operands.end(), is_narrow) ||
         (op.def->has_bodies() && std::any_of(op.results.begin(), op.results.end(), is_narrow));
}

// Inputs and outputs of types that `is_narrow` are float32.
bool widen_ports(Graph& graph, bool (*is_narrow)(DType)) {
  Rewriter rewriter(graph);
  CoreWriter write(rewriter);
  bool changed = false;
  if (graph.first_op().valid()) rewriter.insert_before(graph.first_op());
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const ValueId narrow = graph.inputs()[i];
    const DType dtype = graph.type(narrow).dtype;
    if (!is_narrow(dtype)) continue;
    const ValueId wide = rewriter.replace_input(i, {DType::kF32, graph.type(narrow).dims});
    rewriter.replace_value(narrow, write.cast(wide, dtype));
    changed = true;
  }
  rewriter.insert_at_end();
  std::vector<GraphOutput> outputs = graph.outputs();
  for (GraphOutput& output : outputs) {
    if (!is_narrow(graph.type(output.value).dtype)) continue;
    output.value = write.cast(output.value, DType::kF32);
    changed = true;
  }
  if (changed) graph.set_outputs(std::move(outputs));
  return changed;
}

void widen_op(Graph& graph, OpId id) {
  const Op op = graph.op(id);
  for (const BodyId body : bodies_of(op)) widen_ports(graph.body(body), is_computed_in_float32);
  Rewriter rewriter(graph);
  rewriter.insert_before(id);
  CoreWriter write(rewriter);
  std::vector<ValueId> operands = op.operands;
  for (ValueId& operand : operands) {
    if (!operand.valid()) continue;
    const std::optional<DType> wider = wider_type(op, write.type(operand).dtype);
    if (wider.has_value()) operand = write.cast(operand, *wider);
  }
  const std::vector<ValueId> results =
      rewriter.create_all(OpName{op.def->name}, operands, attrs_of(op));
  for (size_t i = 0; i < results.size(); ++i) {
    const DType dtype = write.type(op.results[i]).dtype;
    rewriter.replace_value(op.results[i], write.cast(results[i], dtype));
  }
  rewriter.erase(id);
}

// cast(cast(x: f32, f16), f32) -> x: the rounding between two ops is left out.
// cast(cast(x: f32, f64), f32) -> x
Match<Forward> match_cast_there_and_back(const Graph& graph, OpId root) {
  const Op& back = graph.op(root);
  const OpId there = graph.producer_if(back.operands[0], ops::kCast);
  if (!there.valid() || !is_computed_in_float32(graph.type(back.operands[0]).dtype))
    return std::nullopt;
  const ValueId x = graph.op(there).operands[0];
  if (!(graph.type(x) == graph.type(back.result()))) return std::nullopt;
  return Forward{back.result(), x};
}

// LiteRT's own bindings cannot hand over a bfloat16 tensor.
bool is_hidden(DType dtype) {
  return dtype == DType::kBF16;
}

// A precision that is not the one of the model.
std::optional<Diag> remark_on(const Graph& graph, ValueId operand) {
  if (!operand.valid()) return std::nullopt;
  const DType dtype = graph.type(operand).dtype;
  if (is_half(dtype)) return Diag::remark("widen_types", "half precision is computed in float32");
  if (dtype == DType::kF64)
    return Diag::remark("widen_types", "double precision is computed in float32");
  return std::nullopt;
}

Result<Changed> run_widen_types(Graph& graph, PassContext& context) {
  const bool widened_ports = widen_ports(graph, is_hidden);
  std::vector<OpId> narrow;
  for (const OpId id : graph.op_ids()) {
    if (needs_widening(graph, graph.op(id))) narrow.push_back(id);
  }
  if (narrow.empty() && !widened_ports) return Changed::kNo;
  for (const OpId id : narrow) {
    for (const ValueId operand : graph.op(id).operands) {
      const std::optional<Diag> remark = remark_on(graph, operand);
      if (!remark.has_value()) continue;
      context.diagnostics.add(Diag(*remark).at(graph.location(id)));
      break;
    }
    widen_op(graph, id);
  }
  const std::vector<Rule> rules = {
      make_rule("cast_there_and_back", {ops::kCast}, match_cast_there_and_back)};
  apply_rules(graph, rules, context);
  return Changed::kYes;
}

}  // namespace

Pass widen_types() {
  return needed_because(
      "other types have no kernels",
      {"widen_types", "compute on types that the runtime has kernels for", run_widen_types});
}

}  // namespace ferryman::tflite
