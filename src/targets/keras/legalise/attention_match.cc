#include "targets/keras/legalise/attention_match.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/match.h"
#include "targets/keras/legalise/attention_mask.h"

namespace ferryman::keras {

namespace {

constexpr double kScaleTolerance = 1e-5;  // of numbers that programs computed in float32

bool only_views(const Op& op) {
  return op.is(ops::kReshape) || op.is(ops::kPermute) || op.is(ops::kSlice);
}

// x * scale, of a number.
struct Scaled {
  ValueId x;
  double scale;
};

std::optional<Scaled> scaled(const Graph& graph, const Op& op) {
  if (!op.is(ops::kMul) && !op.is(ops::kDiv)) return std::nullopt;
  for (const size_t side : {size_t{1}, size_t{0}}) {
    const ValueId x = op.operands[1 - side];
    const std::optional<double> number = uniform_value(graph, op.operands[side]);
    if (!number.has_value() || !same_type(graph, x, op.result())) continue;
    if (op.is(ops::kMul)) return Scaled{x, *number};
    if (side == 1 && *number != 0.0) return Scaled{x, 1 / *number};
  }
  return std::nullopt;
}

// ---- from a product back to a linear layer ----

// Which axis of a product's operand the product sums over, and which are its rows.
struct OperandAxes {
  size_t width, rows;
};

class ProjectionMatch {
 public:
  ProjectionMatch(const Graph& graph, ValueId operand) : graph_(graph), operand_(operand) {}

  std::optional<Projection> find(OperandAxes axes) {
    const std::optional<Projection> found = trace();
    if (!found.has_value()) return std::nullopt;
    Projection projection = *found;
    const bool fits = name_parts(axes, projection) && has_whole_heads(projection);
    return fits ? std::optional(std::move(projection)) : std::nullopt;
  }
  const std::vector<OpId>& ops() const { return ops_; }

 private:
  std::optional<Projection> trace() {
    double scale = 1;
    std::vector<OpId> moves;
    ValueId value = operand_;
    for (;;) {
      const OpId id = graph_.producer(value);
      if (!id.valid()) return std::nullopt;
      const Op& op = graph_.op(id);
      ops_.push_back(id);
      if (op.is(ops::kLinear)) break;
      if (const std::optional<Scaled> product = scaled(graph_, op); product.has_value()) {
        scale *= product->scale;
        value = product->x;
        continue;
      }
      if (!only_views(op)) return std::nullopt;
      moves.push_back(id);
      value = op.operands[0];
    }
    AxisTrace trace(graph_.symbols(), graph_.type(value).dims);
    for (auto move = moves.rbegin(); move != moves.rend(); ++move)
      if (!trace.apply(graph_.op(*move))) return std::nullopt;
    return Projection{.linear = ops_.back(),
                      .trace = std::move(trace),
                      .batch = {},
                      .key_heads = {},
                      .group = {},
                      .rows = {},
                      .width = {},
                      .scale = scale};
  }

  size_t features() const { return graph_.type(graph_.op(ops_.back()).result()).rank() - 1; }

  // Batches come before heads, and what serves one head of keys before the rows.
  bool name_parts(OperandAxes axes, Projection& projection) const {
    const AxisTrace& trace = projection.trace;
    const auto is_feature = [&](size_t part) { return trace.part(part).origin == features(); };
    projection.width = trace.axis(axes.width);
    if (!std::all_of(projection.width.begin(), projection.width.end(), is_feature)) return false;
    AxisTrace::PartList outer;
    for (size_t axis = 0; axis < trace.rank(); ++axis) {
      if (axis == axes.width || axis == axes.rows) continue;
      outer.insert(outer.end(), trace.axis(axis).begin(), trace.axis(axis).end());
    }
    const auto heads = std::find_if(outer.begin(), outer.end(), is_feature);
    projection.batch.assign(outer.begin(), heads);
    projection.key_heads.assign(heads, outer.end());
    const AxisTrace::PartList& rows = trace.axis(axes.rows);
    const auto first_row = std::find_if_not(rows.begin(), rows.end(), is_feature);
    projection.group.assign(rows.begin(), first_row);
    projection.rows.assign(first_row, rows.end());
    return std::all_of(heads, outer.end(), is_feature) &&
           std::none_of(first_row, rows.end(), is_feature);
  }

  // The heads are rows of the weight, one after the other.
  bool has_whole_heads(Projection& projection) const {
    const AxisTrace& trace = projection.trace;
    AxisTrace::PartList used = projection.key_heads;
    used.insert(used.end(), projection.group.begin(), projection.group.end());
    used.insert(used.end(), projection.width.begin(), projection.width.end());
    const AxisTrace::PartList& parts = trace.parts_of(features());
    if (used != trace.without_ones(parts)) return false;
    int64_t first_row = 0;
    bool is_behind_first = false;
    for (const size_t index : parts) {
      const AxisTrace::Part& part = trace.part(index);
      if (is_behind_first && !part.is_whole()) return false;
      is_behind_first = is_behind_first || !(part.size == Dim(1));
      first_row = first_row * part.full.size() + part.begin.size();
    }
    projection.first_row = trace.range_of(features()).begin.size() + first_row;
    return true;
  }

  const Graph& graph_;
  ValueId operand_;
  std::vector<OpId> ops_;
};

// ---- the whole ----

class AttentionMatcher {
 public:
  AttentionMatcher(const Graph& graph, OpId linear) : graph_(graph), linear_(linear) {}

  std::optional<AttentionMatch> find() {
    if (!find_products()) return std::nullopt;
    std::optional<Projection> query = project(scores_, 0, {last(scores_, 0), last(scores_, 0) - 1});
    std::optional<Projection> key = project(scores_, 1, {last(scores_, 1) - 1, last(scores_, 1)});
    std::optional<Projection> value =
        project(attended_, 1, {last(attended_, 1), last(attended_, 1) - 1});
    if (!query.has_value() || !key.has_value() || !value.has_value()) return std::nullopt;
    if (!fit(*query, *key, *value)) return std::nullopt;
    AttentionMatch match = {.query = std::move(*query),
                            .key = std::move(*key),
                            .value = std::move(*value),
                            .scores = AxisTrace(graph_.symbols(), {}),
                            .mask = {},
                            .softmax = softmax_,
                            .output = AxisTrace(graph_.symbols(), {}),
                            .linear = linear_,
                            .inner = {}};
    if (!follow_scores(match) || !follow_output(match)) return std::nullopt;
    match.inner = {ops_.begin(), ops_.end()};
    if (!has_one_dropout(match)) return std::nullopt;
    return has_scale(match) && is_closed(match) ? std::optional(std::move(match)) : std::nullopt;
  }

 private:
  size_t last(OpId product, size_t operand) const {
    return graph_.type(graph_.op(product).operands[operand]).rank() - 1;
  }
  const Dims& dims(OpId product, size_t operand) const {
    return graph_.type(graph_.op(product).operands[operand]).dims;
  }

  // Backwards from the last linear layer, along its first operand, by ops that `passes` says.
  template <typename Passes>
  OpId producer_behind(ValueId value, std::vector<OpId>& passed, Passes passes) const {
    for (;;) {
      const OpId id = graph_.producer(value);
      if (!id.valid() || !passes(graph_.op(id))) return id;
      passed.push_back(id);
      value = graph_.op(id).operands[0];
    }
  }

  // Keras' layers have one at most.
  bool has_one_dropout(AttentionMatch& match) const {
    for (const OpId id : behind_softmax_) {
      const Op& op = graph_.op(id);
      if (!op.is(ops::kDropout)) continue;
      if (match.dropout != 0) return false;
      match.dropout = op.attr(attr::kProbability);
    }
    return true;
  }

  bool is_product(OpId id) const {
    if (!id.valid() || !graph_.op(id).is(ops::kMatmul)) return false;
    const Op& op = graph_.op(id);
    const size_t rank = graph_.type(op.result()).rank();
    return rank >= 3 && graph_.type(op.result()).dtype == DType::kF32 &&
           graph_.type(op.operands[0]).rank() == rank && graph_.type(op.operands[1]).rank() == rank;
  }

  // scores -> softmax -> attended -> linear
  bool find_products() {
    const auto moves = [](const Op& op) { return op.is(ops::kReshape) || op.is(ops::kPermute); };
    const auto reshapes = [](const Op& op) {
      return op.is(ops::kReshape) || (op.is(ops::kDropout) && !op.attr(attr::kOfChannels));
    };
    attended_ = producer_behind(graph_.op(linear_).operands[0], to_output_, moves);
    if (!is_product(attended_)) return false;
    softmax_ = producer_behind(graph_.op(attended_).operands[0], behind_softmax_, reshapes);
    if (!softmax_.valid() || !graph_.op(softmax_).is(ops::kSoftmax)) return false;
    ValueId value = graph_.op(softmax_).operands[0];
    for (;;) {
      const OpId id = graph_.producer(value);
      if (is_product(id)) {
        scores_ = id;
        return true;
      }
      const std::optional<ValueId> next = id.valid() ? before(id) : std::nullopt;
      if (!next.has_value()) return false;
      before_softmax_.push_back(id);
      value = *next;
    }
  }

  // The scores that the op scales, masks or views; a mask is the last thing that is done to them.
  std::optional<ValueId> before(OpId id) {
    const Op& op = graph_.op(id);
    if (op.is(ops::kReshape)) return op.operands[0];
    if (const std::optional<Scaled> product = scaled(graph_, op); product.has_value()) {
      scale_ *= product->scale;
      is_scaled_ = true;
      return product->x;
    }
    if (masking_.valid() || is_scaled_) return std::nullopt;
    masking_ = id;
    if (op.is(ops::kWhere)) {
      const std::optional<ChosenScores> chosen = chosen_scores(graph_, op);
      if (!chosen.has_value() || !same_type(graph_, chosen->scores, op.result()))
        return std::nullopt;
      return chosen->scores;
    }
    if (!op.is(ops::kAdd)) return std::nullopt;
    for (const size_t side : {size_t{1}, size_t{0}}) {
      const ValueId scores = op.operands[1 - side];
      mask_operand_ = side;
      if (same_type(graph_, scores, op.result()) && is_mask_of_bools(graph_, op.operands[side]))
        return scores;
    }
    return std::nullopt;
  }

  std::optional<Projection> project(OpId product, size_t operand, OperandAxes axes) {
    ProjectionMatch match(graph_, graph_.op(product).operands[operand]);
    std::optional<Projection> found = match.find(axes);
    ops_.insert(ops_.end(), match.ops().begin(), match.ops().end());
    return found;
  }

  // Each matrix of queries has its own keys and values.
  bool fit(const Projection& query, const Projection& key, const Projection& value) const {
    const auto outer = [&](OpId product, size_t operand) {
      const Dims& all = dims(product, operand);
      return Dims(all.begin(), all.end() - 2);
    };
    const Dims batch = outer(scores_, 0);
    if (!(outer(scores_, 1) == batch) || !(outer(attended_, 0) == batch) ||
        !(outer(attended_, 1) == batch))
      return false;
    const Dim heads = query.size(query.key_heads);
    return key.group.empty() && value.group.empty() && key.size(key.key_heads) == heads &&
           value.size(value.key_heads) == heads && key.size(key.width) == query.size(query.width) &&
           key.size(key.rows) == value.size(value.rows);
  }

  Dims parts(const AttentionMatch& match, Dim columns) const {
    const Projection& query = match.query;
    return {query.size(query.batch), query.size(query.key_heads), query.size(query.group),
            query.size(query.rows), columns};
  }

  static bool holds(const AxisTrace& trace, size_t axis, std::initializer_list<size_t> origins) {
    AxisTrace::PartList parts;
    for (const size_t origin : origins)
      parts.insert(parts.end(), trace.parts_of(origin).begin(), trace.parts_of(origin).end());
    return trace.axis(axis) == trace.without_ones(parts);
  }

  // The columns stay the last axis, and what the second product takes is what the first gave.
  bool follow_scores(AttentionMatch& match) {
    match.scores = AxisTrace(graph_.symbols(), parts(match, match.key.size(match.key.rows)));
    AxisTrace& trace = match.scores;
    const Dims& made = graph_.type(graph_.op(scores_).result()).dims;
    if (!trace.reshape(made)) return false;
    for (auto id = before_softmax_.rbegin(); id != before_softmax_.rend(); ++id) {
      if (!follow(graph_.op(*id), trace)) return false;
      if (*id == masking_ && !enter_mask(match)) return false;
    }
    const auto columns = static_cast<size_t>(graph_.op(softmax_).attr(attr::kAxis).value);
    if (columns + 1 != trace.rank() || !holds(trace, columns, {kColumns})) return false;
    for (auto id = behind_softmax_.rbegin(); id != behind_softmax_.rend(); ++id)
      if (!follow(graph_.op(*id), trace)) return false;
    ops_.insert(ops_.end(), before_softmax_.begin(), before_softmax_.end());
    ops_.insert(ops_.end(), behind_softmax_.begin(), behind_softmax_.end());
    ops_.insert(ops_.end(), {scores_, softmax_, attended_});
    return graph_.type(graph_.op(attended_).operands[0]).dims == made;
  }

  static bool follow(const Op& op, AxisTrace& trace) {
    return !op.is(ops::kReshape) || trace.apply(op);
  }

  bool enter_mask(AttentionMatch& match) const {
    const AxisTrace& trace = match.scores;
    const Op& op = graph_.op(masking_);
    MaskedScores masked = {.op = masking_,
                           .mask_operand = op.is(ops::kAdd) ? mask_operand_ : 0,
                           .dims = graph_.type(op.result()).dims,
                           .axes = {}};
    for (size_t axis = 0; axis < trace.rank(); ++axis) masked.axes.push_back(trace.axis(axis));
    match.mask = std::move(masked);
    return trace.rank() >= 2 && holds(trace, trace.rank() - 1, {kColumns}) &&
           holds(trace, trace.rank() - 2, {kRows});
  }

  // Heads beside each other, in their order.
  bool follow_output(AttentionMatch& match) {
    match.output = AxisTrace(graph_.symbols(), parts(match, match.value.size(match.value.width)));
    AxisTrace& trace = match.output;
    if (!trace.reshape(graph_.type(graph_.op(attended_).result()).dims)) return false;
    for (auto id = to_output_.rbegin(); id != to_output_.rend(); ++id)
      if (!trace.apply(graph_.op(*id))) return false;
    ops_.insert(ops_.end(), to_output_.begin(), to_output_.end());
    return trace.rank() >= 1 && holds(trace, trace.rank() - 1, {kKeyHeads, kGroup, kColumns});
  }

  bool has_scale(const AttentionMatch& match) const {
    const auto width = static_cast<double>(match.query.size(match.query.width).size());
    const double scale = match.query.scale * match.key.scale * scale_;
    return match.value.scale == 1.0 && std::abs(scale * std::sqrt(width) - 1.0) <= kScaleTolerance;
  }

  // Nothing else reads what is computed inside.
  bool is_closed(const AttentionMatch& match) const {
    for (const OpId id : match.inner) {
      for (const ValueId result : graph_.op(id).results) {
        const Uses& uses = graph_.value(result).uses;
        const bool is_inside = std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
          return use.op == linear_ || match.inner.contains(use.op);
        });
        if (!is_inside || graph_.num_readers(result) != uses.size()) return false;
      }
    }
    return true;
  }

  const Graph& graph_;
  OpId linear_, attended_, softmax_, scores_, masking_;
  size_t mask_operand_ = 1;
  double scale_ = 1;
  bool is_scaled_ = false;
  // Backwards, each.
  std::vector<OpId> to_output_, behind_softmax_, before_softmax_;
  std::vector<OpId> ops_;
};

}  // namespace

std::optional<AttentionMatch> match_attention(const Graph& graph, OpId linear) {
  return AttentionMatcher(graph, linear).find();
}

}  // namespace ferryman::keras
