// Products of matrices: Dense where the weight is the layer's own.
#include "ops/attrs.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

void lower_linear(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  ModelBuilder& builder = op.builder();
  if (op.can_hold(1) && op.can_hold(2) && op.rank(0) > 1) {
    const Stored weight = op.stored(1);
    LayerSpec dense = {
        "Dense",
        {{"units", weight.shape[0]}, {"use_bias", op.has(2)}},
        {LowerOp::variable("kernel", weight, {1, 0}, {weight.shape[1], weight.shape[0]})},
        op.module_of(1)};
    if (op.has(2)) dense.variables.push_back(op.vector("bias", 2));
    return op.finish_layer(std::move(dense), {TensorRef{x}});
  }
  const TensorIndex weight = builder.transpose(op.operand(1), {1, 0});
  const TensorIndex product =
      builder.operation(kNumpy, "Matmul", {TensorRef{x}, TensorRef{weight}}, {}, op.result_spec());
  if (!op.has(2)) return op.finish(product);
  op.finish_operation(kNumpy, "Add", {TensorRef{product}, TensorRef{op.operand(2)}});
}

void lower_matmul(LowerOp& op) {
  op.finish_operation(kNumpy, "Matmul", {TensorRef{op.operand(0)}, TensorRef{op.operand(1)}});
}

}  // namespace ferryman::keras
