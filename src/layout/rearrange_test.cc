// rearrange() against the transposition that it stands for: its steps are carried out on an array
// of positions, for random splits, permutations and merges of images.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <string_view>

#include "ir/print.h"
#include "layout/copy_steps.h"
#include "layout/plan.h"
#include "tests/support/test_net.h"

namespace ferryman::layout {
namespace {

using Data = std::vector<int64_t>;

// TRANSPOSE of `data`, seen as `shape`.
Data transposed(const Data& data, const Ints& shape, const Ints& perm) {
  const size_t rank = perm.size();
  Ints strides(rank, 1);
  for (size_t axis = rank; axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  Data result;
  Ints index(rank, 0);
  while (result.size() < data.size()) {
    int64_t at = 0;
    for (size_t axis = 0; axis < rank; ++axis)
      at += index[axis] * strides[static_cast<size_t>(perm[axis])];
    result.push_back(data[static_cast<size_t>(at)]);
    for (size_t axis = rank; axis-- > 0;) {
      if (++index[axis] < shape[static_cast<size_t>(perm[axis])]) break;
      index[axis] = 0;
    }
  }
  return result;
}

// By the text of TFLite's operators: [N, H, W, (i, j, c)] <-> [N, (H, i), (W, j), c].
Data with_blocks_moved(const Data& data, const BlockMove& move) {
  const Ints x = static_sizes(move.input_shape);
  const int64_t b = move.size;
  EXPECT_EQ(x.size(), 4u);
  if (move.kind == BlockMove::Kind::kDepthToSpace)
    return transposed(data, {x[0], x[1], x[2], b, b, x[3] / (b * b)}, {0, 1, 3, 2, 4, 5});
  return transposed(data, {x[0], x[1] / b, b, x[2] / b, b, x[3]}, {0, 1, 3, 2, 4, 5});
}

// What the kernel makes of that shape.
Ints shape_after(const BlockMove& move) {
  const Ints x = static_sizes(move.input_shape);
  const int64_t b = move.size;
  if (move.kind == BlockMove::Kind::kDepthToSpace)
    return {x[0], x[1] * b, x[2] * b, x[3] / (b * b)};
  return {x[0], x[1] / b, x[2] / b, x[3] * b * b};
}

// A value with one of its layouts.
struct Sight {
  ValueId value;
  Layout layout;
};

// Everything that a plan says about where memory lies, by the value that owns it.
std::map<ValueId, std::vector<Sight>> sights_of(const Graph& graph, const LayoutPlan& plan) {
  std::map<ValueId, std::vector<Sight>> sights;
  const auto add = [&](ValueId value, const Layout& layout) {
    if (graph.is_constant(plan.views[value].root)) return;
    sights[plan.views[value].root].push_back({value, layout});
  };
  for (size_t i = 0; i < graph.inputs().size(); ++i) add(graph.inputs()[i], plan.inputs[i]);
  for (size_t i = 0; i < graph.outputs().size(); ++i)
    add(graph.outputs()[i].value, plan.outputs[i]);
  for (const OpId id : graph.op_ids()) {
    if (plan.ops[id].relabelling) continue;
    const Op& op = graph.op(id);
    for (size_t i = 0; i < op.operands.size(); ++i)
      if (op.operands[i].valid()) add(op.operands[i], plan.ops[id].operands[i]);
    for (size_t i = 0; i < op.results.size(); ++i) add(op.results[i], plan.ops[id].results[i]);
  }
  return sights;
}

// For each element in memory order, which element of the owner it is.
Data positions(const LayoutPlan& plan, const Sight& sight) {
  const std::vector<uint8_t> factors = plan.memory_order(sight.value, sight.layout).factors;
  Ints extents;
  for (const PhysicalAxis& axis : sight.layout.axes)
    for (const AxisPart& part : axis.parts)
      if (part.factor >= 0) extents.push_back(part.extent.size());
  Ints logical(factors.size());  // extents by the owner's factors
  Ints perm;
  for (size_t i = 0; i < factors.size(); ++i) {
    logical[factors[i]] = extents[i];
    perm.push_back(factors[i]);
  }
  Data data(static_cast<size_t>(
      std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>())));
  std::iota(data.begin(), data.end(), 0);
  return transposed(data, logical, perm);
}

// How the four dims of an image are split, what becomes of the pieces, how many of them are merged.
// A dim is written as its pieces: b is the block, r the rest.
struct Pattern {
  std::array<std::string_view, 4> dims;
  Ints perm;
  Ints merges;
};
const std::array<Pattern, 7> kPatterns = {{
    {{"r", "rb", "rb", "r"}, {0, 1, 3, 2, 4, 5}, {1, 1, 1, 3}},  // NHWC, space to depth
    {{"r", "r", "r", "bbr"}, {0, 1, 3, 2, 4, 5}, {1, 2, 2, 1}},  // and back
    {{"r", "r", "rb", "rb"}, {0, 1, 3, 5, 2, 4}, {1, 3, 1, 1}},  // NCHW, as pixel_unshuffle
    {{"r", "r", "rb", "rb"}, {0, 3, 5, 1, 2, 4}, {1, 3, 1, 1}},  // as reorg of YOLOv2
    {{"r", "rbb", "r", "r"}, {0, 1, 4, 2, 5, 3}, {1, 1, 2, 2}},  // as pixel_shuffle
    {{"r", "bbr", "r", "r"}, {0, 3, 4, 1, 5, 2}, {1, 1, 2, 2}},  // as DEPTH_TO_SPACE
    {{"r", "rb", "rb", "r"}, {0, 1, 3, 2, 4, 5}, {3, 1, 1, 1}},  // windows
}};

class RandomImage {
 public:
  explicit RandomImage(uint64_t seed) : random_(seed) {}

  // Before and after the rearrangement stands an op with an opinion on layouts, or none.
  TestNet build() {
    TestNet net;
    const Dims dims = {Dim(1 + below(2)), Dim(extent()), Dim(extent()), Dim(extent())};
    const ValueId x = with_op(net, net.input("x", dims));
    net.output("y", with_op(net, rearranged(net, x)));
    return net;
  }

  // As it is, with the second axis last, or in any order.
  Layout turned(Layout layout) {
    std::vector<PhysicalAxis>& axes = layout.axes;
    const int64_t choice = below(4);
    if (choice > 0 && axes.size() > 1) std::rotate(axes.begin() + 1, axes.begin() + 2, axes.end());
    if (choice == 3 && below(2) == 0) std::shuffle(axes.begin(), axes.end(), random_);
    return layout;
  }

 private:
  int64_t below(int64_t limit) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(limit));
  }
  int64_t extent() { return std::array{1, 4, 8, 9, 12}[static_cast<size_t>(below(5))]; }

  ValueId with_op(TestNet& net, ValueId x) {
    switch (below(4)) {
      case 0:
        return net.conv(x, std::array{4, 9, 12}[static_cast<size_t>(below(3))], 1);
      case 1:
        return net.linear(x, std::array{4, 9, 12}[static_cast<size_t>(below(3))]);
      case 2:
        return net.relu(x);
      default:
        return x;
    }
  }

  ValueId rearranged(TestNet& net, ValueId x) {
    const Pattern& pattern = kPatterns[static_cast<size_t>(below(kPatterns.size()))];
    Dims pieces;
    for (size_t d = 0; d < 4; ++d) {
      int64_t rest = net.dims(x)[d].size();
      const std::string_view text = pattern.dims[d];
      std::map<size_t, int64_t> blocks;
      for (size_t at = 0; at < text.size(); ++at)
        if (text[at] == 'b') rest /= blocks[at] = divisor_of(rest);
      for (size_t at = 0; at < text.size(); ++at)
        pieces.push_back(Dim(text[at] == 'b' ? blocks[at] : rest));
    }
    Ints perm = pattern.perm;
    if (below(8) == 0) std::shuffle(perm.begin(), perm.end(), random_);
    const ValueId moved = net.permute(net.reshape(x, pieces), perm);
    Dims merged;
    size_t at = 0;
    for (const int64_t count : pattern.merges) {
      int64_t size = 1;
      for (int64_t i = 0; i < count; ++i) size *= net.dims(moved)[at++].size();
      merged.push_back(Dim(size));
    }
    return net.reshape(moved, merged);
  }

  // Mostly the same again, so that blocks are square; 1 where nothing divides.
  int64_t divisor_of(int64_t extent) {
    if (below(8) == 0) block_ = 2 + below(3);
    return extent % block_ == 0 ? block_ : 1;
  }

  std::mt19937_64 random_;
  int64_t block_ = 2;
};

// What a rearrangement does to positions in memory, carried out as lowering does.
Data carried_out(const Rearrangement& rearrangement, const Data& data) {
  if (rearrangement.perm.empty()) return data;
  Data moved = data;
  for (const CopyStep& step : copy_steps(rearrangement.input_shape, rearrangement.perm))
    moved = transposed(moved, static_sizes(step.input_shape), step.perm);
  return moved;
}

TEST(Rearrange, StepsAndBlocksMoveWhatTheTranspositionMoves) {
  constexpr uint64_t kNumImages = 1500;
  std::array<int, 2> found = {0, 0};  // block moves, by kind
  for (uint64_t seed = 0; seed < kNumImages; ++seed) {
    RandomImage image(seed);
    TestNet net = image.build();
    const LayoutPlan plan = net.plan();
    for (const auto& [owner, sights] : sights_of(net.graph(), plan)) {
      for (const Sight& one : sights) {
        for (const Sight& other : sights) {
          const Sight from = {one.value, image.turned(one.layout)};
          const Sight to = {other.value, image.turned(other.layout)};
          const Rearrangement rearrangement =
              rearrange(plan, from.value, from.layout, to.value, to.layout);
          const Data data = positions(plan, from);
          const Data wanted = positions(plan, to);
          const auto trace = [&] {
            return "seed " + std::to_string(seed) + ", " + net.shape(from.layout) + " -> " +
                   net.shape(to.layout) + "\n" + print_graph(net.graph());
          };
          ASSERT_EQ(carried_out(rearrangement, data), wanted) << trace();
          if (!rearrangement.blocks.has_value()) continue;
          const BlockMove& move = *rearrangement.blocks;
          ++found[static_cast<size_t>(move.kind)];
          ASSERT_EQ(move.input_shape, from.layout.shape()) << trace();
          ASSERT_EQ(shape_after(move), static_sizes(to.layout.shape())) << trace();
          ASSERT_EQ(with_blocks_moved(data, move), wanted) << trace();
        }
      }
    }
  }
  EXPECT_GT(found[0], 20);
  EXPECT_GT(found[1], 20);
}

}  // namespace
}  // namespace ferryman::layout
