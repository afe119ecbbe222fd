// Exported programs of any length, as a front end would hand them over, for benchmarks: capturing
// 50,000 nodes with torch.export takes minutes.
//
//   const frontend::Program program = encoder_program(12);     // 12 layers of 35 nodes
//
// The widths are small, so that nodes count and not weights.
#pragma once

#include "frontend/program/program.h"

namespace ferryman::bench {

// nn.TransformerEncoder with norms first, node for node as torch.export captures it.
frontend::Program encoder_program(int layers);

// Convolutions, batch norms and residual sums: ResNet-50 is `blocks` = 16.
frontend::Program residual_program(int blocks);

}  // namespace ferryman::bench
