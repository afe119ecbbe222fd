// From the planned graph to a model of Keras, and what is told of it.
#pragma once

#include "support/result.h"
#include "targets/artifact.h"
#include "targets/keras/format/model.h"
#include "targets/target.h"

namespace ferryman::keras {

struct Lowered {
  Model model;
  Artifact artifact;
};

Result<Lowered> lower_to_keras(const WriteRequest& request);

}  // namespace ferryman::keras
