// What is known of a tensor at conversion time.
#pragma once

#include "ir/dim.h"
#include "ir/dtype.h"

namespace ferryman {

struct TensorType {
  DType dtype = DType::kF32;
  Dims dims;

  size_t rank() const { return dims.size(); }
  bool operator==(const TensorType&) const = default;
};

}  // namespace ferryman
