// Matrix products.
#include "support/check.h"
#include "target/tflite/contract.h"
#include "target/tflite/lower_families.h"

namespace ferryman::tflite {

void lower_linear(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  std::vector<TensorIndex> inputs = {x, op.operand(1)};
  inputs.push_back(op.has(2) ? op.vector_operand(2) : kAbsent);
  const bool keep = op.shape(x).size() != 2;
  op.finish(Op::kFullyConnected, std::move(inputs), FullyConnectedOptions{.keep_num_dims = keep});
}

void lower_matmul(LowerOp& op) {
  op.finish(Op::kBatchMatmul, {op.operand(0), op.operand(1)},
            BatchMatMulOptions{.adj_x = (op.form() & kAdjointX) != 0,
                               .adj_y = (op.form() & kAdjointY) != 0});
}

}  // namespace ferryman::tflite
