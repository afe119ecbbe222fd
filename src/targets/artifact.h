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

// A weight of the file that holds elements of the model's parameters: each of these, or its
// `part`, is value.reshape(factors), with the entries of its first axis in this `order` (empty: as
// they are), .permute(perm); then they are added, or stand one after the other, in the shape of the
// weight.
struct StoredWeight {
  std::string weight;                   // as the file's users know it: "conv1/kernel"
  std::vector<std::string> parameters;  // "conv1.weight"
  std::string join;                     // of several: "sum" or "stack"
  Ints shape;                           // of a parameter
  Ints part;  // {axis, begin, end}: these indices of one axis of the parameter; empty: all of it
  Ints factors, order, perm;
};

struct Artifact {
  std::vector<ArtifactPort> inputs, outputs;  // parallel to the graph's
  std::vector<NamedPlacement> values;         // with names, in execution order
  std::vector<StoredWeight> weights;          // where they go on being trained
  std::vector<std::string> tensors;           // what the file calls them; empty: by their numbers
  std::vector<EmittedOperator> operators;     // those of bodies as well
  std::string runtime_name;                   // "TensorFlow Lite"
  // The first release that can load the file, "2.9.0", and the operators that ask for it.
  std::string runtime;
  std::vector<std::string> runtime_operators;
  std::vector<Diag> remarks;  // on how it was written
};

}  // namespace ferryman
