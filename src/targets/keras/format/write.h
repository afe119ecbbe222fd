// A model as a .keras file: an archive of config.json, metadata.json and model.weights.h5, and
// ferryman.json, which Keras reads past: which elements of PyTorch's parameters its weights are.
#pragma once

#include <string>
#include <vector>

#include "support/result.h"
#include "targets/artifact.h"
#include "targets/keras/format/model.h"

namespace ferryman::keras {

// The release whose names and arguments the file has; older ones may lack operations that it uses.
inline constexpr std::string_view kKerasVersion = "3.15.1";

// The file appears complete or not at all.
Status write_keras(const Model& model, const std::vector<StoredWeight>& mapping,
                   const std::string& path);

}  // namespace ferryman::keras
