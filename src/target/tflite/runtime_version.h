// The first release of the runtime that can load a model, which the file states as metadata.
//
//   to_string(min_runtime_version(model))   // "2.9.0"
//
// It is for people and tools; the runtime itself only looks at operator versions.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "target/tflite/model.h"

namespace ferryman::tflite {

struct RuntimeVersion {
  int major_number = 1;
  int minor_number = 5;
  auto operator<=>(const RuntimeVersion&) const = default;
};

// Exact for the versions that float models need, a lower bound for rarer ones.
RuntimeVersion min_runtime_version(Op op, int32_t version);
// Tensor indices must be valid.
RuntimeVersion min_runtime_version(const Model& model);
std::string to_string(RuntimeVersion version);  // "2.9.0"

}  // namespace ferryman::tflite
