#include "targets/keras/lower/model_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <optional>

#include "support/check.h"
#include "targets/keras/lower/addition.h"

namespace ferryman::keras {

namespace {

constexpr int64_t kMaxLiteralElems = 2048;  // longer ones would take more room as text

// Of an element as JSON says it.
class Literal {
 public:
  explicit Literal(const TensorData& data)
      : data_(data),
        integers_(is_floating(data.dtype()) ? Ints() : data.to_ints()),
        floats_(is_floating(data.dtype()) ? data.to_doubles() : Floats()) {}

  Json number(size_t at) const {
    if (data_.dtype() == DType::kBool) return integers_[at] != 0;
    return is_floating(data_.dtype()) ? Json(floats_[at]) : Json(integers_[at]);
  }

  Json array() const {
    return JsonObject{{"class_name", "__numpy__"},
                      {"config", JsonObject{{"value", nested(0, 0, data_.num_elems())},
                                            {"dtype", dtype_name(data_.dtype())}}}};
  }

 private:
  Json nested(size_t axis, int64_t begin, int64_t count) const {
    if (axis == data_.rank()) return number(static_cast<size_t>(begin));
    JsonArray items;
    const int64_t size = data_.shape()[axis];
    for (int64_t i = 0; i < size; ++i)
      items.push_back(nested(axis + 1, begin + i * (count / size), count / size));
    return items;
  }

  const TensorData& data_;
  Ints integers_;
  Floats floats_;
};

std::string snake_words(std::string_view class_name) {
  std::string name;
  char before = '_';
  for (const char letter : class_name) {
    const bool is_upper = std::isupper(static_cast<unsigned char>(letter)) != 0;
    if (is_upper && std::islower(static_cast<unsigned char>(before)) != 0) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    before = letter;
  }
  return name;
}

// Which parameters and constants the variables are; empty if some are made of several.
std::string sources_of(const std::vector<Variable>& variables) {
  std::string text;
  for (const Variable& variable : variables) {
    if (!variable.source.valid()) return {};
    text += fmt::format("{}:{}:{};", variable.source.index, fmt::join(variable.data.strides(), ","),
                        fmt::join(variable.part, ","));
  }
  return text;
}

// Whether a layer may be all that a module of torch.nn does, or is surely no more than a part of
// it.
bool is_what_module_does(std::string_view class_name, std::string_view module_type) {
  if (class_name == "Reshape" || class_name == "Permute" || class_name == "Flatten")
    return module_type.ends_with("latten");
  if (class_name.find("Dropout") != std::string_view::npos)
    return module_type.find("Dropout") != std::string_view::npos;
  return true;
}

}  // namespace

std::string keras_name(std::string_view name) {
  std::string result;
  for (const char letter : name) {
    const bool is_word = std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
    result += is_word ? letter : '_';
  }
  // TensorFlow takes no name scopes that begin with '_'.
  if (result.empty() || result.front() == '_') result.insert(0, "m");
  return result;
}

// The module's path where the module is one of torch's own and the layer may be what it does.
std::string ModelBuilder::base_name(std::string_view class_name, bool is_layer) const {
  const SourceLocation& location = graph_.location(location_);
  const std::string word = snake_words(class_name);
  if (location.module_path.empty()) return word;
  const std::string path = keras_name(location.module_path);
  const bool is_leaf = location.module_type.starts_with("torch.nn.modules.") &&
                       !location.module_type.ends_with(".Sequential");
  const bool does_it = is_layer && is_what_module_does(class_name, location.module_type);
  return is_leaf && (does_it || path.ends_with(word)) ? path : path + "_" + word;
}

std::string ModelBuilder::unique_name(std::string name) {
  for (;;) {
    const int count = taken_names_[name]++;
    if (count == 0) return name;
    const std::string numbered = fmt::format("{}_{}", name, count);
    if (!taken_names_.contains(numbered)) {
      taken_names_[numbered] = 1;
      return numbered;
    }
  }
}

bool ModelBuilder::is_frozen(const Variable& variable) const {
  if (!variable.source.valid()) return false;
  if (graph_.is_constant(variable.source)) return true;
  return frozen_.contains(graph_.value(variable.source).name);
}

TensorIndex ModelBuilder::input(const std::string& name, const TensorSpec& spec) {
  const std::string unique = unique_name(keras_name(name));
  const NodeIndex node = model_.add({.module = "keras.layers",
                                     .class_name = "InputLayer",
                                     .name = unique,
                                     .config = {{"batch_shape", shape_json(spec.shape)},
                                                {"dtype", dtype_name(spec.dtype)},
                                                {"sparse", false}}});
  const TensorIndex tensor = model_.call(node, {}, {}, {spec}).front();
  model_.inputs.push_back(tensor);
  return tensor;
}

TensorIndex ModelBuilder::operation(std::string_view file, std::string_view class_name,
                                    JsonArray args, JsonObject config, const TensorSpec& result) {
  if (file == kNumpy && class_name == "Add" && args.size() == 2)
    return sum(std::move(args), result);
  return operations(file, class_name, std::move(args), std::move(config), {result}).front();
}

TensorIndex ModelBuilder::sum(JsonArray args, const TensorSpec& result) {
  const auto* x = args[0].as<TensorRef>();
  const auto* y = args[1].as<TensorRef>();
  const Addition addition = x == nullptr || y == nullptr
                                ? Addition::kAsIs
                                : addition_of(shape(x->tensor), shape(y->tensor));
  if (addition == Addition::kSwapped) std::swap(args[0], args[1]);
  if (addition != Addition::kSubtracted)
    return operations(kNumpy, "Add", std::move(args), {}, {result}).front();
  const TensorSpec spec = {dtype(y->tensor), shape(y->tensor)};
  args[1] = TensorRef{operation(kNumpy, "Negative", {args[1]}, {}, spec)};
  return operation(kNumpy, "Subtract", std::move(args), {}, result);
}

std::vector<TensorIndex> ModelBuilder::operations(std::string_view file,
                                                  std::string_view class_name, JsonArray args,
                                                  JsonObject config,
                                                  const std::vector<TensorSpec>& results) {
  require_a_tensor(args);
  const NodeIndex node = model_.add({.module = "keras.src.ops." + std::string(file),
                                     .class_name = std::string(class_name),
                                     .is_layer = false,
                                     .name = unique_name(base_name(class_name, false)),
                                     .config = std::move(config),
                                     .location = location_});
  return model_.call(node, std::move(args), {}, results);
}

TensorIndex ModelBuilder::layer(LayerSpec spec, JsonArray args, const TensorSpec& result) {
  return layers(std::move(spec), std::move(args), {}, {result}).front();
}

std::vector<TensorIndex> ModelBuilder::layers(LayerSpec spec, JsonArray args, JsonObject kwargs,
                                              const std::vector<TensorSpec>& results) {
  require_a_tensor(args);
  const std::string sources = sources_of(spec.variables);
  const std::string key =
      sources.empty() ? "" : spec.class_name + to_text(spec.config) + "|" + sources;
  if (const auto known = shared_layers_.find(key); !key.empty() && known != shared_layers_.end())
    return model_.call(known->second, std::move(args), std::move(kwargs), results);
  const bool is_frozen_whole =
      !spec.variables.empty() && !spec.is_always_trained &&
      std::all_of(spec.variables.begin(), spec.variables.end(),
                  [&](const Variable& variable) { return is_frozen(variable); });
  const std::string name =
      spec.name.empty() ? base_name(spec.class_name, true) : keras_name(spec.name);
  const NodeIndex node =
      model_.add({.module = "keras.layers",
                  .class_name = std::move(spec.class_name),
                  .name = unique_name(name),
                  .config = std::move(spec.config),
                  .variables = std::move(spec.variables),
                  .is_trainable = !is_frozen_whole,
                  .dtype = is_floating(results[0].dtype) ? results[0].dtype : DType::kF32,
                  .location = location_});
  if (!key.empty()) shared_layers_.emplace(key, node);
  return model_.call(node, std::move(args), std::move(kwargs), results);
}

std::vector<TensorIndex> ModelBuilder::foreign_model(const std::string& key,
                                                     std::vector<TensorIndex> inputs,
                                                     const std::vector<TensorSpec>& results) {
  std::vector<TensorSpec> specs;
  JsonArray args;
  for (TensorIndex& input : inputs) {
    input = as_tensor(input);
    specs.push_back({dtype(input), shape(input)});
    args.push_back(TensorRef{input});
  }
  if (args.size() != 1) {  // several inputs are one list
    JsonArray list;
    list.emplace_back(std::move(args));
    args = std::move(list);
  }
  const auto [known, is_new] = shared_layers_.try_emplace("foreign " + key, -1);
  if (is_new) {
    known->second = model_.add({.module = "keras.src.models.functional",
                                .class_name = "Functional",
                                .name = unique_name(base_name("Model", true)),
                                .config = {},
                                .location = location_,
                                .key = key,
                                .key_inputs = std::move(specs)});
  }
  return model_.call(known->second, std::move(args), {}, results);
}

namespace {

// The axes of size 1 that `to` has beside those of `from`, if it is that.
std::optional<Ints> added_axes(const Dims& from, const Dims& to) {
  Ints added;
  size_t next = 0;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    if (next < from.size() && from[next] == to[axis]) {
      ++next;
    } else if (to[axis] == Dim(1)) {
      added.push_back(static_cast<int64_t>(axis));
    } else {
      return std::nullopt;
    }
  }
  return next == from.size() ? std::optional(std::move(added)) : std::nullopt;
}

size_t num_free_sizes(const Dims& dims) {
  return static_cast<size_t>(
      std::count_if(dims.begin(), dims.end(), [](Dim dim) { return !dim.is_static(); }));
}

}  // namespace

// Layers take shapes without the batch axis, operations all of it; each leaves one size open.
TensorIndex ModelBuilder::reshape(TensorIndex from, const Dims& to) {
  const Dims before = shape(from);
  if (before == to) return from;
  const TensorSpec result = {dtype(from), to};
  if (const auto added = added_axes(before, to); added.has_value() && num_free_sizes(to) > 1)
    return operation(kNumpy, "ExpandDims", {TensorRef{from}}, {{"axis", *added}}, result);
  const auto sizes = [&](size_t first) {
    JsonArray numbers;
    int num_free = 0;
    for (size_t i = first; i < to.size(); ++i) {
      if (!to[i].is_static() && ++num_free > 1)
        throw SizeError("Keras cannot be told a shape with several sizes that are free");
      numbers.push_back(to[i].is_static() ? to[i].size() : int64_t{-1});
    }
    return numbers;
  };
  const bool keeps_batch =
      !before.empty() && !to.empty() && before[0] == to[0] && !(to[0] == Dim(0));
  if (keeps_batch && to.size() == 2 && to[1].is_static() && before.size() > 2)
    return layer({"Flatten", {}}, {TensorRef{from}}, result);
  if (keeps_batch && to.size() > 1)
    return layer({"Reshape", {{"target_shape", sizes(1)}}}, {TensorRef{from}}, result);
  return operation(kNumpy, "Reshape", {TensorRef{from}}, {{"newshape", sizes(0)}}, result);
}

TensorIndex ModelBuilder::transpose(TensorIndex from, const Ints& perm) {
  Dims to;
  for (const int64_t axis : perm) to.push_back(shape(from)[static_cast<size_t>(axis)]);
  const TensorSpec result = {dtype(from), to};
  if (perm[0] == 0) {
    return layer({"Permute", {{"dims", Ints(perm.begin() + 1, perm.end())}}}, {TensorRef{from}},
                 result);
  }
  return operation(kNumpy, "Transpose", {TensorRef{from}}, {{"axes", perm}}, result);
}

TensorIndex ModelBuilder::cast(TensorIndex from, DType to) {
  if (dtype(from) == to) return from;
  return operation(kCore, "Cast", {TensorRef{from}}, {{"dtype", dtype_name(to)}},
                   {to, shape(from)});
}

TensorIndex ModelBuilder::broadcast(TensorIndex x, const Dims& to) {
  if (shape(x) == to) return x;
  const DType type = dtype(x);
  if (all_static(to)) {
    return operation(kNumpy, "BroadcastTo", {TensorRef{x}}, {{"shape", static_sizes(to)}},
                     {type, to});
  }
  Dims ranked(to.size() - shape(x).size(), Dim(1));
  ranked.insert(ranked.end(), shape(x).begin(), shape(x).end());
  x = reshape(as_tensor(x), ranked);
  Ints repeats(to.size(), 1);
  Dims tiled = ranked;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    if (!to[axis].is_static() || ranked[axis] == to[axis]) continue;
    repeats[axis] = to[axis].size();
    tiled[axis] = to[axis];
  }
  if (tiled != ranked)
    x = operation(kNumpy, "Tile", {TensorRef{x}}, {{"repeats", repeats}}, {type, tiled});
  if (tiled == to) return x;
  return operation(kNumpy, type == DType::kBool ? "LogicalOr" : "Add",
                   {TensorRef{x}, TensorRef{zeros_along(type, to)}}, {}, {type, to});
}

// What is called on constants alone is no part of a model.
void ModelBuilder::require_a_tensor(JsonArray& args) {
  std::vector<TensorIndex> read;
  collect_tensors(args, read);
  if (read.empty() || !std::all_of(read.begin(), read.end(),
                                   [&](TensorIndex tensor) { return is_literal(tensor); }))
    return;
  for (Json& arg : args) {
    const auto* ref = arg.as<TensorRef>();
    if (ref == nullptr) continue;
    arg = TensorRef{as_tensor(ref->tensor)};
    return;
  }
}

TensorIndex ModelBuilder::as_tensor(TensorIndex tensor) {
  if (!is_literal(tensor)) return tensor;
  const Dims to = shape(tensor);
  const DType type = dtype(tensor);
  const TensorIndex nothing = cast(zero(), type);
  const TensorSpec result = {type, to.empty() ? to_dims({1}) : to};
  const TensorIndex sum = operation(kNumpy, type == DType::kBool ? "LogicalOr" : "Add",
                                    {TensorRef{nothing}, TensorRef{tensor}}, {}, result);
  return to.empty() ? operation(kNumpy, "Reshape", {TensorRef{sum}}, {{"newshape", JsonArray{}}},
                                {type, to})
                    : sum;
}

TensorIndex ModelBuilder::constant(const TensorData& data, const std::string& name) {
  const Dims dims = to_dims(data.shape());
  if (data.num_elems() == 0 && data.rank() > 1) {  // [] has one axis
    const TensorIndex nothing = model_.constant(
        data.dtype(), to_dims({0}),
        JsonObject{
            {"class_name", "__numpy__"},
            {"config", JsonObject{{"value", JsonArray()}, {"dtype", dtype_name(data.dtype())}}}});
    return reshape(as_tensor(nothing), dims);
  }
  if (data.rank() == 0 || data.num_elems() <= kMaxLiteralElems) {
    const Literal literal(data);
    return model_.constant(data.dtype(), dims,
                           data.rank() == 0 ? literal.number(0) : literal.array());
  }
  // A weight is of floats.
  const bool is_exact = data.dtype() == DType::kF32;
  const TensorData floats = is_exact ? data : TensorData::of<float>(data.shape(), [&] {
    const std::vector<double> values = data.to_doubles();
    return std::vector<float>(values.begin(), values.end());
  }());
  const int64_t width = data.shape().back();
  const TensorIndex rows = table(floats, data.num_elems() / width, ValueId(), name);
  return cast(reshape(rows, dims), data.dtype());
}

TensorIndex ModelBuilder::parameter(ValueId value) {
  if (const auto known = parameters_.find(value); known != parameters_.end()) return known->second;
  const TensorData& data = graph_.constant(value);
  const int64_t width = data.rank() == 0 ? 1 : data.shape().back();
  const int64_t num_rows = width == 0 ? 0 : data.num_elems() / width;
  const TensorIndex rows = table(data, num_rows, value, graph_.value(value).name);
  const TensorIndex result = reshape(rows, graph_.type(value).dims);
  parameters_.emplace(value, result);
  return result;
}

LayerSpec ModelBuilder::table_layer(ValueId value) const {
  const TensorData& data = graph_.constant(value);
  const Ints& shape = data.shape();
  const std::string& name = graph_.value(value).name;
  const std::string module = name.substr(0, name.rfind('.'));
  return {"Embedding",
          {{"input_dim", shape[0]}, {"output_dim", shape[1]}},
          {{.place = "", .name = "embeddings", .data = data, .shape = shape, .source = value}},
          name.ends_with(".weight") ? module : name};
}

// Embedding(n, d) on 0 … n - 1.
TensorIndex ModelBuilder::table(const TensorData& rows, int64_t num_rows, ValueId source,
                                const std::string& name) {
  const int64_t width = num_rows == 0 ? 0 : rows.num_elems() / num_rows;
  LayerSpec spec = {"Embedding",
                    {{"input_dim", num_rows}, {"output_dim", width}},
                    {{.place = "",
                      .name = "embeddings",
                      .data = rows,
                      .shape = {num_rows, width},
                      .source = source}},
                    name};
  const bool is_matrix = source.valid() && graph_.type(source).rank() == 2;
  if (is_matrix) spec = table_layer(source);
  const TensorIndex result = layer(std::move(spec), {TensorRef{positions(num_rows)}},
                                   {rows.dtype(), to_dims({num_rows, width})});
  const NodeIndex node = model_.tensor(result).node;
  if (!source.valid()) model_.nodes[static_cast<size_t>(node)].is_trainable = false;
  return result;
}

// They hang on an input, or Keras would compute them while it loads the model.
TensorIndex ModelBuilder::positions(int64_t count) {
  if (const auto known = positions_.find(count); known != positions_.end()) return known->second;
  TensorIndex result = zero();
  if (count != 1) {
    std::vector<int32_t> numbers(static_cast<size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    const TensorData range = TensorData::of<int32_t>({count}, numbers);
    const TensorIndex literal =
        model_.constant(DType::kI32, to_dims({count}), Literal(range).array());
    result = operation(kNumpy, "Add", {TensorRef{zero()}, TensorRef{literal}}, {},
                       {DType::kI32, to_dims({count})});
  }
  positions_.emplace(count, result);
  return result;
}

TensorIndex ModelBuilder::zero() {
  if (zero_ >= 0) return zero_;
  check(!model_.inputs.empty(), "a parameter in a model without inputs");
  const LocationId place = std::exchange(location_, LocationId());
  const auto has_elems = [&](TensorIndex input) {
    const Dims& dims = shape(input);
    return std::find(dims.begin(), dims.end(), Dim(0)) == dims.end();
  };
  const auto found = std::find_if(model_.inputs.begin(), model_.inputs.end(), has_elems);
  zero_ = found == model_.inputs.end() ? zero_of_nothing() : zero_of(*found);
  location_ = place;
  return zero_;
}

TensorIndex ModelBuilder::zero_of(TensorIndex input) {
  const TensorSpec one = {dtype(input), to_dims({1})};
  TensorIndex first = -1;
  if (shape(input).empty()) {
    first = operation(kNumpy, "Reshape", {TensorRef{input}}, {{"newshape", Ints{1}}}, one);
  } else {
    JsonArray key(shape(input).size(), Json(0));
    key.back() = slice_json({}, 1, {});
    first = operation(kNumpy, "GetItem", {TensorRef{input}, key}, {}, one);
  }
  return operation(kNumpy, "ZerosLike", {TensorRef{first}}, {{"dtype", "int32"}},
                   {DType::kI32, to_dims({1})});
}

// All inputs are empty: a sum of nothing.
TensorIndex ModelBuilder::zero_of_nothing() {
  const TensorIndex input = model_.inputs.front();
  const TensorIndex zeros = operation(kNumpy, "ZerosLike", {TensorRef{input}}, {{"dtype", "int32"}},
                                      {DType::kI32, shape(input)});
  const TensorIndex sum = operation(kNumpy, "Sum", {TensorRef{zeros}},
                                    {{"axis", Json()}, {"keepdims", false}}, {DType::kI32, Dims()});
  return operation(kNumpy, "Reshape", {TensorRef{sum}}, {{"newshape", Ints{1}}},
                   {DType::kI32, to_dims({1})});
}

TensorIndex ModelBuilder::zeros_along(DType wanted, const Dims& along) {
  TensorIndex sum = -1;
  for (size_t axis = 0; axis < along.size(); ++axis) {
    if (along[axis].is_static()) continue;
    TensorIndex found = -1;
    for (const TensorIndex input : model_.inputs) {
      const Dims& dims = shape(input);
      const auto at = std::find(dims.begin(), dims.end(), along[axis]);
      if (at == dims.end() || found >= 0) continue;
      JsonArray key(dims.size(), Json(0));
      key[static_cast<size_t>(at - dims.begin())] = slice_json({}, {}, {});
      found = operation(kNumpy, "GetItem", {TensorRef{input}, key}, {},
                        {dtype(input), Dims{along[axis]}});
    }
    if (found < 0) throw SizeError("Keras cannot be told a size that no input has as it is");
    Dims to(along.size(), Dim(1));
    to[axis] = along[axis];
    found = operation(kNumpy, "ZerosLike", {TensorRef{found}}, {{"dtype", dtype_name(wanted)}},
                      {wanted, shape(found)});
    found = reshape(found, to);
    if (sum >= 0) {
      Dims both = shape(sum);
      both[axis] = along[axis];
      found = operation(kNumpy, wanted == DType::kBool ? "LogicalOr" : "Add",
                        {TensorRef{sum}, TensorRef{found}}, {}, {wanted, both});
    }
    sum = found;
  }
  check(sum >= 0, "no size is free");
  return sum;
}

}  // namespace ferryman::keras
