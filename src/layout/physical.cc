// Layout, Rearrangement and constants: plan.h without the planning.
#include <algorithm>

#include "layout/contract.h"
#include "layout/plan.h"

namespace ferryman::layout {

Dims Layout::shape() const {
  Dims dims;
  dims.reserve(axes.size());
  for (const PhysicalAxis& axis : axes) dims.push_back(axis.extent);
  return dims;
}

std::optional<Ints> Layout::dim_order() const {
  Ints order;
  for (const PhysicalAxis& axis : axes) {
    const int dim = axis.parts.empty() ? -1 : axis.parts.front().dim;
    if (dim < 0 || std::find(order.begin(), order.end(), dim) != order.end()) return std::nullopt;
    order.push_back(dim);
  }
  return order;
}

Ints Layout::axes_of_dim(int dim) const {
  Ints found;
  for (size_t a = 0; a < axes.size(); ++a) {
    const bool has = std::any_of(axes[a].parts.begin(), axes[a].parts.end(),
                                 [&](const AxisPart& part) { return part.dim == dim; });
    if (has) found.push_back(static_cast<int64_t>(a));
  }
  return found;
}

MemoryOrder LayoutPlan::memory_order(ValueId value, const Layout& layout) const {
  const View& view = views[value];
  MemoryOrder order{.root = view.root, .factors = {}};
  for (const PhysicalAxis& axis : layout.axes) {
    for (const AxisPart& part : axis.parts) {
      if (part.factor >= 0) order.factors.push_back(view.factors[static_cast<size_t>(part.factor)]);
    }
  }
  return order;
}

namespace {

// A factor of the memory with its size.
struct Piece {
  uint8_t factor;
  Dim extent;
};

std::vector<Piece> pieces_of(const LayoutPlan& plan, ValueId value, const Layout& layout) {
  std::vector<Piece> pieces;
  for (const PhysicalAxis& axis : layout.axes) {
    for (const AxisPart& part : axis.parts) {
      if (part.factor < 0) continue;
      const LayoutPlan::View& view = plan.views[value];
      pieces.push_back({view.factors[static_cast<size_t>(part.factor)], part.extent});
    }
  }
  return pieces;
}

// Factors of the memory on one physical axis.
FactorList factors_on(const LayoutPlan& plan, ValueId value, const PhysicalAxis& axis) {
  FactorList factors;
  for (const AxisPart& part : axis.parts) {
    if (part.factor < 0) continue;
    factors.push_back(plan.views[value].factors[static_cast<size_t>(part.factor)]);
  }
  return factors;
}

// packed [N, H, W, (row, column, C)] and wide [N, (H, row), (W, column), C]: the block size, or 0.
int64_t block_between(const LayoutPlan& plan, ValueId packed_value, const Layout& packed,
                      ValueId wide_value, const Layout& wide) {
  if (packed.axes.size() != 4 || wide.axes.size() != 4) return 0;
  for (const PhysicalAxis& axis : wide.axes) {
    if (!axis.extent.is_static()) return 0;
  }
  for (const PhysicalAxis& axis : packed.axes) {
    if (!axis.extent.is_static() || axis.extent.size() == 0) return 0;
  }
  const auto on_packed = [&](size_t a) { return factors_on(plan, packed_value, packed.axes[a]); };
  const auto on_wide = [&](size_t a) { return factors_on(plan, wide_value, wide.axes[a]); };
  const int64_t block = wide.axes[1].extent.size() / packed.axes[1].extent.size();
  if (block < 2 || block * packed.axes[1].extent.size() != wide.axes[1].extent.size() ||
      block * packed.axes[2].extent.size() != wide.axes[2].extent.size()) {
    return 0;
  }
  // What the wide axes have behind the packed ones are the two block factors.
  FactorList expected;
  for (const size_t a : {size_t{1}, size_t{2}}) {
    const FactorList whole = on_wide(a);
    const FactorList start = on_packed(a);
    if (whole.size() < start.size() || !std::equal(start.begin(), start.end(), whole.begin())) {
      return 0;
    }
    expected.insert(expected.end(), whole.begin() + static_cast<long>(start.size()), whole.end());
  }
  const FactorList channels = on_wide(3);
  expected.insert(expected.end(), channels.begin(), channels.end());
  return on_packed(0) == on_wide(0) && on_packed(3) == expected ? block : 0;
}

std::optional<BlockMove> find_blocks(const LayoutPlan& plan, ValueId from_value, const Layout& from,
                                     ValueId to_value, const Layout& to) {
  const auto move = [&](BlockMove::Kind kind, int64_t size) {
    return BlockMove{kind, size, from.shape(), to.shape()};
  };
  if (const int64_t size = block_between(plan, from_value, from, to_value, to))
    return move(BlockMove::Kind::kDepthToSpace, size);
  if (const int64_t size = block_between(plan, to_value, to, from_value, from))
    return move(BlockMove::Kind::kSpaceToDepth, size);
  return std::nullopt;
}

}  // namespace

Rearrangement rearrange(const LayoutPlan& plan, ValueId from_value, const Layout& from,
                        ValueId to_value, const Layout& to) {
  Rearrangement result{.input_shape = {}, .perm = {}, .output_shape = to.shape(), .blocks = {}};
  const std::vector<Piece> source = pieces_of(plan, from_value, from);
  const std::vector<Piece> target = pieces_of(plan, to_value, to);
  check(source.size() == target.size(), "layout: rearranging different memory");
  const auto position = [&](const Piece& piece) {
    const auto at = std::find_if(source.begin(), source.end(),
                                 [&](const Piece& p) { return p.factor == piece.factor; });
    check(at != source.end(), "layout: rearranging different memory");
    return static_cast<size_t>(at - source.begin());
  };
  // Runs of the target that also follow each other in the source move together.
  struct Run {
    size_t begin, end;  // in the source
  };
  std::vector<Run> runs;
  for (const Piece& piece : target) {
    const size_t at = position(piece);
    const bool follows = !runs.empty() && runs.back().end == at && piece.extent.is_static() &&
                         source[at - 1].extent.is_static();
    if (follows) {
      ++runs.back().end;
    } else {
      runs.push_back({at, at + 1});
    }
  }
  std::vector<Run> in_source = runs;
  std::sort(in_source.begin(), in_source.end(),
            [](const Run& a, const Run& b) { return a.begin < b.begin; });
  for (const Run& run : in_source) {
    Dim extent = source[run.begin].extent;
    for (size_t k = run.begin + 1; k < run.end; ++k) {
      extent = Dim(extent.size() * source[k].extent.size());
    }
    result.input_shape.push_back(extent);
  }
  bool moves = false;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto at = std::find_if(in_source.begin(), in_source.end(),
                                 [&](const Run& run) { return run.begin == runs[i].begin; });
    result.perm.push_back(at - in_source.begin());
    moves = moves || result.perm.back() != static_cast<int64_t>(i);
  }
  if (!moves) {
    result.perm.clear();
    result.input_shape = from.shape();
    return result;
  }
  result.blocks = find_blocks(plan, from_value, from, to_value, to);
  return result;
}

TensorData constant_in_layout(const Graph& graph, const LayoutPlan& plan, ValueId value,
                              const Layout& layout) {
  const LayoutPlan::View& view = plan.views[value];
  const TensorData& data = graph.constant(view.root);
  // Whole dims in another order: the strides are permuted, and nothing else happens.
  const bool whole_dims =
      std::all_of(layout.axes.begin(), layout.axes.end(), [](const PhysicalAxis& axis) {
        return std::is_sorted(
            axis.parts.begin(), axis.parts.end(),
            [](const AxisPart& a, const AxisPart& b) { return a.factor < b.factor; });
      });
  const std::optional<Ints> order = layout.dim_order();
  if (view.root == value && whole_dims && order.has_value()) return data.permuted(*order);
  const std::vector<Piece> pieces = pieces_of(plan, value, layout);
  if (pieces.size() != view.factors.size()) return data;  // too many factors to be permuted
  Ints extents(pieces.size());
  Ints perm;
  for (const Piece& piece : pieces) {
    extents[piece.factor] = piece.extent.size();
    perm.push_back(piece.factor);
  }
  return data.reshaped(extents).permuted(perm);
}

}  // namespace ferryman::layout
