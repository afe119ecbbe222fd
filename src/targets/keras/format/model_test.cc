#include "targets/keras/format/model.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ferryman::keras {
namespace {

NodeIndex add_layer(Model& model, const std::string& class_name, const std::string& name) {
  return model.add(
      {.module = "keras.layers", .class_name = class_name, .name = name, .config = {}});
}

TensorIndex call(Model& model, NodeIndex node, JsonArray args) {
  return model.call(node, std::move(args), {}, {{DType::kF32, to_dims({2})}}).front();
}

// x -> a -> c, x -> b -> c, and something that no output needs.
struct Diamond {
  Model model;
  Diamond() {
    const NodeIndex input = add_layer(model, "InputLayer", "x");
    const TensorIndex x = call(model, input, {});
    model.inputs = {x};
    const TensorIndex a = call(model, add_layer(model, "Dense", "a"), {TensorRef{x}});
    const TensorIndex b = call(model, add_layer(model, "Dense", "b"), {TensorRef{x}});
    call(model, add_layer(model, "Dense", "unused"), {TensorRef{b}});
    const NodeIndex add = add_layer(model, "Add", "c");
    model.outputs = {call(model, add, list_argument({TensorRef{b}, TensorRef{a}}))};
  }
};

std::vector<std::string> names_in_order(const Model& model) {
  std::vector<std::string> names;
  for (const NodeIndex index : order_of_nodes(model)) names.push_back(model.node(index).name);
  return names;
}

// By depth, then as a walk from the outputs meets them: Keras names the groups of weights so.
TEST(KerasModel, NodesStandInKerasOrder) {
  EXPECT_EQ(names_in_order(Diamond().model), (std::vector<std::string>{"x", "b", "a", "c"}));
}

TEST(KerasModel, TheLongestChainIsFromAnInputToAnOutput) {
  EXPECT_EQ(length_of_chain(Diamond().model), 3);
}

TEST(KerasModel, GroupsOfWeightsCountTheClass) {
  const Diamond diamond;
  std::map<std::string, std::string> paths;
  for (const WeightGroup& group : weight_groups(diamond.model))
    paths[group.layer->name] = group.path;
  EXPECT_EQ(paths, (std::map<std::string, std::string>{{"x", "layers/input_layer"},
                                                       {"a", "layers/dense_1"},
                                                       {"b", "layers/dense"},
                                                       {"c", "layers/add"}}));
}

TEST(KerasModel, AModelInsideIsALayerWithGroupsOfItsOwn) {
  Model model;
  const TensorIndex x = call(model, add_layer(model, "InputLayer", "x"), {});
  model.inputs = {x};
  Node inside = {.module = "keras.src.models.functional",
                 .class_name = "Functional",
                 .name = "i",
                 .config = {}};
  inside.inner = std::make_shared<const Model>(Diamond().model);
  model.outputs = {call(model, model.add(std::move(inside)), {TensorRef{x}})};
  const std::vector<WeightGroup> groups = weight_groups(model);
  ASSERT_EQ(groups.size(), 6u);
  EXPECT_EQ(groups[1].path, "layers/functional");
  EXPECT_EQ(groups[3].path, "layers/functional/layers/dense");
  EXPECT_EQ(groups[3].layer->name, "b");
  EXPECT_EQ(length_of_chain(model), 3);
}

TEST(KerasModel, TheConfigNamesTensorsByWhatMakesThem) {
  const std::string text = config_text(Diamond().model);
  EXPECT_NE(text.find(R"("keras_history": ["b", 0, 0])"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("output_layers": ["c", 0, 0])"), std::string::npos) << text;
  EXPECT_EQ(text.find("unused"), std::string::npos);
}

}  // namespace
}  // namespace ferryman::keras
