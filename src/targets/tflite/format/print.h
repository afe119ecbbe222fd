// A model as text, for golden tests and `ferryman inspect`.
//
//   graph main(%x: f32[1,8,8,3]) -> (%y) {
//     %pad = PAD(%x, [[0,0],[1,1],[1,1],[0,0]]) : f32[1,10,10,3]
//     %y = CONV_2D v3(%pad, @weight, @bias) {padding=VALID, stride_w=2} : f32[1,4,4,8]
//   }
//   constants
//     @weight f32[8,3,3,3] 864 bytes a1b2c3d4e5f60718
//
// Small integer constants stand where they are used, others are listed with shape and hash. Options
// are shown where they differ from the defaults of options.h, versions where they are not 1, and
// dynamic dimensions as "?". Names that are missing or not unique get the tensor's index.
#pragma once

#include <string>

#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

// Tensor indices must be valid, as those of read_tflite and of verified models are.
std::string print_model(const Model& model);

}  // namespace ferryman::tflite
