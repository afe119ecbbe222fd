// A file that runs where its custom operators have no kernels: what they give is an input of it.
//
//   FERRYMAN_TRY(const std::vector<FedTensor> fed, write_without_custom("model.tflite",
//   "run.tflite")); fed[0].tensor        // an input of run.tflite, beside those of model.tflite
//
// Tensors keep their numbers, so that whatever tells where values lie in the one file tells it of
// the other, too.
#pragma once

#include <string>
#include <vector>

#include "support/result.h"
#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

struct FedTensor {
  TensorIndex tensor = kAbsent;
  std::string op;  // the custom operator's name
};

// Nothing is written if there are no custom operators. An error if one stands in a branch or loop.
Result<std::vector<FedTensor>> write_without_custom(const std::string& path,
                                                    const std::string& output_path);

}  // namespace ferryman::tflite
