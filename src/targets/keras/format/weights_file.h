// The weights of a model as Keras' file of weights has them, model.weights.h5: for each layer
// `layers/<class>_<n>[/<place>]/vars/0`, `1`, …, written by the HDF5 library.
//
// Elements are streamed. Equal models give equal bytes: no times are kept.
#pragma once

#include <string>

#include "support/result.h"
#include "targets/keras/format/model.h"

namespace ferryman::keras {

// Into the file of that path, whatever was in it.
Status write_weights(const Model& model, const std::string& path);

}  // namespace ferryman::keras
