// Operators that move, repeat or leave out elements of one tensor.
#include <algorithm>

#include "targets/tflite/runtime/output_rules.h"

namespace ferryman::tflite {

namespace {

constexpr std::string_view kOneNumberPerAxis = "needs one number for each axis of its input";
constexpr int64_t kMaxBlock = 1 << 15;  // its square is an extent

// [before, after] per axis.
struct Pair {
  int64_t before;
  int64_t after;
};
Pair pair_at(const Ints& numbers, size_t axis) {
  return {numbers[2 * axis], numbers[2 * axis + 1]};
}

bool is_image_with_block(const Ints& x, int64_t block) {
  return x.size() == 4 && block > 0 && block < kMaxBlock;
}

bool has_bit(int32_t mask, size_t axis) {
  return axis < 31 && (mask >> axis & 1) != 0;
}

}  // namespace

// At most one -1 stands for what the others leave.
void infer_reshape(OutputInference& op) {
  std::optional<Ints> shape = op.numbers(1);
  if (!op.has(1)) {
    const std::vector<int32_t> stated = op.options<ReshapeOptions>().new_shape;
    shape = Ints(stated.begin(), stated.end());
  }
  if (!shape.has_value()) return op.give(op.type(0), std::nullopt);
  const int64_t elements = product(op.shape(0));
  const auto open = std::find(shape->begin(), shape->end(), -1);
  if (open != shape->end()) {
    *open = 1;
    const int64_t others = product(*shape);
    if (!op.demand(others > 0, "leaves an extent open beside a 0")) return;
    *open = elements / others;
  }
  op.demand(product(*shape) == elements, "has another number of elements than its input");
  op.give(op.type(0), std::move(shape));
}

// All axes of size 1 if none is named.
void infer_squeeze(OutputInference& op) {
  const Ints x = op.shape(0);
  const std::vector<int32_t> named = op.options<SqueezeOptions>().squeeze_dims;
  std::vector<bool> goes(x.size(), false);
  for (const int32_t axis : named) {
    const std::optional<size_t> at = axis_from_front(axis, op.rank(0));
    if (!op.demand(at.has_value() && x[*at] == 1, "drops an axis that is not of size 1")) return;
    goes[*at] = true;
  }
  Ints shape;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    const bool drops = named.empty() ? x[axis] == 1 : goes[axis];
    if (!drops) shape.push_back(x[axis]);
  }
  op.give(op.type(0), std::move(shape));
}

void infer_expand_dims(OutputInference& op) {
  const std::optional<Ints> axis = op.numbers(1);
  if (!axis.has_value()) return op.give(op.type(0), std::nullopt);
  if (!op.demand(axis->size() == 1, "needs one axis")) return;
  const std::optional<size_t> at = axis_from_front(axis->front(), op.rank(0) + 1);
  if (!op.demand(at.has_value(), "names an axis outside its output")) return;
  Ints shape = op.shape(0);
  shape.insert(shape.begin() + static_cast<ptrdiff_t>(*at), 1);
  op.give(op.type(0), std::move(shape));
}

void infer_transpose(OutputInference& op) {
  const std::optional<Ints> perm = op.numbers(1);
  if (!perm.has_value()) return op.give(op.type(0), std::nullopt);
  const Ints x = op.shape(0);
  if (!op.demand(perm->size() == x.size(), "needs a permutation of its axes")) return;
  Ints shape;
  for (const int64_t axis : *perm) {
    const std::optional<size_t> at = axis_from_front(axis, op.rank(0));
    if (!op.demand(at.has_value(), "needs a permutation of its axes")) return;
    shape.push_back(x[*at]);
  }
  op.give(op.type(0), std::move(shape));
}

// A size of -1 goes to the end. Any other is told, wherever the slice begins.
void infer_slice(OutputInference& op) {
  const Ints x = op.shape(0);
  const std::optional<Ints> begin = op.numbers(1);
  const std::optional<Ints> size = op.numbers(2);
  if (!size.has_value()) return op.give(op.type(0), Ints(x.size(), kAnyExtent));
  const bool fits = size->size() == x.size() && (!begin.has_value() || begin->size() == x.size());
  if (!op.demand(fits, kOneNumberPerAxis)) return;
  Ints shape;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    const bool is_open = !begin.has_value() && (*size)[axis] == -1;
    const int64_t first = begin.has_value() ? (*begin)[axis] : 0;
    const int64_t extent = (*size)[axis] == -1 ? x[axis] - first : (*size)[axis];
    const bool lies_inside = first >= 0 && extent >= 0 && first + extent <= x[axis];
    if (!op.demand(lies_inside, "reaches outside its input")) return;
    shape.push_back(is_open ? kAnyExtent : extent);
  }
  op.give(op.type(0), std::move(shape));
}

namespace {

struct Stride {
  int64_t begin, end, step;
};

// How many elements of `extent` a slice takes, as numpy counts.
int64_t strided_extent(Stride stride, int64_t extent, bool from_start, bool to_end) {
  const bool forwards = stride.step > 0;
  const int64_t lowest = forwards ? 0 : -1;
  const int64_t highest = forwards ? extent : extent - 1;
  const auto inside = [&](int64_t position) {
    return std::clamp(position < 0 ? position + extent : position, lowest, highest);
  };
  const int64_t begin = from_start ? (forwards ? lowest : highest) : inside(stride.begin);
  const int64_t end = to_end ? (forwards ? highest : lowest) : inside(stride.end);
  const int64_t distance = forwards ? end - begin : begin - end;
  const int64_t step = forwards ? stride.step : -stride.step;
  return distance <= 0 ? 0 : (distance + step - 1) / step;
}

}  // namespace

void infer_strided_slice(OutputInference& op) {
  const auto options = op.options<StridedSliceOptions>();
  const std::optional<Ints> begin = op.numbers(1);
  const std::optional<Ints> end = op.numbers(2);
  const std::optional<Ints> steps = op.numbers(3);
  const bool is_plain = options.ellipsis_mask == 0 && options.new_axis_mask == 0 && !options.offset;
  if (!is_plain || !begin || !end || !steps) return op.give(op.type(0), std::nullopt);
  const Ints x = op.shape(0);
  const bool fits =
      begin->size() <= x.size() && end->size() == begin->size() && steps->size() == begin->size();
  if (!op.demand(fits, kOneNumberPerAxis)) return;
  Ints shape;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (has_bit(options.shrink_axis_mask, axis) && axis < begin->size()) continue;
    if (axis >= begin->size()) {
      shape.push_back(x[axis]);
      continue;
    }
    if (!op.demand((*steps)[axis] != 0, "has a stride of 0")) return;
    const Stride stride = {(*begin)[axis], (*end)[axis], (*steps)[axis]};
    shape.push_back(strided_extent(stride, x[axis], has_bit(options.begin_mask, axis),
                                   has_bit(options.end_mask, axis)));
  }
  op.give(op.type(0), std::move(shape));
}

// PAD, PADV2, MIRROR_PAD
void infer_pad(OutputInference& op) {
  Ints shape = op.shape(0);
  const std::optional<Ints> paddings = op.numbers(1);
  if (!paddings.has_value()) return op.give(op.type(0), Ints(shape.size(), kAnyExtent));
  const bool fits = paddings->size() == 2 * shape.size();
  if (!op.demand(fits, "needs two numbers for each axis of its input")) return;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const Pair padding = pair_at(*paddings, axis);
    shape[axis] += padding.before + padding.after;
  }
  op.give(op.type(0), std::move(shape));
}

void infer_tile(OutputInference& op) {
  Ints shape = op.shape(0);
  const std::optional<Ints> repeats = op.numbers(1);
  if (!repeats.has_value()) return op.give(op.type(0), Ints(shape.size(), kAnyExtent));
  if (!op.demand(repeats->size() == shape.size(), kOneNumberPerAxis)) return;
  for (size_t axis = 0; axis < shape.size(); ++axis) shape[axis] *= (*repeats)[axis];
  op.give(op.type(0), std::move(shape));
}

void infer_broadcast_to(OutputInference& op) {
  const std::optional<Ints> shape = op.numbers(1);
  if (!shape.has_value()) return op.give(op.type(0), std::nullopt);
  op.demand(broadcast(op.shape(0), *shape) == shape, "has an input that does not broadcast so");
  op.give(op.type(0), shape);
}

void infer_reverse(OutputInference& op) {
  const std::optional<Ints> axes = op.numbers(1);
  if (axes.has_value()) {
    for (const int64_t axis : *axes)
      op.demand(axis_from_front(axis, op.rank(0)).has_value(), "names an axis outside its input");
  }
  op.give_like(0);
}

void infer_dynamic_update_slice(OutputInference& op) {
  const Ints x = op.shape(0);
  const Ints update = op.shape(1);
  op.demand(op.type(0) == op.type(1), "needs an update of the type of its operand");
  const auto is_within = [](int64_t inner, int64_t outer) { return inner <= outer; };
  const bool fits =
      update.size() == x.size() && std::equal(update.begin(), update.end(), x.begin(), is_within);
  op.demand(fits, "has an update that is larger than its operand");
  op.demand(product(op.shape(2)) == op.rank(0), kOneNumberPerAxis);
  op.give_like(0);
}

void infer_depth_to_space(OutputInference& op) {
  const Ints x = op.shape(0);
  const int64_t block = op.options<DepthToSpaceOptions>().block_size;
  if (!op.demand(is_image_with_block(x, block), "needs an image and a block size")) return;
  op.demand(x[3] % (block * block) == 0, "has channels that do not fill blocks");
  op.give(op.type(0), Ints{x[0], x[1] * block, x[2] * block, x[3] / (block * block)});
}

void infer_space_to_depth(OutputInference& op) {
  const Ints x = op.shape(0);
  const int64_t block = op.options<SpaceToDepthOptions>().block_size;
  if (!op.demand(is_image_with_block(x, block), "needs an image and a block size")) return;
  op.demand(x[1] % block == 0 && x[2] % block == 0, "has sides that blocks do not fill");
  op.give(op.type(0), Ints{x[0], x[1] / block, x[2] / block, x[3] * block * block});
}

namespace {

// The spatial blocks and paddings (or crops) of SPACE_TO_BATCH_ND and its inverse.
struct BatchBlocks {
  Ints sizes;
  Ints borders;
};

std::optional<BatchBlocks> batch_blocks(OutputInference& op) {
  std::optional<Ints> sizes = op.numbers(1);
  std::optional<Ints> borders = op.numbers(2);
  if (!sizes.has_value() || !borders.has_value()) {
    op.give(op.type(0), Ints(op.shape(0).size(), kAnyExtent));
    return std::nullopt;
  }
  const bool fits = sizes->size() < op.shape(0).size() && borders->size() == 2 * sizes->size() &&
                    std::all_of(sizes->begin(), sizes->end(), [](int64_t n) { return n > 0; });
  if (!op.demand(fits, "needs a block size and two borders for each spatial axis"))
    return std::nullopt;
  return BatchBlocks{std::move(*sizes), std::move(*borders)};
}

}  // namespace

void infer_space_to_batch(OutputInference& op) {
  const std::optional<BatchBlocks> blocks = batch_blocks(op);
  if (!blocks.has_value()) return;
  Ints shape = op.shape(0);
  for (size_t i = 0; i < blocks->sizes.size(); ++i) {
    const Pair padding = pair_at(blocks->borders, i);
    const int64_t padded = shape[i + 1] + padding.before + padding.after;
    op.demand(padded % blocks->sizes[i] == 0, "has sides that blocks do not fill");
    shape[i + 1] = padded / blocks->sizes[i];
  }
  shape[0] = product({shape[0], product(blocks->sizes)});
  op.give(op.type(0), std::move(shape));
}

void infer_batch_to_space(OutputInference& op) {
  const std::optional<BatchBlocks> blocks = batch_blocks(op);
  if (!blocks.has_value()) return;
  Ints shape = op.shape(0);
  for (size_t i = 0; i < blocks->sizes.size(); ++i) {
    const Pair crop = pair_at(blocks->borders, i);
    shape[i + 1] = shape[i + 1] * blocks->sizes[i] - crop.before - crop.after;
  }
  const int64_t count = product(blocks->sizes);
  op.demand(shape[0] % count == 0, "has a batch that does not fill blocks");
  shape[0] /= count;
  op.give(op.type(0), std::move(shape));
}

void infer_dilate(OutputInference& op) {
  Ints shape = op.shape(0);
  const std::optional<Ints> dilations = op.numbers(1);
  if (!dilations.has_value()) return op.give(op.type(0), Ints(shape.size(), kAnyExtent));
  if (!op.demand(dilations->size() == shape.size(), kOneNumberPerAxis)) return;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    shape[axis] = shape[axis] == 0 ? 0 : (shape[axis] - 1) * (*dilations)[axis] + 1;
  op.give(op.type(0), std::move(shape));
}

}  // namespace ferryman::tflite
