#include "layout/factors.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "ops/reshape_groups.h"

namespace ferryman::layout {

namespace {

using DimId = size_t;  // one dim of one value, or a part of one
using DimIds = SmallVector<DimId, 4>;

// The factors of `lhs`, one dim after the other, are the factors of `rhs`.
struct Refinement {
  OpId op;
  DimIds lhs, rhs;
};

// Both lists, each element replaced by its pieces, so that the pieces of both are the same.
struct CommonPieces {
  std::vector<Dims> lhs, rhs;
};

bool is_one_symbol(const Dims& list) {
  return list.size() == 1 && !list.front().is_static();
}

// The greatest size that both are multiples of, where one is the other's.
std::optional<Dim> common_piece(SymbolTable& symbols, Dim a, Dim b) {
  if (a == b) return a;
  if (a.is_static() && b.is_static()) {
    const int64_t less = std::min(a.size(), b.size());
    const int64_t more = std::max(a.size(), b.size());
    // Without elements there is no order to keep.
    return less == 0 || more % less != 0 ? std::nullopt : std::optional(Dim(less));
  }
  if (a == Dim(0) || b == Dim(0)) return std::nullopt;
  if (symbols.exact_quotient(a, b).has_value()) return b;
  return symbols.exact_quotient(b, a).has_value() ? std::optional(a) : std::nullopt;
}

std::optional<CommonPieces> common_pieces(SymbolTable& symbols, Dims lhs, Dims rhs) {
  CommonPieces pieces{.lhs = std::vector<Dims>(lhs.size()), .rhs = std::vector<Dims>(rhs.size())};
  if (is_one_symbol(lhs) || is_one_symbol(rhs)) {
    const Dims& named = is_one_symbol(lhs) ? rhs : lhs;
    for (auto* side : {&pieces.lhs, &pieces.rhs}) {
      if (side->size() == named.size()) {
        for (size_t i = 0; i < named.size(); ++i) (*side)[i] = {named[i]};
      } else {
        side->front() = named;
      }
    }
    return pieces;
  }
  size_t l = lhs.size();
  size_t r = rhs.size();
  const auto take = [&](std::vector<Dims>& side, size_t& at, Dim& rest, Dim piece) {
    Dims& list = side[at - 1];
    list.insert(list.begin(), piece);
    if (rest == piece) {
      --at;
    } else {
      rest = *symbols.exact_quotient(rest, piece);
    }
  };
  while (l > 0 && r > 0) {
    Dim& a = lhs[l - 1];
    Dim& b = rhs[r - 1];
    const std::optional<Dim> piece = common_piece(symbols, a, b);
    if (!piece.has_value()) return std::nullopt;
    take(pieces.lhs, l, a, *piece);
    take(pieces.rhs, r, b, *piece);
  }
  if (l > 0 || r > 0) return std::nullopt;
  return pieces;
}

class FactorFinder {
 public:
  FactorFinder(const Graph& graph, const OpMap<OpAxes>& axes) : graph_(graph), axes_(axes) {}

  Factors run() {
    number_dims();
    factors_.opaque = OpMap<uint8_t>(graph_.num_op_ids(), 0);
    for (const OpId op : graph_.op_ids()) {
      if (axes_[op].kind == OpAxes::Kind::kTied) tie_dims(op);
      if (axes_[op].kind == OpAxes::Kind::kRelabel) add_relabelling(op);
    }
    collect_classes();
    refine_all();
    list_factors();
    find_views();
    return std::move(factors_);
  }

 private:
  void number_dims() {
    first_dim_.resize(graph_.num_value_ids());
    for (size_t v = 0; v < graph_.num_value_ids(); ++v) {
      first_dim_[v] = extents_.size();
      for (const Dim& dim : graph_.type(ValueId(v)).dims) add_dim(dim);
    }
  }

  DimId add_dim(Dim extent) {
    extents_.push_back(extent);
    parent_.push_back(parent_.size());
    return extents_.size() - 1;
  }

  DimId dim_id(ValueId value, size_t d) const { return first_dim_[value.index] + d; }
  const Dims& dims(ValueId value) const { return graph_.type(value).dims; }

  DimId find(DimId id) {
    while (parent_[id] != id) id = parent_[id] = parent_[parent_[id]];
    return id;
  }
  void join(DimId a, DimId b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

  // Along an axis where positions do not matter, all tensors have the same factors.
  void tie_dims(OpId id) {
    const Op& op = graph_.op(id);
    const OpAxes& axes = axes_[id];
    SmallVector<DimId, 8> seen(axes.axes.size(), SIZE_MAX);
    const auto tie = [&](ValueId value, const AxisList& list) {
      for (size_t d = 0; d < list.size(); ++d) {
        if (list[d] < 0 || axes.axes[static_cast<size_t>(list[d])].positional) continue;
        if (dims(value)[d] == Dim(1)) continue;
        DimId& first = seen[static_cast<size_t>(list[d])];
        if (first == SIZE_MAX) {
          first = dim_id(value, d);
        } else if (extents_[first] == dims(value)[d]) {
          join(first, dim_id(value, d));
        }
      }
    };
    for (size_t t = 0; t < op.operands.size(); ++t) {
      if (op.operands[t].valid()) tie(op.operands[t], axes.operands[t]);
    }
    for (size_t r = 0; r < op.results.size(); ++r) tie(op.results[r], axes.results[r]);
  }

  void add_relabelling(OpId id) {
    const ValueId x = graph_.op(id).operands.front();
    const ValueId y = graph_.op(id).result();
    const std::optional<Relabelling>& relabelling = axes_[id].relabelling;
    if (relabelling.has_value()) return add_parts(id, *relabelling);
    for (const DimGroup& group : group_dims(graph_.symbols(), dims(x), dims(y))) {
      if (group.lhs_end - group.lhs_begin == 1 && group.rhs_end - group.rhs_begin == 1 &&
          dims(x)[group.lhs_begin] == dims(y)[group.rhs_begin]) {
        join(dim_id(x, group.lhs_begin), dim_id(y, group.rhs_begin));
        continue;
      }
      Refinement refinement{.op = id, .lhs = {}, .rhs = {}};
      for (size_t d = group.lhs_begin; d < group.lhs_end; ++d) {
        refinement.lhs.push_back(dim_id(x, d));
      }
      for (size_t d = group.rhs_begin; d < group.rhs_end; ++d) {
        refinement.rhs.push_back(dim_id(y, d));
      }
      refinements_.push_back(std::move(refinement));
    }
  }

  // A part that is a dim by itself on one side is that dim; the others are further ones. A dim of
  // several parts is refined by them.
  void add_parts(OpId id, const Relabelling& relabelling) {
    const ValueId x = graph_.op(id).operands.front();
    const ValueId y = graph_.op(id).result();
    DimIds ids(relabelling.parts.size(), SIZE_MAX);
    const auto name_parts = [&](ValueId value, const std::vector<DimParts>& of) {
      for (size_t d = 0; d < of.size(); ++d) {
        if (of[d].size() != 1) continue;
        DimId& known = ids[of[d].front()];
        if (known != SIZE_MAX) join(known, dim_id(value, d));
        if (known == SIZE_MAX) known = dim_id(value, d);
      }
    };
    name_parts(x, relabelling.operand_parts);
    name_parts(y, relabelling.result_parts);
    for (size_t part = 0; part < ids.size(); ++part) {
      if (ids[part] == SIZE_MAX) ids[part] = add_dim(relabelling.parts[part]);
    }
    const auto refine_dims = [&](ValueId value, const std::vector<DimParts>& of) {
      for (size_t d = 0; d < of.size(); ++d) {
        if (of[d].size() == 1) continue;
        Refinement refinement{.op = id, .lhs = {dim_id(value, d)}, .rhs = {}};
        for (const size_t part : of[d]) refinement.rhs.push_back(ids[part]);
        refinements_.push_back(std::move(refinement));
      }
    };
    refine_dims(x, relabelling.operand_parts);
    refine_dims(y, relabelling.result_parts);
    part_ids_[id] = std::move(ids);
  }

  void collect_classes() {
    lists_.resize(extents_.size());
    readers_.resize(extents_.size());
    members_.resize(extents_.size());
    for (DimId id = 0; id < extents_.size(); ++id) {
      if (find(id) == id && extents_[id] != Dim(1)) lists_[id] = {extents_[id]};
    }
    for (size_t v = 0; v < graph_.num_value_ids(); ++v) {
      num_factors_.push_back(0);
      for (size_t d = 0; d < dims(ValueId(v)).size(); ++d) {
        const DimId id = find(dim_id(ValueId(v), d));
        num_factors_[v] += lists_[id].size();
        members_[id].push_back(v);
      }
    }
    for (size_t k = 0; k < refinements_.size(); ++k) {
      for (const auto* side : {&refinements_[k].lhs, &refinements_[k].rhs}) {
        for (const DimId id : *side) readers_[find(id)].push_back(k);
      }
    }
  }

  void refine_all() {
    std::vector<size_t> queue(refinements_.size());
    std::vector<bool> queued(refinements_.size(), true);
    for (size_t k = 0; k < queue.size(); ++k) queue[k] = k;
    for (size_t next = 0; next < queue.size(); ++next) {
      const size_t k = queue[next];
      queued[k] = false;
      const OpId op = refinements_[k].op;
      if (factors_.opaque[op] != 0) continue;
      changed_.clear();
      if (!refine(refinements_[k])) factors_.opaque[op] = 1;
      for (const DimId id : changed_) {
        for (const size_t reader : readers_[id]) {
          if (!queued[reader]) queue.push_back(reader);
          queued[reader] = true;
        }
      }
    }
  }

  Dims pieces_of(const DimIds& side) {
    Dims list;
    for (const DimId id : side) {
      const Dims& part = lists_[find(id)];
      list.insert(list.end(), part.begin(), part.end());
    }
    return list;
  }

  bool refine(const Refinement& refinement) {
    const auto pieces =
        common_pieces(graph_.symbols(), pieces_of(refinement.lhs), pieces_of(refinement.rhs));
    return pieces.has_value() && apply(refinement.lhs, pieces->lhs) &&
           apply(refinement.rhs, pieces->rhs);
  }

  // Replaces the factors of each dim by their pieces. A class that occurs twice is read again.
  bool apply(const DimIds& side, std::span<const Dims> pieces) {
    for (const DimId dim : side) {
      const DimId id = find(dim);
      // An earlier occurrence has changed it: the queue comes back to this refinement.
      if (std::find(changed_.begin(), changed_.end(), id) != changed_.end()) return true;
      const size_t old_size = lists_[id].size();
      Dims list;
      for (size_t i = 0; i < old_size; ++i) {
        list.insert(list.end(), pieces[i].begin(), pieces[i].end());
      }
      pieces = pieces.subspan(old_size);
      if (list.size() == old_size) continue;
      const size_t added = list.size() - old_size;
      for (const size_t v : members_[id]) {
        if (num_factors_[v] + added > kMaxFactors) return false;
      }
      for (const size_t v : members_[id]) num_factors_[v] += added;
      lists_[id] = std::move(list);
      changed_.push_back(id);
    }
    return true;
  }

  void list_factors() {
    factors_.of = ValueMap<ValueFactors>(graph_.num_value_ids());
    for (size_t v = 0; v < graph_.num_value_ids(); ++v) {
      ValueFactors& of = factors_.of[ValueId(v)];
      for (size_t d = 0; d < dims(ValueId(v)).size(); ++d) {
        of.first.push_back(static_cast<int>(of.extents.size()));
        const Dims& list = lists_[find(dim_id(ValueId(v), d))];
        of.extents.insert(of.extents.end(), list.begin(), list.end());
      }
      of.first.push_back(static_cast<int>(of.extents.size()));
    }
  }

  void find_views() {
    factors_.views = ValueMap<LayoutPlan::View>(graph_.num_value_ids());
    for (size_t v = 0; v < graph_.num_value_ids(); ++v) {
      LayoutPlan::View& view = factors_.views[ValueId(v)];
      view.root = ValueId(v);
      for (size_t k = 0; k < factors_.of[ValueId(v)].size(); ++k) {
        view.factors.push_back(static_cast<uint8_t>(k));
      }
    }
    for (const OpId id : graph_.op_ids()) {
      if (axes_[id].kind != OpAxes::Kind::kRelabel || factors_.opaque[id] != 0) continue;
      const Op& op = graph_.op(id);
      const LayoutPlan::View& source = factors_.views[op.operands.front()];
      LayoutPlan::View view{.root = source.root, .factors = {}};
      for (const size_t factor : source_factors(op, id)) {
        view.factors.push_back(source.factors[factor]);
      }
      factors_.views[op.result()] = std::move(view);
    }
  }

  // For each factor of the result, the factor of the operand that it is.
  SmallVector<size_t, 8> source_factors(const Op& op, OpId id) {
    const std::optional<Relabelling>& relabelling = axes_[id].relabelling;
    if (!relabelling.has_value()) {
      SmallVector<size_t, 8> same(factors_.of[op.result()].size());
      for (size_t k = 0; k < same.size(); ++k) same[k] = k;
      return same;
    }
    const auto ids_of = [&](const std::vector<DimParts>& parts_of_dims) {
      DimIds ids;
      for (const DimParts& parts : parts_of_dims) {
        for (const size_t part : parts) ids.push_back(part_ids_[id][part]);
      }
      return ids;
    };
    const DimIds x_parts = ids_of(relabelling->operand_parts);
    const DimIds y_parts = ids_of(relabelling->result_parts);
    SmallVector<size_t, 8> sources;
    for (const DimId part : y_parts) {
      size_t factor = 0;
      for (const DimId before : x_parts) {
        if (before == part) break;
        factor += lists_[find(before)].size();
      }
      for (size_t k = 0; k < lists_[find(part)].size(); ++k) sources.push_back(factor + k);
    }
    return sources;
  }

  const Graph& graph_;
  const OpMap<OpAxes>& axes_;
  Factors factors_;
  std::vector<size_t> first_dim_;  // per value the id of its first dim
  std::vector<Dim> extents_;
  std::vector<DimId> parent_;  // union-find: dims with the same factors
  std::vector<Refinement> refinements_;
  OpMap<DimIds> part_ids_;                       // of relabelling ops that name their parts
  std::vector<Dims> lists_;                      // per class its factors
  std::vector<SmallVector<size_t, 2>> readers_;  // per class the refinements that mention it
  std::vector<SmallVector<size_t, 2>> members_;  // per class the values that have it, once per dim
  std::vector<size_t> num_factors_;              // per value
  std::vector<DimId> changed_;
};

}  // namespace

int ValueFactors::dim_of(size_t factor) const {
  const auto after = std::upper_bound(first.begin(), first.end() - 1, static_cast<int>(factor));
  return static_cast<int>(after - first.begin()) - 1;
}

Factors find_factors(const Graph& graph, const OpMap<OpAxes>& axes) {
  return FactorFinder(graph, axes).run();
}

}  // namespace ferryman::layout
