// A functional model of Keras 3 as its file has it: layers and operations, their calls, the tensors
// between them and the variables of the layers.
//
//   Model model;
//   const NodeIndex relu = model.add({.module = "keras.layers", .class_name = "ReLU", …});
//   const TensorIndex y = model.call(relu, {TensorRef{x}}, {}, {{DType::kF32, shape}}).front();
//
// Invariants: names of nodes are unique; a tensor is made by a call that comes before those that
// read it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "targets/keras/format/json.h"

namespace ferryman::keras {

using NodeIndex = int32_t;  // a number in Model::nodes

// A weight, as the layer has it. Variables of one place are numbered in their order.
struct Variable {
  std::string place;  // of the object that has it inside of the layer: "", "cell"
  std::string name;   // "kernel"
  TensorData data;    // its elements in the order of Keras; its shape may be finer
  Ints shape;
  ValueId source = {};  // the parameter or constant whose elements they are; invalid: computed
  ValueId second_source = {};  // another one that is added to it, or stands behind it
  // Where Keras finds it inside of the layer, if not there by its name alone: "lstm_cell/kernel".
  std::string path = {};
  Ints part = {};        // of the source, as {axis, begin, end}; empty: all of it
  Ints gate_order = {};  // of blocks of rows that stand otherwise in the source; empty: as there
};

struct Model;

struct TensorSpec {
  DType dtype = DType::kF32;
  Dims shape;
};

struct Call {
  JsonArray args;
  JsonObject kwargs;
};

// A layer, an operation, or a model inside of the model.
struct Node {
  std::string module;
  std::string class_name;
  bool is_layer = true;
  std::string name;
  JsonObject config;  // without "name", and of a layer without "trainable" and "dtype"
  std::vector<Variable> variables = {};
  bool is_trainable = true;
  DType dtype = DType::kF32;  // that a layer computes in
  LocationId location = {};
  std::vector<Call> calls = {};
  std::shared_ptr<const Model> inner = {};  // a functional model, called as a layer
  // Of a functional model that somebody else puts into the file: what they know it by.
  std::string key = {};
  std::vector<TensorSpec> key_inputs = {};  // what that model has to take
};

struct Tensor {
  DType dtype = DType::kF32;
  Dims shape;
  NodeIndex node = -1;  // -1: a constant
  int call = 0;         // of the node
  int output = 0;       // of the call
  Json literal = {};    // of a constant: a number, or an array as Keras encodes it
};

struct Model {
  std::string name = "model";
  std::vector<Node> nodes;  // inputs first, then in execution order of their first calls
  std::vector<Tensor> tensors;
  std::vector<TensorIndex> inputs;
  std::vector<TensorIndex> outputs;

  NodeIndex add(Node node) {
    nodes.push_back(std::move(node));
    return static_cast<NodeIndex>(nodes.size()) - 1;
  }
  TensorIndex constant(DType dtype, Dims shape, Json literal);
  // The tensors that the call gives.
  std::vector<TensorIndex> call(NodeIndex node, JsonArray args, JsonObject kwargs,
                                const std::vector<TensorSpec>& outputs);

  const Node& node(NodeIndex index) const { return nodes[static_cast<size_t>(index)]; }
  const Tensor& tensor(TensorIndex index) const { return tensors[static_cast<size_t>(index)]; }
};

// "conv1:0:0": the node's name, the number of its call, and that of the output. Of a constant none.
std::string name_of_tensor(const Model& model, TensorIndex tensor);

// As Keras spells it: "float32".
std::string_view dtype_name(DType dtype);

// As Keras knows the shape: null for a size that is free.
Json shape_json(const Dims& shape);

// Nodes in the order in which Keras lists those of a model that it has loaded: it gives the weights
// of its layers names by that order. Those that no output needs are not among them.
std::vector<NodeIndex> order_of_nodes(const Model& model);

// How many of them the longest chain has that leads to an output, in the model or one inside of it.
// Keras follows chains by recursion.
int length_of_chain(const Model& model);

// Where the variables of a layer are in the file of weights.
struct WeightGroup {
  std::string path;  // "layers/conv2d_1", "layers/functional/layers/dense"
  const Node* layer;
};

// Of all layers that an output needs, those of models inside of the model as well.
std::vector<WeightGroup> weight_groups(const Model& model);

// The text of config.json.
std::string config_text(const Model& model);

}  // namespace ferryman::keras
