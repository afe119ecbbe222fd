#include "passes/fuse/channel_list.h"

#include <algorithm>
#include <map>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/slice_range.h"

namespace ferryman {

namespace {

constexpr int64_t kMaxChannels = 1 << 16;

// An axis that counts channels in a list with that many channel axes.
bool is_channel_axis(size_t axis, const ChannelList& list) {
  return axis >= 1 && axis <= list.num_axes();
}

int64_t elems_after(const Ints& sizes, size_t axis) {
  return product(Ints(sizes.begin() + static_cast<std::ptrdiff_t>(axis) + 1, sizes.end()));
}

// reshape(x[n, c, h, w], [n, 2, c / 2, h, w]): the axes outside the channels stay as they are.
std::optional<ChannelList> through_reshape(const Graph& graph, const Op& op,
                                           const ChannelList& list) {
  const Dims& from = graph.type(op.operands[0]).dims;
  const Dims& to = graph.type(op.result()).dims;
  const size_t trailing = from.size() - 1 - list.num_axes();
  if (to.size() < trailing + 2 || !(to[0] == from[0])) return std::nullopt;
  if (!std::equal(from.end() - static_cast<std::ptrdiff_t>(trailing), from.end(),
                  to.end() - static_cast<std::ptrdiff_t>(trailing)))
    return std::nullopt;
  const Dims channel_dims(to.begin() + 1, to.end() - static_cast<std::ptrdiff_t>(trailing));
  if (!all_static(channel_dims)) return std::nullopt;
  ChannelList result{static_sizes(channel_dims), list.channels};
  if (product(result.sizes) != static_cast<int64_t>(list.channels.size())) return std::nullopt;
  return result;
}

std::optional<ChannelList> through_permute(const Op& op, const ChannelList& list) {
  const Ints& perm = op.attr(attr::kPerm).values;
  for (size_t axis = 0; axis < perm.size(); ++axis) {
    const auto from = static_cast<size_t>(perm[axis]);
    if (!is_channel_axis(axis, list) && from != axis) return std::nullopt;
  }
  ChannelList result;
  for (size_t i = 0; i < list.num_axes(); ++i)
    result.sizes.push_back(list.sizes[static_cast<size_t>(perm[i + 1] - 1)]);
  Ints index(list.num_axes(), 0);
  for (size_t count = list.channels.size(); count > 0; --count) {
    int64_t position = 0;
    for (size_t i = 0; i < index.size(); ++i) {
      const auto from = static_cast<size_t>(perm[i + 1] - 1);
      position += index[i] * elems_after(list.sizes, from);
    }
    result.channels.push_back(list.channels[static_cast<size_t>(position)]);
    for (size_t i = index.size(); i-- > 0;) {
      if (++index[i] < result.sizes[i]) break;
      index[i] = 0;
    }
  }
  return result;
}

std::optional<ChannelList> through_slice(const Graph& graph, const Op& op,
                                         const ChannelList& list) {
  const std::optional<size_t> axis = sliced_axis(graph, op);
  const std::optional<SliceRanges> ranges = slice_ranges(graph, op);
  if (!axis.has_value() || !ranges.has_value() || !is_channel_axis(*axis, list))
    return std::nullopt;
  const SliceRange& range = (*ranges)[*axis];
  if (range.count == Dim(0)) return std::nullopt;  // nothing is stored anywhere
  const int64_t inner = elems_after(list.sizes, *axis - 1);
  const int64_t size = list.sizes[*axis - 1];
  const int64_t outer = static_cast<int64_t>(list.channels.size()) / (inner * size);
  ChannelList result{list.sizes, {}};
  result.sizes[*axis - 1] = range.count.size();
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < range.count.size(); ++i) {
      const int64_t begin = (o * size + range.start + i * range.step) * inner;
      for (int64_t k = begin; k < begin + inner; ++k)
        result.channels.push_back(list.channels[static_cast<size_t>(k)]);
    }
  }
  return result;
}

// Along any channel axis: the first puts one list after the other, an inner one interleaves them.
std::optional<ChannelList> through_concat(const Op& op, const std::vector<ChannelList>& lists) {
  const auto axis = static_cast<size_t>(op.attr(attr::kAxis).value);
  ChannelList result = lists.front();
  result.channels.clear();
  result.sizes[is_channel_axis(axis, lists.front()) ? axis - 1 : 0] = 0;
  for (const ChannelList& list : lists) {
    if (!is_channel_axis(axis, list) || list.num_axes() != result.num_axes()) return std::nullopt;
    result.sizes[axis - 1] += list.sizes[axis - 1];
  }
  const int64_t inner = elems_after(lists.front().sizes, axis - 1);
  const int64_t outer =
      static_cast<int64_t>(lists.front().channels.size()) / (inner * lists.front().sizes[axis - 1]);
  for (int64_t o = 0; o < outer; ++o) {
    for (const ChannelList& list : lists) {
      const int64_t block = list.sizes[axis - 1] * inner;
      const auto begin = list.channels.begin() + static_cast<std::ptrdiff_t>(o * block);
      result.channels.insert(result.channels.end(), begin,
                             begin + static_cast<std::ptrdiff_t>(block));
    }
  }
  return result;
}

}  // namespace

std::optional<ChannelList> channels_of(const Graph& graph, ValueId value) {
  const Dims& dims = graph.type(value).dims;
  if (dims.size() < 2 || !dims[1].is_static() || dims[1].size() > kMaxChannels ||
      dims[1].size() == 0)
    return std::nullopt;
  ChannelList list{{dims[1].size()}, {}};
  for (int64_t i = 0; i < dims[1].size(); ++i) list.channels.push_back({value, i});
  return list;
}

bool only_moves_channels(const Graph& graph, const Op& op) {
  if (op.is(ops::kReshape)) return graph.type(op.operands[0]).rank() >= 2;
  return op.is(ops::kPermute) || op.is(ops::kSlice) || op.is(ops::kConcat);
}

std::optional<ChannelList> through(const Graph& graph, const Op& op,
                                   const std::vector<ChannelList>& operands) {
  if (op.is(ops::kReshape)) return through_reshape(graph, op, operands.front());
  if (op.is(ops::kPermute)) return through_permute(op, operands.front());
  if (op.is(ops::kSlice)) return through_slice(graph, op, operands.front());
  if (op.is(ops::kConcat)) return through_concat(op, operands);
  return std::nullopt;
}

std::vector<Run> runs_in_order(const ChannelList& list) {
  std::vector<Run> runs;
  for (const StoredAt& channel : list.channels) {
    const bool continues = !runs.empty() && runs.back().tensor == channel.tensor &&
                           runs.back().start + runs.back().count == channel.position;
    if (continues) {
      ++runs.back().count;
    } else {
      runs.push_back({channel.tensor, channel.position, 1});
    }
  }
  return runs;
}

std::vector<Run> runs_in_any_order(const ChannelList& list) {
  std::vector<ValueId> tensors;  // by first appearance
  std::map<ValueId, Ints> positions;
  for (const StoredAt& channel : list.channels) {
    Ints& of_tensor = positions[channel.tensor];
    if (of_tensor.empty()) tensors.push_back(channel.tensor);
    of_tensor.push_back(channel.position);
  }
  ChannelList sorted{list.sizes, {}};
  for (const ValueId tensor : tensors) {
    Ints& of_tensor = positions[tensor];
    std::sort(of_tensor.begin(), of_tensor.end());
    if (std::adjacent_find(of_tensor.begin(), of_tensor.end()) != of_tensor.end()) return {};
    for (const int64_t position : of_tensor) sorted.channels.push_back({tensor, position});
  }
  return runs_in_order(sorted);
}

Ints stored_order(const ChannelList& list, const std::vector<Run>& runs) {
  std::map<std::pair<ValueId, int64_t>, int64_t> index_of;
  for (size_t i = 0; i < list.channels.size(); ++i)
    index_of[{list.channels[i].tensor, list.channels[i].position}] = static_cast<int64_t>(i);
  Ints order;
  for (const Run& run : runs) {
    for (int64_t i = 0; i < run.count; ++i)
      order.push_back(index_of.at({run.tensor, run.start + i}));
  }
  return order;
}

}  // namespace ferryman
