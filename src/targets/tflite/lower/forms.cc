#include "targets/tflite/lower/forms.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

#include "layout/plan.h"
#include "ops/attrs.h"
#include "ops/control/control.h"
#include "ops/names.h"
#include "ops/spatial/spatial.h"
#include "targets/tflite/tensors/shapes.h"

namespace ferryman::tflite {

using layout::Form;
using layout::TensorDemand;

namespace {

// [N, C, spatial…] with C innermost.
TensorDemand channels_last(size_t rank) {
  TensorDemand demand{{0}};
  for (size_t axis = 2; axis < rank; ++axis) demand.innermost.push_back(static_cast<int>(axis));
  demand.innermost.push_back(1);
  return demand;
}

TensorDemand logical(size_t rank) {
  TensorDemand demand;
  demand.innermost.resize(rank);
  std::iota(demand.innermost.begin(), demand.innermost.end(), 0);
  return demand;
}

bool are_equal(const std::vector<TensorDemand>& a, const std::vector<TensorDemand>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const TensorDemand& x, const TensorDemand& y) { return x.innermost == y.innermost; });
}

constexpr int kMaxStepsToTurn = 8;

// The dim of `value` that lay innermost before a permute put another one there. Pointwise ops and
// linear layers in between keep the rows as they are.
std::optional<int> turned_dim(const Graph& graph, ValueId value) {
  const size_t rank = graph.type(value).rank();
  for (int step = 0; step < kMaxStepsToTurn && graph.producer(value).valid(); ++step) {
    const ferryman::Op& op = graph.op(graph.producer(value));
    if (op.is(ops::kPermute)) {
      const Ints& perm = op.attr(attr::kPerm).values;
      const auto at = std::find(perm.begin(), perm.end(), static_cast<int64_t>(rank) - 1);
      if (at == perm.end() - 1) return std::nullopt;
      return static_cast<int>(at - perm.begin());
    }
    if (op.def->axes != AxisRule::kElementwise && !op.is(ops::kLinear)) return std::nullopt;
    const auto next = std::find_if(op.operands.begin(), op.operands.end(), [&](ValueId operand) {
      return operand.valid() && !graph.is_constant(operand) && graph.type(operand).rank() == rank;
    });
    if (next == op.operands.end()) return std::nullopt;
    value = *next;
  }
  return std::nullopt;
}

// What the product from the left costs beside it: its right operand is packed at run time, and a
// bias is an ADD. An estimate, in bytes: with it the planner takes this form where it is faster (an
// MLP-Mixer and a CaiT, 6 % each); the parts were not measured by themselves.
int64_t cost_from_left(const Graph& graph, const ferryman::Op& op) {
  const int64_t read = layout::estimated_bytes(graph, op.operands[0]);
  const int64_t written = layout::estimated_bytes(graph, op.result());
  return read / 2 + (op.has_operand(2) ? written : 0);
}

TensorDemand matrix(size_t rank, bool transposed) {
  const int rows = static_cast<int>(rank) - 2;
  return transposed ? TensorDemand{{rows + 1, rows}} : TensorDemand{{rows, rows + 1}};
}

// ---- ops that run bodies: how what goes in and out of them lies ----

// Tensors of so many axes lie channels last, the others as in PyTorch. By default none do.
struct ImageRanks {
  size_t min = 1, max = 0;
  bool contain(size_t rank) const { return rank >= min && rank <= max; }
};
constexpr std::array kImageRanks = {ImageRanks{}, ImageRanks{4, 5}, ImageRanks{3, 5}};

// `is_entry`: the body sees what is at one position of the first axis.
TensorDemand port_demand(size_t rank, bool is_entry, ImageRanks images) {
  const size_t skipped = is_entry ? 1 : 0;
  if (!images.contain(rank - skipped)) return logical(rank);
  TensorDemand demand = channels_last(rank - skipped);
  if (!is_entry) return demand;
  for (int& dim : demand.innermost) ++dim;
  demand.innermost.insert(demand.innermost.begin(), 0);
  return demand;
}

// The operands by `before`, what the results are by `after`. Carried values are both.
Form body_form(const Graph& graph, OpId id, ImageRanks before, ImageRanks after) {
  const ferryman::Op& op = graph.op(id);
  Form form;
  for (const ValueId operand : op.operands)
    form.operands.push_back(logical(graph.type(operand).rank()));
  form.results.resize(op.results.size());
  for (const BodyLinks& links : body_links(graph, id)) {
    for (const BodyPort& port : links.inputs) {
      const size_t rank = graph.type(op.operands[port.index]).rank();
      form.operands[port.index] = port_demand(rank, port.is_entry, before);
    }
    for (const BodyPort& port : links.outputs) {
      if (port.index == BodyPort::kNowhere) continue;
      const size_t rank = graph.type(op.results[port.index]).rank();
      form.results[port.index] = port_demand(rank, port.is_entry, after);
    }
  }
  return form;
}

// Ops that run one body must agree on how it is called.
bool shares_a_body(const Graph& graph, OpId id) {
  const std::vector<BodyId> bodies = bodies_of(graph.op(id));
  for (const OpId other : graph.op_ids()) {
    if (other == id || !graph.op(other).def->has_bodies()) continue;
    const std::vector<BodyId> others = bodies_of(graph.op(other));
    if (std::find_first_of(bodies.begin(), bodies.end(), others.begin(), others.end()) !=
        bodies.end())
      return true;
  }
  return false;
}

}  // namespace

std::vector<Form> conv_forms(const Graph& graph, OpId op) {
  const size_t rank = graph.type(graph.op(op).operands[0]).rank();
  const bool is_depthwise = conv_kind(graph, graph.op(op)) == ConvKind::kDepthwise;
  TensorDemand weight = channels_last(rank);               // OHWI
  if (rank == 4 && is_depthwise) weight = {{1, 2, 3, 0}};  // 1HWO
  if (rank == 5) weight = {{2, 3, 4, 1, 0}};               // CONV_3D: DHWIO
  return {{.operands = {channels_last(rank), weight}, .results = {channels_last(rank)}}};
}

std::vector<Form> conv_transpose_forms(const Graph& graph, OpId op) {
  const size_t rank = graph.type(graph.op(op).operands[0]).rank();
  TensorDemand weight = {{1, 2, 3, 0}};  // [I, O, H, W] to OHWI
  return {{.operands = {channels_last(rank), weight}, .results = {channels_last(rank)}}};
}

std::vector<Form> last_axis_forms(const Graph& graph, OpId op) {
  const int axis = static_cast<int>(graph.op(op).attr(attr::kAxis).value);
  return {{.operands = {{{axis}}}, .results = {{{axis}}}}};
}

// ARG_MAX and ARG_MIN take any axis, but along the last they are 2 to 13 times faster; with a
// transposition in front still 1.3 to 6 times (2 to 1000 channels, 7 x 7 to 512 x 512).
std::vector<Form> arg_forms(const Graph& graph, OpId op) {
  const int axis = static_cast<int>(graph.op(op).attr(attr::kAxis).value);
  return {{.operands = {{{axis}}}, .results = {{}}}};
}

std::vector<Form> topk_forms(const Graph& graph, OpId op) {
  const int axis = static_cast<int>(graph.op(op).attr(attr::kAxis).value);
  return {{.operands = {{{axis}}}, .results = {{{axis}}, {{axis}}}}};
}

std::vector<Form> linear_forms(const Graph& graph, OpId id) {
  const ferryman::Op& op = graph.op(id);
  const ferryman::TensorType& x = graph.type(op.operands[0]);
  const int last = static_cast<int>(x.rank()) - 1;
  const int result_last = static_cast<int>(graph.type(op.result()).rank()) - 1;
  std::vector<Form> forms = {{.operands = {{{last}}, logical(2)}, .results = {{{result_last}}}}};
  const bool is_constant = graph.is_constant(op.operands[1]) &&
                           (!op.has_operand(2) || graph.is_constant(op.operands[2]));
  const std::optional<int> rows = turned_dim(graph, op.operands[0]);
  const bool fits = is_constant && rows.has_value() && x.dtype == DType::kF32 &&
                    result_last == last && x.rank() <= kMaxMatmulRank &&
                    num_elements(graph.type(op.result()).dims) != 0 && num_elements(x.dims) != 0;
  if (!fits) return forms;
  TensorDemand all{{last}};
  for (int dim = 0; dim < last; ++dim) all.innermost.push_back(dim);
  for (const auto& [form, demand] :
       {std::pair(kFromLeft, TensorDemand{{last, *rows}}), std::pair(kFromLeftOfAll, all)}) {
    forms.push_back({.id = form,
                     .operands = {demand, logical(2)},
                     .results = {demand},
                     .cost = cost_from_left(graph, op)});
  }
  return forms;
}

std::vector<Form> matmul_forms(const Graph& graph, OpId op) {
  const size_t rank_x = graph.type(graph.op(op).operands[0]).rank();
  const size_t rank_y = graph.type(graph.op(op).operands[1]).rank();
  const size_t rank = graph.type(graph.op(op).result()).rank();
  std::vector<Form> forms;
  // Without flags first, then the one that XNNPACK runs as it stands.
  for (const int id : {0, kAdjointY, kAdjointX, kAdjointX | kAdjointY}) {
    forms.push_back(
        {.id = id,
         .operands = {matrix(rank_x, (id & kAdjointX) != 0), matrix(rank_y, (id & kAdjointY) != 0)},
         .results = {matrix(rank, false)}});
  }
  return forms;
}

std::vector<Form> body_forms(const Graph& graph, OpId id) {
  if (shares_a_body(graph, id)) return {body_form(graph, id, {}, {})};
  std::vector<Form> forms;
  for (const ImageRanks before : kImageRanks) {
    for (const ImageRanks after : kImageRanks) {
      const bool same = before.max == after.max && before.min == after.min;
      if (!same && !graph.op(id).is(ops::kIf)) continue;
      Form form = body_form(graph, id, before, after);
      const bool is_known = std::any_of(forms.begin(), forms.end(), [&](const Form& other) {
        return are_equal(other.operands, form.operands) && are_equal(other.results, form.results);
      });
      if (!is_known) forms.push_back(std::move(form));
    }
  }
  return forms;
}

std::vector<Form> image_forms(const Graph& graph, OpId op) {
  const TensorDemand demand = channels_last(graph.type(graph.op(op).operands[0]).rank());
  return {{.operands = {demand}, .results = {demand}}};
}

}  // namespace ferryman::tflite
