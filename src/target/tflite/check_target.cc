// What is left without a form on the target, all at once. Runs after the rules, so that everything
// here is final.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "ops/attrs.h"
#include "ops/names.h"
#include "target/tflite/legalise.h"
#include "target/tflite/legality.h"
#include "target/tflite/lower_families.h"

namespace ferryman::tflite {

namespace {

struct Problem {
  std::string what;
  std::string why;
  std::string hint;
};

bool is_relabelling(const ferryman::Op& op) {
  return op.def->axes == AxisRule::kReshape || op.def->axes == AxisRule::kPermute ||
         op.is(ops::kPixelShuffle) || op.is(ops::kPixelUnshuffle);
}

std::optional<Problem> form_problem(const ferryman::Op& op) {
  const bool lowers = is_relabelling(op) || find_lowering(op.def->name) != nullptr ||
                      op.def->target_row("tflite") != nullptr;
  if (lowers) return std::nullopt;
  return Problem{fmt::format("'{}' has no TFLite form", op.def->name), "",
                 "write this part with other operations, or move it out of the model"};
}

std::optional<Problem> weight_problem(const Graph& graph, const ferryman::Op& op) {
  if (!op.is(ops::kConvTranspose)) return std::nullopt;
  if (graph.is_constant(op.operands[1])) return std::nullopt;
  return Problem{"a transposed convolution with a kernel that is computed",
                 "its kernel is rearranged when the file is written",
                 "make the kernel a parameter or a buffer"};
}

std::optional<Problem> rank_problem(const Graph& graph, const ferryman::Op& op) {
  const size_t rank =
      op.operands.empty() || !op.operands[0].valid() ? 0 : graph.type(op.operands[0]).rank();
  const bool is_image_op = op.is(ops::kMaxPool) || op.is(ops::kAvgPool) ||
                           op.is(ops::kResizeNearest) || op.is(ops::kResizeBilinear);
  if (is_image_op && rank != 4) {
    return Problem{fmt::format("'{}' over {} spatial axes", op.def->name, rank - 2),
                   "the runtime's kernel takes two", "reshape the input to two spatial axes"};
  }
  if (op.is(ops::kConv) && rank > 5) {
    return Problem{fmt::format("a convolution over {} spatial axes", rank - 2),
                   "the runtime has kernels for one to three", ""};
  }
  if (op.is(ops::kMatmul) && rank > 5) {
    return Problem{"a matrix product of more than five axes that broadcasts",
                   "BATCH_MATMUL takes five axes", "expand or reshape the operands before it"};
  }
  return std::nullopt;
}

// The operator whose measured types say what an op of a lowering function computes on.
struct Kernel {
  OpName core;
  Op kernel;
};
constexpr std::array kKernels = {
    Kernel{ops::kMaxPool, Op::kMaxPool2d},
    Kernel{ops::kAvgPool, Op::kAveragePool2d},
    Kernel{ops::kResizeNearest, Op::kResizeNearestNeighbor},
    Kernel{ops::kResizeBilinear, Op::kResizeBilinear},
    Kernel{ops::kGelu, Op::kGelu},
    Kernel{ops::kClamp, Op::kMaximum},
    Kernel{ops::kReciprocal, Op::kDiv},
    Kernel{ops::kSum, Op::kSum},
    Kernel{ops::kMean, Op::kMean},
    Kernel{ops::kProd, Op::kReduceProd},
    Kernel{ops::kAmax, Op::kReduceMax},
    Kernel{ops::kAmin, Op::kReduceMin},
    Kernel{ops::kArgmax, Op::kArgMax},
    Kernel{ops::kArgmin, Op::kArgMin},
    Kernel{ops::kSoftmax, Op::kSoftmax},
    Kernel{ops::kLogSoftmax, Op::kLogSoftmax},
    Kernel{ops::kCumsum, Op::kCumsum},
    Kernel{ops::kPad, Op::kPad},
    Kernel{ops::kConcat, Op::kConcatenation},
    Kernel{ops::kFlip, Op::kReverseV2},
    Kernel{ops::kGather, Op::kGather},
    Kernel{ops::kTopk, Op::kTopkV2},
};

std::optional<Op> kernel_of(const ferryman::Op& op) {
  for (const Kernel& row : kKernels) {
    if (op.is(row.core)) return row.kernel;
  }
  if (op.is(ops::kSegmentReduce)) return segment_kernel(op.attr(attr::kReduction));
  const TargetRow* row = op.def->target_row("tflite");
  return row == nullptr ? std::nullopt : op_from_name(row->op);
}

std::optional<Problem> type_problem(const Graph& graph, const ferryman::Op& op) {
  const std::optional<Op> kernel = kernel_of(op);
  if (!kernel.has_value() || op.operands.empty()) return std::nullopt;
  const bool condition_first = op.is(ops::kWhere);
  const ValueId data = op.operands[condition_first ? 1 : 0];
  if (!data.valid()) return std::nullopt;
  const DType dtype = graph.type(data).dtype;
  if (check_legal(*kernel, type_key(dtype), {}).is_usable()) return std::nullopt;
  return Problem{fmt::format("'{}' of {}", op.def->name, torch_name(dtype)),
                 fmt::format("the runtime's {} does not compute on that type", to_string(*kernel)),
                 "cast its operands to float32, or to int32 if they are whole numbers"};
}

// Kernels divide by the number of elements, or ask the delegate for a tensor of none.
std::optional<Problem> emptiness_problem(const Graph& graph, const ferryman::Op& op) {
  const auto is_empty = [&](ValueId value) {
    return value.valid() && num_elements(graph.type(value).dims) == 0;
  };
  const bool touches_empty = std::any_of(op.operands.begin(), op.operands.end(), is_empty) ||
                             std::any_of(op.results.begin(), op.results.end(), is_empty);
  if (!touches_empty) return std::nullopt;
  return Problem{fmt::format("'{}' of a tensor without elements", op.def->name),
                 "the runtime fails on empty tensors", "leave the empty part out of the model"};
}

std::optional<Problem> shape_problem(const Graph& graph, const ferryman::Op& op) {
  const auto is_static = [&](ValueId value) { return all_static(graph.type(value).dims); };
  if (std::all_of(op.results.begin(), op.results.end(), is_static)) return std::nullopt;
  return Problem{fmt::format("'{}' with a size that is only known at run time", op.def->name), "",
                 "export with fixed shapes"};
}

std::optional<Problem> problem_of(const Graph& graph, const ferryman::Op& op) {
  if (auto problem = shape_problem(graph, op)) return problem;
  if (auto problem = emptiness_problem(graph, op)) return problem;
  if (auto problem = weight_problem(graph, op)) return problem;
  if (auto problem = form_problem(op)) return problem;
  if (auto problem = rank_problem(graph, op)) return problem;
  return type_problem(graph, op);
}

Result<Changed> run_check_target(Graph& graph, PassContext& context) {
  for (const OpId id : graph.op_ids()) {
    std::optional<Problem> problem = problem_of(graph, graph.op(id));
    if (!problem.has_value()) continue;
    context.diagnostics.add(Diag::error(DiagCode::kNotOnTarget, std::move(problem->what))
                                .at(graph.location(id))
                                .because(std::move(problem->why))
                                .hint(std::move(problem->hint))
                                .about(std::string(graph.op(id).def->name)));
  }
  return Changed::kNo;
}

}  // namespace

Pass check_target() {
  return needed_because(
      "lowering relies on it",
      {"check_target", "report every op that the target cannot express", run_check_target});
}

}  // namespace ferryman::tflite
