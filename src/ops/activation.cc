// Activations of torch.nn that stay whole: each target has its own fast form of them.
#include <cmath>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"

namespace ferryman {

void add_activation_ops(Ops& ops) {
  ops.set.define(ops::kRelu)
      .doc("max(x, 0)")
      .operand("x", DTypeSet::kNumeric)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary([](double x) { return x > 0 || std::isnan(x) ? x : 0.0; },
                       [](int64_t x) { return x > 0 ? x : 0; }))
      .from_aten("relu.default")
      .to("tflite", "RELU");

  ops.set.define(ops::kLeakyRelu)
      .doc("x where x >= 0, otherwise negative_slope * x")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kNegativeSlope, 0.01)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary_with_attrs([](double x, const AttrsView& attrs) {
        return x >= 0 ? x : x * attrs[attr::kNegativeSlope];
      }))
      .from_aten("leaky_relu.default")
      .to("tflite", "LEAKY_RELU", {{"alpha", attr::kNegativeSlope.name, {}}});
}

}  // namespace ferryman
