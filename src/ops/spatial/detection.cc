// Boxes that remain of many, and tensors of as many entries as that: the two ops whose results have
// a size of run time (docs/run_time_sizes.md).
#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"

namespace ferryman {

namespace {

InferResult nms_types(const InferArgs& args) {
  const TensorType& boxes = args.operand(0);
  const TensorType& scores = args.operand(1);
  const bool fits = boxes.rank() == 2 && boxes.dims[1] == Dim(4) && scores.rank() == 1 &&
                    scores.dims[0] == boxes.dims[0] && scores.dtype == boxes.dtype;
  if (!fits) return shape_error("boxes are [n, 4] and scores [n], of one type");
  return std::vector{TensorType{DType::kI32, scores.dims}, TensorType{DType::kI32, {}}};
}

// Corners (x1, y1) and (x2, y2), in the precision in which the runtime computes.
struct Box {
  float x1, y1, x2, y2;
  float area() const { return (x2 - x1) * (y2 - y1); }
};

float overlap(const Box& a, const Box& b) {
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  const float shared = std::max(0.0F, width) * std::max(0.0F, height);
  return shared / (a.area() + b.area() - shared);
}

std::vector<Box> read_boxes(const TensorData& data) {
  std::vector<Box> boxes;
  const std::vector<double> corners = data.to_doubles();
  const auto at = [&](size_t i) { return static_cast<float>(corners[i]); };
  for (size_t i = 0; i + 3 < corners.size(); i += 4)
    boxes.push_back({at(i), at(i + 1), at(i + 2), at(i + 3)});
  return boxes;
}

EvalResult eval_nms(const EvalArgs& args) {
  const std::vector<Box> boxes = read_boxes(args.operand(0));
  const std::vector<double> scores = args.operand(1).to_doubles();
  const double threshold = args.attrs[attr::kThreshold];
  std::vector<size_t> order;
  for (size_t i = 0; i < scores.size(); ++i)
    if (scores[i] > 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  Ints kept;
  for (const size_t i : order) {
    const bool is_hidden = std::any_of(kept.begin(), kept.end(), [&](int64_t k) {
      return static_cast<double>(overlap(boxes[static_cast<size_t>(k)], boxes[i])) > threshold;
    });
    if (!is_hidden) kept.push_back(static_cast<int64_t>(i));
  }
  const auto count = static_cast<int64_t>(kept.size());
  kept.resize(scores.size(), 0);
  std::vector<TensorData> results;
  results.push_back(store_ints(args.results[0], kept));
  results.push_back(store_ints(args.results[1], {count}));
  return results;
}

InferResult cut_type(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_axis(args.attrs[attr::kAxis].value, args.operand(0).rank()));
  if (args.operand(1).rank() != 0) return shape_error("the count is one number");
  return std::vector{args.operand(0)};
}

}  // namespace

void add_detection_ops(Ops& ops) {
  ops.set.define(ops::kNms)
      .doc(
          "positions of the boxes (two corners) that overlap none of a better score by more than "
          "the threshold, best first and then zeros, and their number; a box takes part if its "
          "score is above 0; such scores differ, and such boxes have an area")
      .operand("boxes", DTypeSet::kFloating)
      .operand("scores", DTypeSet::kFloating)
      .attr(attr::kThreshold)
      .results(2, nms_types)
      .axes(AxisRule::kOpaque)
      .eval(eval_nms);

  ops.set.define(ops::kCut)
      .doc(
          "x as an output of the graph that has only the first count entries along an axis; its "
          "type has as many as there may be")
      .operand("x")
      .operand("count", DTypeSet::kInteger)
      .attr(attr::kAxis)
      .result(cut_type)
      .axes(AxisRule::kOpaque);
}

}  // namespace ferryman
