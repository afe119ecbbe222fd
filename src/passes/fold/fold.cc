#include "passes/fold/fold.h"

#include <algorithm>
#include <optional>

#include "ir/builder.h"
#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/match.h"

namespace ferryman {

namespace {

// Smaller results are always folded; larger ones only if they do not outgrow what they are made of,
// in bytes or in elements: weights of half precision are constants in float32, too.
constexpr int64_t kSmallBytes = int64_t{1} << 20;

// What a gather of constants may make to become a constant itself, however small its table is.
constexpr int64_t kSmallGatherBytes = int64_t{1} << 16;

using Folded = std::optional<std::vector<TensorData>>;

bool operands_are_known(const Graph& graph, const Op& op) {
  bool any = false;
  for (const ValueId operand : op.operands) {
    if (!operand.valid()) continue;
    if (!is_known_constant(graph, operand)) return false;
    any = true;
  }
  return any;
}

struct Size {
  int64_t elems = 0;
  int64_t bytes = 0;
  void add(const TensorType& type) {
    elems += num_elements(type.dims);
    bytes += num_elements(type.dims) * byte_size(type.dtype);
  }
};

bool is_small_enough(const Graph& graph, const Op& op) {
  Size read;
  for (const ValueId operand : op.operands) {
    if (operand.valid()) read.add(graph.type(operand));
  }
  Size made;
  for (const ValueId result : op.results) {
    if (!all_static(graph.type(result).dims)) return false;
    made.add(graph.type(result));
  }
  return made.bytes <= std::max(kSmallBytes, read.bytes) || made.elems <= read.elems;
}

// Whether an op moves the elements of operand 0 about and no more.
bool only_views(const Op& op) {
  return op.is(ops::kReshape) || op.is(ops::kPermute) || op.is(ops::kExpand) || op.is(ops::kSlice);
}

// How far constants are looked for behind and before an op.
constexpr int kMaxComputedDepth = 12;

// Whether nothing but constants goes into the value.
bool is_computable(const Graph& graph, ValueId value, int depth) {
  if (!value.valid() || is_known_constant(graph, value)) return true;
  const OpId producer = graph.producer(value);
  if (!producer.valid() || depth == 0) return false;
  const auto& operands = graph.op(producer).operands;
  return std::all_of(operands.begin(), operands.end(),
                     [&](ValueId operand) { return is_computable(graph, operand, depth - 1); });
}

// Whether something is computed from the value and constants alone, which would be left to each
// run.
bool is_computed_with(const Graph& graph, ValueId value, int depth) {
  const Uses& uses = graph.value(value).uses;
  return depth > 0 && std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
           const Op& reader = graph.op(use.op);
           if (only_views(reader)) return is_computed_with(graph, reader.result(), depth - 1);
           return std::all_of(reader.operands.begin(), reader.operands.end(), [&](ValueId operand) {
             return is_computable(graph, operand, kMaxComputedDepth);
           });
         });
}

// gather(table, positions) of constants, a table of relative positions: the file holds the table
// and one int32 for each position instead of a larger result, and GATHER takes as long as reading
// that.
bool is_better_gathered(const Graph& graph, const Op& op) {
  if (!op.is(ops::kGather)) return false;
  const int64_t positions = graph.constant(op.operands[1]).num_elems() * byte_size(DType::kI32);
  const int64_t made =
      num_elements(graph.type(op.result()).dims) * byte_size(graph.type(op.result()).dtype);
  const bool is_smaller = graph.constant(op.operands[0]).num_bytes() + positions < made;
  return is_smaller && made > kSmallGatherBytes &&
         !is_computed_with(graph, op.result(), kMaxComputedDepth);
}

TensorData sliced(const TensorData& x, const Op& op, const Dims& result) {
  return x.sliced(static_sizes(op.attr(attr::kStarts).values), static_sizes(result),
                  op.attr(attr::kSteps).values);
}

// Ops that only look at the same bytes in another way.
std::optional<TensorData> fold_view(const Graph& graph, const Op& op) {
  const Dims& result = graph.type(op.result()).dims;
  if (!only_views(op) || !all_static(result)) return std::nullopt;
  const TensorData& x = graph.constant(op.operands[0]);
  if (op.is(ops::kPermute)) return x.permuted(op.attr(attr::kPerm).values);
  if (op.is(ops::kExpand)) return x.broadcast_to(static_sizes(result));
  if (op.is(ops::kSlice)) return sliced(x, op, result);
  return x.reshaped(static_sizes(result));
}

// `operands` are those that the op has, in order.
Folded evaluate(const Op& op, const std::vector<TensorData>& operands,
                const std::vector<TensorType>& types) {
  std::vector<const TensorData*> pointers;
  size_t next = 0;
  for (const ValueId operand : op.operands)
    pointers.push_back(operand.valid() ? &operands[next++] : nullptr);
  pointers.resize(std::max(pointers.size(), op.def->operands.size()), nullptr);
  Result<std::vector<TensorData>> results =
      op.def->eval(EvalArgs{pointers, op.attrs_view(), types});
  if (!results.ok()) return std::nullopt;
  return std::move(results).value();
}

// Axes of an elementwise result along which every operand repeats are computed once.
//   mul(zeros[64, 512], 3) -> one element, seen as [64, 512]
Folded fold_elementwise(const Graph& graph, const Op& op) {
  const TensorType& type = graph.type(op.result());
  Ints sizes = static_sizes(type.dims);
  std::vector<TensorData> operands;
  for (const ValueId operand : op.operands) {
    if (operand.valid()) operands.push_back(graph.constant(operand).broadcast_to(sizes));
  }
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    const bool repeats = std::all_of(operands.begin(), operands.end(), [&](const TensorData& x) {
      return x.is_broadcast_along(axis);
    });
    if (repeats && sizes[axis] > 0) sizes[axis] = 1;
  }
  const Ints zeros(sizes.size(), 0);
  const Ints ones(sizes.size(), 1);
  for (TensorData& x : operands) x = x.sliced(zeros, sizes, ones).materialised();

  const Folded results = evaluate(op, operands, {{type.dtype, to_dims(sizes)}});
  if (!results.has_value()) return std::nullopt;
  std::vector<TensorData> wide;
  wide.push_back((*results)[0].broadcast_to(static_sizes(type.dims)));
  return wide;
}

Folded computed(const Graph& graph, const Op& op) {
  if (!operands_are_known(graph, op)) return std::nullopt;
  if (std::optional<TensorData> view = fold_view(graph, op)) {
    std::vector<TensorData> results;
    results.push_back(*std::move(view));
    return results;
  }
  if (op.def->eval == nullptr || op.def->has_bodies()) return std::nullopt;
  if (is_better_gathered(graph, op)) return std::nullopt;
  const bool elementwise = op.def->axes == AxisRule::kElementwise && op.results.size() == 1 &&
                           all_static(graph.type(op.result()).dims);
  if (elementwise && is_small_enough(graph, op)) return fold_elementwise(graph, op);
  if (!is_small_enough(graph, op)) return std::nullopt;
  std::vector<TensorData> operands;
  for (const ValueId operand : op.operands) {
    if (operand.valid()) operands.push_back(graph.constant(operand).materialised());
  }
  std::vector<TensorType> types;
  for (const ValueId result : op.results) types.push_back(graph.type(result));
  return evaluate(op, operands, types);
}

std::string constant_name(const Graph& graph, const Op& op, ValueId result) {
  const std::string& name = graph.value(result).name;
  return name.empty() ? std::string(op.def->name) : name;
}

void replace_by_constants(Graph& graph, OpId id, std::vector<TensorData> folded) {
  Rewriter rewriter(graph);
  const std::vector<ValueId> results = graph.op(id).results;
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string name = constant_name(graph, graph.op(id), results[i]);
    rewriter.replace_value(results[i], rewriter.constant(std::move(folded[i]), name));
  }
  rewriter.erase(id);
}

Result<Changed> run_fold_constants(Graph& graph, PassContext&) {
  Changed changed = Changed::kNo;
  for (OpId id = graph.first_op(); id.valid();) {
    const OpId next = graph.op(id).next;
    if (fold_op(graph, id)) changed = Changed::kYes;
    id = next;
  }
  return changed;
}

Result<Changed> run_remove_dead_code(Graph& graph, PassContext&) {
  const size_t before = graph.num_ops();
  erase_dead_ops(graph);
  return graph.num_ops() == before ? Changed::kNo : Changed::kYes;
}

}  // namespace

bool fold_op(Graph& graph, OpId id) {
  Folded folded = computed(graph, graph.op(id));
  if (!folded.has_value()) return false;
  replace_by_constants(graph, id, *std::move(folded));
  return true;
}

Pass fold_constants() {
  return {"fold_constants", "compute what depends on constants only", run_fold_constants};
}

Pass remove_dead_code() {
  return {"remove_dead_code", "erase ops whose results nothing reads", run_remove_dead_code};
}

}  // namespace ferryman
