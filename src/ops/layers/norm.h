// What normalisations compute of their input.
//
//   const NormStatistics of_x = write_statistics(write, x, axes, eps);
//   const ValueId normed = write.mul(of_x.centred, of_x.scale);
#pragma once

#include "ops/core_writer.h"

namespace ferryman {

struct NormStatistics {
  ValueId centred;  // x - mean
  ValueId mean;     // over the axes, which stay with size 1
  ValueId scale;    // 1 / sqrt(mean of centred^2 + eps)
};

NormStatistics write_statistics(CoreWriter write, ValueId x, const Ints& axes, double eps);

}  // namespace ferryman
