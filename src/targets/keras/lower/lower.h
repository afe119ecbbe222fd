// From the planned graph to a model of Keras, and what is told of it.
#pragma once

#include "targets/artifact.h"
#include "targets/keras/format/model.h"
#include "targets/target.h"

namespace ferryman::keras {

struct Lowered {
  Model model;
  Artifact artifact;
};

Lowered lower_to_keras(const WriteRequest& request);

}  // namespace ferryman::keras
