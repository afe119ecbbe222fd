// Convolutions: one spatial axis becomes two, large depthwise kernels are split.
#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "ops/spatial/spatial.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

// ---- add_unit_axis ----
// conv(x [N, C, L], w [O, I, k]) {stride=[s]}
//   -> reshape(conv(reshape(x) [N, C, 1, L], w [O, I, 1, k]) {stride=[1, s]})
// The same for pools and resizing; the reshapes move nothing.

struct AddUnitAxis {
  OpId op;
};

// What an attribute says of an axis of size 1 that is left alone.
struct NeutralNumber {
  std::string_view attr;
  int64_t value;
};
constexpr std::array kNeutralNumbers = {
    NeutralNumber{attr::kKernel.name, 1},       NeutralNumber{attr::kStride.name, 1},
    NeutralNumber{attr::kDilation.name, 1},     NeutralNumber{attr::kPaddingBefore.name, 0},
    NeutralNumber{attr::kPaddingAfter.name, 0}, NeutralNumber{attr::kOutputPadding.name, 0},
    NeutralNumber{attr::kOutputSize.name, 1},
};

Match<AddUnitAxis> match_add_unit_axis(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (graph.type(op.operands[0]).rank() != 3) return std::nullopt;
  // Its decomposition turns the kernel along each axis.
  const bool has_computed_kernel = op.is(ops::kConvTranspose) && !graph.is_constant(op.operands[1]);
  if (has_computed_kernel) return std::nullopt;
  return AddUnitAxis{root};
}

Dims with_unit_axis(const Dims& dims) {
  Dims result = dims;
  result.insert(result.begin() + 2, Dim(1));
  return result;
}

std::vector<NamedAttr> attrs_with_unit_axis(const Op& op) {
  std::vector<NamedAttr> attrs = attrs_of(op);
  for (NamedAttr& named : attrs) {
    if (auto* sizes = std::get_if<ShapeAttr>(&named.attr))
      sizes->dims.insert(sizes->dims.begin(), Dim(1));
    for (const NeutralNumber& neutral : kNeutralNumbers) {
      if (named.name == neutral.attr && std::holds_alternative<Ints>(named.attr))
        named.attr = prefixed(std::get<Ints>(named.attr), neutral.value, 1);
    }
    if (named.name != attr::kScales.name) continue;
    auto& scales = std::get<Floats>(named.attr);
    if (!scales.empty()) scales.insert(scales.begin(), 1.0);
  }
  return attrs;
}

void add_unit_axis(Rewriter& rewriter, const AddUnitAxis& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  std::vector<ValueId> operands = op.operands;
  for (ValueId& operand : operands) {
    if (operand.valid() && write.dims(operand).size() == 3)
      operand = write.reshape(operand, with_unit_axis(write.dims(operand)));
  }
  const ValueId result = rewriter.create(OpName{op.def->name}, operands, attrs_with_unit_axis(op));
  rewriter.replace_value(op.result(), write.reshape(result, write.dims(op.result())));
}

// ---- trim_padding ----
// Padding behind that no window reaches is dropped, so that VALID and SAME are seen.

Match<OneOp> match_trim_padding(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Dims& in = graph.type(op.operands[0]).dims;
  const Dims& out = graph.type(op.result()).dims;
  if (!all_static(in) || in.size() < 3) return std::nullopt;
  const Window window = window_of(graph, op);
  Ints after = window.padding_after;
  for (size_t i = 0; i < window.rank(); ++i) {
    const int64_t reach =
        (out[i + 2].size() - 1) * window.stride[i] + window.extent(i) - window.padding_before[i];
    after[i] = std::clamp<int64_t>(reach - in[i + 2].size(), 0, after[i]);
  }
  if (after == window.padding_after) return std::nullopt;
  std::vector<NamedAttr> attrs = attrs_of(op);
  for (NamedAttr& named : attrs) {
    if (named.name == attr::kPaddingAfter.name) named.attr = after;
  }
  return OneOp{op.result(), OpName{op.def->name}, op.operands, attrs};
}

// ---- split_depthwise ----

// XNNPACK has depthwise kernels of up to 25 taps; a larger window takes a path that is five to
// seven times slower than several small ones.
constexpr int64_t kMaxDepthwiseTaps = 25;

struct SplitDepthwise {
  OpId op;
};

bool is_ones(const Ints& values) {
  return std::all_of(values.begin(), values.end(), [](int64_t value) { return value == 1; });
}

Match<SplitDepthwise> match_split_depthwise(const Graph& graph, OpId root) {
  const Op& conv = graph.op(root);
  const TensorType& x = graph.type(conv.operands[0]);
  const TensorType& weight = graph.type(conv.operands[1]);
  if (x.rank() != 4 || !all_static(x.dims) || !is_known_constant(graph, conv.operands[1]))
    return std::nullopt;
  if (conv_kind(graph, conv) != ConvKind::kDepthwise) return std::nullopt;
  const int64_t rows = weight.dims[2].size();
  const int64_t columns = weight.dims[3].size();
  if (rows * columns <= kMaxDepthwiseTaps) return std::nullopt;
  // Blocks of rows that are themselves too wide gain nothing.
  if (columns > kMaxDepthwiseTaps && rows > 1) return std::nullopt;
  return SplitDepthwise{root};
}

struct DepthwisePieces {
  Rewriter& rewriter;
  CoreWriter write;
  const Op& conv;
  ValueId sum;

  // Adds conv(x, weight) to the sum; the first piece carries the bias.
  void add(ValueId x, TensorData weight, std::vector<NamedAttr> attrs) {
    const ValueId kernel = rewriter.constant(std::move(weight), "depthwise_piece");
    std::vector<ValueId> operands = {x, kernel, ValueId()};
    if (!sum.valid() && conv.has_operand(2)) operands[2] = conv.operands[2];
    attrs.push_back({attr::kGroups, conv.attr(attr::kGroups)});
    const ValueId piece = rewriter.create(ops::kConv, operands, attrs);
    sum = sum.valid() ? write.add(sum, piece) : piece;
  }
};

// 7x7, stride 1, padding 3: rows 3-r, 3, 3+r with row dilation r = 1, 2, 3 are three 3x7 kernels
// that read x itself. The middle row belongs to the first.
bool is_same_7x7(const Op& conv, const TensorData& weight) {
  const Ints kernel(weight.shape().begin() + 2, weight.shape().end());
  return kernel == Ints{7, 7} && is_ones(conv.attr(attr::kStride)) &&
         is_ones(conv.attr(attr::kDilation)) && conv.attr(attr::kPaddingBefore) == Ints{3, 3} &&
         conv.attr(attr::kPaddingAfter) == Ints{3, 3};
}

TensorData rows_around_the_middle(const TensorData& weight, int64_t distance) {
  const Ints shape = {weight.shape()[0], 1, 3, 7};
  const std::vector<double> all = weight.to_doubles();
  std::vector<float> picked;
  picked.reserve(static_cast<size_t>(product(shape)));
  for (int64_t channel = 0; channel < shape[0]; ++channel) {
    for (const int64_t row : {3 - distance, int64_t{3}, 3 + distance}) {
      const bool taken = row == 3 && distance > 1;
      for (int64_t column = 0; column < 7; ++column) {
        const auto position = static_cast<size_t>((channel * 7 + row) * 7 + column);
        picked.push_back(taken ? 0.0F : static_cast<float>(all[position]));
      }
    }
  }
  return TensorData::of<float>(shape, picked);
}

void add_dilated_pieces(DepthwisePieces& pieces, const TensorData& weight) {
  for (int64_t distance = 1; distance <= 3; ++distance) {
    pieces.add(pieces.conv.operands[0], rows_around_the_middle(weight, distance),
               {{attr::kStride, Ints{1, 1}},
                {attr::kDilation, Ints{distance, 1}},
                {attr::kPaddingBefore, Ints{distance, 3}},
                {attr::kPaddingAfter, Ints{distance, 3}}});
  }
}

// One axis of a block of taps: which taps, and which padded inputs they read.
struct Block {
  int64_t first_tap, taps, begin, end;
};

std::vector<Block> blocks_along(const Op& conv, size_t axis, int64_t kernel, int64_t block,
                                int64_t out_size) {
  const int64_t stride = conv.attr(attr::kStride)[axis];
  const int64_t dilation = conv.attr(attr::kDilation)[axis];
  std::vector<Block> blocks;
  for (int64_t first = 0; first < kernel; first += block) {
    const int64_t taps = std::min(block, kernel - first);
    const int64_t begin = first * dilation;
    blocks.push_back(
        {first, taps, begin, begin + (out_size - 1) * stride + (taps - 1) * dilation + 1});
  }
  return blocks;
}

// pad(x), then for each block of taps: slice of the rows and columns that it reads, convolve, add.
void add_blocks(DepthwisePieces& pieces, const TensorData& weight, const Dims& out) {
  const Op& conv = pieces.conv;
  const ValueId padded =
      pieces.write.pad(conv.operands[0], prefixed(conv.attr(attr::kPaddingBefore), 0, 2),
                       prefixed(conv.attr(attr::kPaddingAfter), 0, 2), 0.0);
  const int64_t rows = weight.shape()[2];
  const int64_t columns = weight.shape()[3];
  const int64_t column_blocks = (columns + kMaxDepthwiseTaps - 1) / kMaxDepthwiseTaps;
  const int64_t block_columns = (columns + column_blocks - 1) / column_blocks;
  const int64_t block_rows = std::max<int64_t>(1, kMaxDepthwiseTaps / block_columns);
  for (const Block& row : blocks_along(conv, 0, rows, block_rows, out[2].size())) {
    for (const Block& column : blocks_along(conv, 1, columns, block_columns, out[3].size())) {
      const ValueId part = pieces.write.slice_axis(
          pieces.write.slice_axis(padded, 2, row.begin, row.end), 3, column.begin, column.end);
      TensorData kernel =
          weight.sliced({0, 0, row.first_tap, column.first_tap},
                        {weight.shape()[0], 1, row.taps, column.taps}, {1, 1, 1, 1});
      pieces.add(part, std::move(kernel),
                 {{attr::kStride, conv.attr(attr::kStride)},
                  {attr::kDilation, conv.attr(attr::kDilation)},
                  {attr::kPaddingBefore, Ints{0, 0}},
                  {attr::kPaddingAfter, Ints{0, 0}}});
    }
  }
}

void split_depthwise(Rewriter& rewriter, const SplitDepthwise& found) {
  const Op conv = rewriter.graph().op(found.op);
  const TensorData weight = rewriter.graph().constant(conv.operands[1]);
  const Dims out = rewriter.graph().type(conv.result()).dims;
  DepthwisePieces pieces{rewriter, CoreWriter(rewriter), conv, ValueId()};
  if (is_same_7x7(conv, weight) && weight.dtype() == DType::kF32) {
    add_dilated_pieces(pieces, weight);
  } else {
    add_blocks(pieces, weight, out);
  }
  rewriter.replace_value(conv.result(), pieces.sum);
}

}  // namespace

std::vector<Rule> legal_conv_rules() {
  const std::vector<OpName> windowed = {
      ops::kConv,          ops::kConvTranspose,   ops::kMaxPool,
      ops::kAvgPool,       ops::kAdaptiveAvgPool, ops::kAdaptiveMaxPool,
      ops::kResizeNearest, ops::kResizeBilinear};
  std::vector<Rule> rules;
  rules.push_back(make_rule("add_unit_axis", windowed, match_add_unit_axis, add_unit_axis));
  rules.push_back(
      make_rule("trim_padding", {ops::kConv, ops::kMaxPool, ops::kAvgPool}, match_trim_padding));
  rules.push_back(make_rule("split_depthwise", {ops::kConv}, match_split_depthwise, split_depthwise,
                            "depthwise kernel split into pieces of at most 25 taps"));
  return rules;
}

}  // namespace ferryman::tflite
