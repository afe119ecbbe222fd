// Adds layers and operations to a model: gives them names, reads parameters as layers that hold
// them, and makes a layer once that is called several times.
//
//   ModelBuilder builder(graph, trained);
//   builder.set_location(location);
//   const TensorIndex y = builder.operation(kNumpy, "Add", {TensorRef{x}, 1.0}, {}, {dtype,
//   shape});
//
// Names are those of modules and parameters, with '_' for what Keras refuses: layer1_0_conv1.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "targets/keras/format/model.h"

namespace ferryman::keras {

// Files of keras.src.ops.
inline constexpr std::string_view kNumpy = "numpy";
inline constexpr std::string_view kMath = "math";
inline constexpr std::string_view kNn = "nn";
inline constexpr std::string_view kCore = "core";
inline constexpr std::string_view kImage = "image";

struct LayerSpec {
  std::string class_name;
  JsonObject config = {};
  std::vector<Variable> variables = {};
  // What it is called; empty: as the module at the location, or after the class.
  std::string name = {};
  // Trained, though none of its weights is a parameter (statistics).
  bool is_always_trained = false;
};

class ModelBuilder {
 public:
  // frozen: names of weights that training leaves alone.
  ModelBuilder(const Graph& graph, std::set<std::string> frozen)
      : graph_(graph), frozen_(std::move(frozen)) {}

  Model& model() { return model_; }
  const Model& model() const { return model_; }
  const Graph& graph() const { return graph_; }
  SymbolTable& symbols() const { return graph_.symbols(); }
  const Dims& shape(TensorIndex tensor) const { return model_.tensor(tensor).shape; }
  DType dtype(TensorIndex tensor) const { return model_.tensor(tensor).dtype; }
  bool is_literal(TensorIndex tensor) const { return model_.tensor(tensor).node < 0; }

  // Names and places of what follows.
  void set_location(LocationId location) { location_ = location; }

  TensorIndex input(const std::string& name, const TensorSpec& spec);
  TensorIndex operation(std::string_view file, std::string_view class_name, JsonArray args,
                        JsonObject config, const TensorSpec& result);
  std::vector<TensorIndex> operations(std::string_view file, std::string_view class_name,
                                      JsonArray args, JsonObject config,
                                      const std::vector<TensorSpec>& results);
  TensorIndex layer(LayerSpec spec, JsonArray args, const TensorSpec& result);
  std::vector<TensorIndex> layers(LayerSpec spec, JsonArray args, JsonObject kwargs,
                                  const std::vector<TensorSpec>& results);

  // A call of a functional model that somebody else puts into the file; equal keys are one model.
  std::vector<TensorIndex> foreign_model(const std::string& key, std::vector<TensorIndex> inputs,
                                         const std::vector<TensorSpec>& results);

  // SizeError if Keras cannot be told the shape.
  TensorIndex reshape(TensorIndex from, const Dims& shape);
  TensorIndex transpose(TensorIndex from, const Ints& perm);
  TensorIndex cast(TensorIndex from, DType dtype);
  // What is repeated along a free size is added to zeros that have it.
  TensorIndex broadcast(TensorIndex from, const Dims& to);
  TensorIndex constant_tensor(DType dtype, Dims shape, Json literal) {
    return model_.constant(dtype, std::move(shape), std::move(literal));
  }
  // A constant as something that the model computes.
  TensorIndex as_tensor(TensorIndex tensor);
  // A number, an array in the config, or, if it is large, weights that are not trained.
  TensorIndex constant(const TensorData& data, const std::string& name);
  // A parameter as a layer gives it, in its own shape.
  TensorIndex parameter(ValueId value);
  // The layer that a table [rows, width] is the weight of.
  LayerSpec table_layer(ValueId table) const;
  // Zeros that have free sizes of an input where `shape` does, and 1 elsewhere.
  TensorIndex zeros_along(DType dtype, const Dims& shape);

 private:
  // Of two, an Add or what says the same (addition.h).
  TensorIndex sum(JsonArray args, const TensorSpec& result);
  void require_a_tensor(JsonArray& args);
  std::string base_name(std::string_view class_name, bool is_layer) const;
  std::string unique_name(std::string name);
  bool is_frozen(const Variable& variable) const;
  TensorIndex table(const TensorData& rows, int64_t num_rows, ValueId source,
                    const std::string& name);
  TensorIndex positions(int64_t count);
  TensorIndex zero();
  TensorIndex zero_of(TensorIndex input);
  TensorIndex zero_of_nothing();

  const Graph& graph_;
  std::set<std::string> frozen_;
  Model model_;
  LocationId location_;
  std::map<std::string, int> taken_names_;
  std::map<std::string, NodeIndex> shared_layers_;  // by what they are
  std::map<ValueId, TensorIndex> parameters_;
  std::map<int64_t, TensorIndex> positions_;
  TensorIndex zero_ = -1;
};

// "layer1.0.conv1" -> "layer1_0_conv1"
std::string keras_name(std::string_view name);

}  // namespace ferryman::keras
