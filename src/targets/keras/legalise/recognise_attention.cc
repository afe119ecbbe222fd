// Attention as the layer that Keras has for it.
//
//   linear(merge(softmax(heads(linear(x)) heads(linear(y))^T / sqrt(E)) heads(linear(z))))
//     -> multi_head_attention(x, y, z, weights and biases of the four)
//
// The weights go into the layer as they are, whole or as rows of a parameter: a layer is made where
// it holds all of them and nothing else reads them, but another call of the same layer.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "ops/attrs.h"
#include "ops/layers/multi_head_attention.h"
#include "ops/names.h"
#include "targets/keras/legalise/attention_mask.h"
#include "targets/keras/legalise/attention_match.h"
#include "targets/keras/legalise/legalise.h"
#include "targets/keras/lower/weight_rows.h"

namespace ferryman::keras {

namespace {

constexpr size_t kNumProjections = 4;  // of queries, keys, values and the output

// What tells layers apart.
struct LayerWeights {
  std::vector<WeightRows> matrices, biases;  // no biases: the layer has none
  int64_t num_heads = 0, num_key_heads = 0;

  auto operator<=>(const LayerWeights&) const = default;
};

struct Candidate {
  AttentionMatch match;
  LayerWeights weights;
};

// ---- the weights ----

std::vector<std::pair<OpId, const Projection*>> inner_projections(const AttentionMatch& match) {
  return {{match.query.linear, &match.query},
          {match.key.linear, &match.key},
          {match.value.linear, &match.value}};
}

std::optional<WeightRows> rows_of(const Graph& graph, ValueId weight, const Projection& of) {
  std::optional<WeightRows> rows = weight_rows(graph, weight);
  if (!rows.has_value()) return std::nullopt;
  rows->begin += of.first_row;
  rows->size = of.num_rows();
  return rows;
}

// Queries, keys and values have a bias each or none; that of the output may be added afterwards.
std::optional<LayerWeights> weights_of(const Graph& graph, const AttentionMatch& match) {
  LayerWeights weights;
  for (const auto& [linear, projection] : inner_projections(match)) {
    const Op& op = graph.op(linear);
    const std::optional<WeightRows> matrix = rows_of(graph, op.operands[1], *projection);
    if (!matrix.has_value()) return std::nullopt;
    weights.matrices.push_back(*matrix);
    if (!op.has_operand(2)) continue;
    const std::optional<WeightRows> bias = rows_of(graph, op.operands[2], *projection);
    if (!bias.has_value()) return std::nullopt;
    weights.biases.push_back(*bias);
  }
  const Op& last = graph.op(match.linear);
  const std::optional<WeightRows> matrix = weight_rows(graph, last.operands[1]);
  if (!matrix.has_value()) return std::nullopt;
  weights.matrices.push_back(*matrix);
  if (!weights.biases.empty()) {
    if (!last.has_operand(2)) return std::nullopt;
    const std::optional<WeightRows> bias = weight_rows(graph, last.operands[2]);
    if (!bias.has_value()) return std::nullopt;
    weights.biases.push_back(*bias);
    if (weights.biases.size() != kNumProjections) return std::nullopt;
  }
  weights.num_key_heads = match.query.size(match.query.key_heads).size();
  weights.num_heads = weights.num_key_heads * match.query.size(match.query.group).size();
  return weights;
}

// Every element of every weight is in the layer, once.
bool holds_whole_weights(const Graph& graph, const LayerWeights& weights) {
  std::map<ValueId, std::vector<WeightRows>> by_source;
  for (const auto* list : {&weights.matrices, &weights.biases})
    for (const WeightRows& rows : *list) by_source[rows.source].push_back(rows);
  for (auto& [source, parts] : by_source) {
    std::sort(parts.begin(), parts.end());
    int64_t end = 0;
    for (const WeightRows& rows : parts) {
      if (rows.axis != parts[0].axis || rows.begin != end) return false;
      end += rows.size;
    }
    if (!(graph.type(source).dims[parts[0].axis] == Dim(end))) return false;
  }
  return true;
}

std::set<ValueId> sources_of(const LayerWeights& weights) {
  std::set<ValueId> sources;
  for (const auto* list : {&weights.matrices, &weights.biases})
    for (const WeightRows& rows : *list) sources.insert(rows.source);
  return sources;
}

// GroupQueryAttention has heads of one size, and gives what its queries are.
bool has_layer(const Graph& graph, const Candidate& found) {
  if (found.weights.num_heads == found.weights.num_key_heads) return true;
  const AttentionMatch& match = found.match;
  const auto width = [&](OpId linear) {
    return graph.type(graph.op(linear).operands[0]).dims.back();
  };
  return match.query.size(match.query.width) == match.value.size(match.value.width) &&
         graph.type(graph.op(match.linear).result()).dims.back() == width(match.query.linear) &&
         width(match.query.linear) == width(match.value.linear);
}

std::optional<Candidate> find_candidate(const Graph& graph, OpId linear) {
  std::optional<AttentionMatch> match = match_attention(graph, linear);
  if (!match.has_value()) return std::nullopt;
  std::optional<LayerWeights> weights = weights_of(graph, *match);
  if (!weights.has_value() || !holds_whole_weights(graph, *weights)) return std::nullopt;
  Candidate found = {std::move(*match), std::move(*weights)};
  return has_layer(graph, found) ? std::optional(std::move(found)) : std::nullopt;
}

// None where it takes a size as a number that is free, as that of a weight that is computed.
std::optional<Candidate> candidate(const Graph& graph, OpId linear) {
  try {
    return find_candidate(graph, linear);
  } catch (const SizeError&) {
    return std::nullopt;
  }
}

std::set<OpId> linears_of(const AttentionMatch& match) {
  return {match.query.linear, match.key.linear, match.value.linear, match.linear};
}

// Calls of layers, of which each has its weights for itself.
class Calls {
 public:
  explicit Calls(const Graph& graph) : graph_(graph) {
    for (const OpId id : graph.op_ids()) {
      if (!graph.op(id).is(ops::kLinear)) continue;
      if (std::optional<Candidate> found = candidate(graph, id); found.has_value()) add(*found);
    }
  }

  std::vector<Candidate> find() && {
    while (drop_those_that_share()) {
    }
    return std::move(candidates_);
  }

 private:
  // The last linear layer of one may be the first of another, which then is none.
  void add(const Candidate& found) {
    const auto ends_inside = [&](const Candidate& other) {
      return found.match.inner.contains(other.match.linear);
    };
    if (std::none_of(candidates_.begin(), candidates_.end(), ends_inside))
      candidates_.push_back(found);
  }

  bool drop_those_that_share() {
    std::map<LayerWeights, std::set<OpId>> readers;
    for (const Candidate& found : candidates_)
      readers[found.weights].merge(linears_of(found.match));
    const auto shares = [&](const Candidate& found) {
      for (const ValueId source : sources_of(found.weights)) {
        const std::set<OpId> all = readers_of_weight(graph_, source);
        const std::set<OpId>& own = readers[found.weights];
        if (!std::includes(own.begin(), own.end(), all.begin(), all.end())) return true;
      }
      return false;
    };
    return std::erase_if(candidates_, shares) > 0;
  }

  const Graph& graph_;
  std::vector<Candidate> candidates_;
};

// ---- where it belongs ----

std::string common_path(const std::string& a, const std::string& b) {
  size_t end = 0;
  for (size_t i = 0; i <= std::min(a.size(), b.size()); ++i) {
    const bool ends_a = i == a.size() || a[i] == '.';
    const bool ends_b = i == b.size() || b[i] == '.';
    if (ends_a && ends_b) end = i;
    if (i == a.size() || i == b.size() || a[i] != b[i]) break;
  }
  return a.substr(0, end);
}

// That of the module around all of its parts.
SourceLocation location_of(const Graph& graph, const AttentionMatch& match) {
  SourceLocation place = graph.location(match.linear);
  std::set<OpId> parts = linears_of(match);
  parts.insert(match.softmax);
  for (const OpId part : parts)
    place.module_path = common_path(place.module_path, graph.location(part).module_path);
  place.module_type.clear();
  for (const OpId part : parts) {
    if (graph.location(part).module_path == place.module_path)
      place.module_type = graph.location(part).module_type;
  }
  return place;
}

// ---- what is written ----

class AttentionWriter {
 public:
  AttentionWriter(Rewriter& rewriter, const Candidate& found, LocationId place)
      : rewriter_(rewriter),
        graph_(rewriter.graph()),
        write_(rewriter),
        match_(found.match),
        weights_(found.weights),
        place_(place) {}

  void replace() {
    const Op last = graph_.op(match_.linear);
    const LocationId place_of_output = rewriter_.current_location();
    const bool is_causal = write_mask();
    std::vector<ValueId> operands(kNumAttentionOperands);
    operands[kAttentionMask] = mask_;
    size_t position = 0;
    for (const auto& [linear, projection] : inner_projections(match_)) {
      operands[kAttentionQuery + position] = sequence(*projection);
      operands[kQueryWeight + position] = rows(*projection, 1);
      operands[kQueryBias + position] = rows(*projection, 2);
      ++position;
    }
    operands[kOutputWeight] = last.operands[1];
    const bool has_biases = !weights_.biases.empty();
    if (has_biases) operands[kOutputBias] = last.operands[2];
    rewriter_.set_location(place_);
    ValueId result = write_.op(ops::kMultiHeadAttention, operands,
                               std::vector<NamedAttr>{{attr::kNumHeads, weights_.num_heads},
                                                      {attr::kNumKeyHeads, weights_.num_key_heads},
                                                      {attr::kIsCausal, is_causal},
                                                      {attr::kProbability, match_.dropout}});
    if (last.has_operand(2) && !has_biases) result = write_.add(result, last.operands[2]);
    rewriter_.set_location(place_of_output);
    rewriter_.replace_value(last.result(), in_order_of_output(result));
  }

 private:
  Dims sizes(const AxisTrace& trace, const AxisTrace::PartList& parts) const {
    Dims dims;
    for (const size_t part : parts) dims.push_back(trace.part(part).size);
    return dims;
  }

  // A reshape of a reshape to what there was before is that.
  ValueId reshaped(ValueId x, const Dims& dims) const {
    const OpId producer = graph_.producer_if(x, ops::kReshape);
    if (producer.valid() && graph_.type(graph_.op(producer).operands[0]).dims == dims)
      return graph_.op(producer).operands[0];
    return write_.reshape(x, dims);
  }

  // [batch, rows, features] of what a linear layer takes.
  ValueId sequence(const Projection& projection) {
    const AxisTrace& trace = projection.trace;
    ValueId x = graph_.op(projection.linear).operands[0];
    const size_t num_axes = write_.rank(x) - 1;
    const Dim features = write_.dims(x).back();
    AxisTrace::PartList parts;
    Dims apart;
    for (size_t axis = 0; axis < num_axes; ++axis) {
      const AxisTrace::Range& range = trace.range_of(axis);
      if (!range.is_whole())
        x = write_.slice_axis(x, axis, range.begin, write_.symbols().add(range.begin, range.size));
      for (const size_t part : trace.parts_of(axis)) {
        parts.push_back(part);
        apart.push_back(trace.part(part).full);
      }
    }
    apart.push_back(features);
    x = reshaped(x, apart);
    x = write_.permute(x, perm_to(parts, trace, projection.batch, projection.rows));
    return write_.reshape(
        select(x, parts, projection),
        {projection.size(projection.batch), projection.size(projection.rows), features});
  }

  // Parts of batches first, then of rows, and those of which one index is left; features last.
  Ints perm_to(AxisTrace::PartList& parts, const AxisTrace& trace, const AxisTrace::PartList& batch,
               const AxisTrace::PartList& rows) const {
    AxisTrace::PartList order = batch;
    order.insert(order.end(), rows.begin(), rows.end());
    for (const size_t part : parts)
      if (trace.part(part).size == Dim(1)) order.push_back(part);
    Ints perm;
    for (const size_t part : order)
      perm.push_back(std::find(parts.begin(), parts.end(), part) - parts.begin());
    perm.push_back(static_cast<int64_t>(parts.size()));
    parts = order;
    return perm;
  }

  ValueId select(ValueId x, const AxisTrace::PartList& parts, const Projection& projection) const {
    for (size_t axis = 0; axis < parts.size(); ++axis) {
      const AxisTrace::Part& part = projection.trace.part(parts[axis]);
      if (!part.is_whole())
        x = write_.slice_axis(x, axis, part.begin, write_.symbols().add(part.begin, part.size));
    }
    return x;
  }

  // Those of a weight or a bias that make these heads.
  ValueId rows(const Projection& projection, size_t operand) const {
    const Op& linear = graph_.op(projection.linear);
    if (!linear.has_operand(operand)) return ValueId();
    const ValueId all = linear.operands[operand];
    const int64_t end = projection.first_row + projection.num_rows();
    if (projection.first_row == 0 && write_.dims(all)[0] == Dim(end)) return all;
    return write_.slice_axis(all, 0, projection.first_row, end);
  }

  // Sets mask_ unless the layer makes it by itself, or everything is seen; whether it is causal.
  bool write_mask() {
    if (!match_.mask.has_value()) return false;
    const MaskedScores& masked = *match_.mask;
    const Op op = graph_.op(masked.op);
    ValueId seen;
    if (op.is(ops::kAdd)) {
      seen = write_seen(write_, op.operands[masked.mask_operand]);
    } else {
      const ChosenScores chosen = *chosen_scores(graph_, op);
      seen = chosen.is_turned ? write_.unary(ops::kLogicalNot, chosen.condition) : chosen.condition;
    }
    if (is_all_true(graph_, seen)) return false;
    Dims dims(masked.dims.size() - write_.rank(seen), Dim(1));
    dims.insert(dims.end(), write_.dims(seen).begin(), write_.dims(seen).end());
    const size_t rank = dims.size();
    const bool is_full =
        dims[rank - 1] == masked.dims[rank - 1] && dims[rank - 2] == masked.dims[rank - 2];
    if (is_full && is_causal(graph_, seen)) return true;
    mask_ = mask_of_layer(write_.reshape(seen, dims), masked);
    return false;
  }

  // [batch or 1, heads or 1, rows or 1, columns or 1]
  ValueId mask_of_layer(ValueId seen, const MaskedScores& masked) const {
    const AxisTrace& trace = match_.scores;
    Dims dims = write_.dims(seen);
    const size_t rank = dims.size();
    const auto has = [&](size_t axis, bool heads) {
      return std::any_of(masked.axes[axis].begin(), masked.axes[axis].end(),
                         [&](size_t part) { return (trace.part(part).origin != kBatch) == heads; });
    };
    bool differs[2] = {false, false};  // between batches, between heads
    for (size_t axis = 0; axis + 2 < rank; ++axis)
      for (const bool heads : {false, true})
        differs[heads ? 1 : 0] |= has(axis, heads) && !(dims[axis] == Dim(1));
    for (size_t axis = 0; axis + 2 < rank; ++axis) {
      const bool is_needed = (has(axis, false) && differs[0]) || (has(axis, true) && differs[1]);
      if (is_needed) dims[axis] = masked.dims[axis];
    }
    const Projection& query = match_.query;
    const Dims to = {differs[0] ? query.size(query.batch) : Dim(1),
                     differs[1] ? Dim(weights_.num_heads) : Dim(1), dims[rank - 2], dims[rank - 1]};
    return write_.reshape(write_.expand(seen, dims), to);
  }

  // [batch, rows, features] as the last linear layer gives it.
  ValueId in_order_of_output(ValueId result) const {
    const AxisTrace& trace = match_.output;
    const Dims to = graph_.type(graph_.op(match_.linear).result()).dims;
    AxisTrace::PartList from;
    for (const size_t origin : {kBatch, kRows}) {
      const AxisTrace::PartList parts = trace.without_ones(trace.parts_of(origin));
      from.insert(from.end(), parts.begin(), parts.end());
    }
    Dims apart = sizes(trace, from);
    apart.push_back(to.back());
    Ints perm;
    for (size_t axis = 0; axis + 1 < trace.rank(); ++axis) {
      for (const size_t part : trace.axis(axis))
        perm.push_back(std::find(from.begin(), from.end(), part) - from.begin());
    }
    perm.push_back(static_cast<int64_t>(from.size()));
    return write_.reshape(write_.permute(write_.reshape(result, apart), perm), to);
  }

  Rewriter& rewriter_;
  const Graph& graph_;
  CoreWriter write_;
  const AttentionMatch& match_;
  const LayerWeights& weights_;
  LocationId place_;
  ValueId mask_;
};

Result<Changed> run_recognise_attention(Graph& graph, PassContext&) {
  const std::vector<Candidate> found = Calls(graph).find();
  for (const Candidate& call : found) {
    const LocationId place = graph.intern(location_of(graph, call.match));
    Rewriter rewriter(graph);
    rewriter.insert_before(call.match.linear);
    AttentionWriter(rewriter, call, place).replace();
    rewriter.erase_dead(call.match.linear);
  }
  return found.empty() ? Changed::kNo : Changed::kYes;
}

}  // namespace

Pass recognise_attention() {
  return {"recognise_attention", "attention and its projections as one layer",
          run_recognise_attention};
}

}  // namespace ferryman::keras
