// The first release of the runtime that can load a model, and the operators that ask for it. The
// file states the release as metadata.
//
//   const RuntimeNeed need = runtime_need(model);
//   to_string(need.release)      // "2.9.0"
//   need.operators               // {"GELU"}
//
// Releases are those of TensorFlow Lite, from 2.17 on also called LiteRT. It is for people and
// tools; the runtime itself only looks at operator versions.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

struct RuntimeVersion {
  int major_number = 1;
  int minor_number = 5;
  auto operator<=>(const RuntimeVersion&) const = default;
};

struct RuntimeNeed {
  RuntimeVersion release;
  // "GELU", or "CONV_2D (version 6)" where the first version would do with less. Sorted; empty if
  // every runtime will do.
  std::vector<std::string> operators;
};

RuntimeVersion min_runtime_version(Op op, int32_t version);
// Tensor indices must be valid.
RuntimeNeed runtime_need(const Model& model);
std::string to_string(RuntimeVersion version);   // "2.9.0"
std::string to_string(const RuntimeNeed& need);  // "2.9.0 (GELU, SELECT_V2)"

}  // namespace ferryman::tflite
