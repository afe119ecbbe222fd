// Reads a .tflite file. Constants stay in the file's memory and are not copied.
//
//   FERRYMAN_TRY(BlobRef file, map_file("model.tflite"));
//   FERRYMAN_TRY(Model model, read_tflite(file));
//
// The file is not trusted: every offset, index and count is checked. Tensor indices of the result
// are valid; whether the model is one that the runtime would run, verify_model tells. Sparse
// tensors, block-wise quantisation and weights in other files are not read and give an error.
#pragma once

#include "support/blob.h"
#include "support/result.h"
#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

Result<Model> read_tflite(const BlobRef& file);

}  // namespace ferryman::tflite
