// What a target tells of a file that it wrote, in words that all targets share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layout/materialise.h"

namespace ferryman {

struct NamedPlacement {
  std::string node;  // the name of the value
  Placement placement;
};

// An input or output as the file has it.
struct ArtifactPort {
  std::string name;
  Placement placement;
  std::vector<ToldSize> shape;  // of the tensor in the file
  std::string dtype;            // as numpy calls it: "float32"
};

// An operator of the file, and the op of the graph that it was made for.
struct EmittedOperator {
  std::string op;       // as the target spells it: "CONV_2D"
  LocationId location;  // invalid: it belongs to no op
};

struct Artifact {
  std::vector<ArtifactPort> inputs, outputs;  // parallel to the graph's
  std::vector<NamedPlacement> values;         // with names, in execution order
  std::vector<std::string> tensors;           // what the file calls them; empty: by their numbers
  std::vector<EmittedOperator> operators;     // those of bodies as well
  std::string runtime_name;                   // "TensorFlow Lite"
  // The first release that can load the file, "2.9.0", and the operators that ask for it.
  std::string runtime;
  std::vector<std::string> runtime_operators;
};

}  // namespace ferryman
