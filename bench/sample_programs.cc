#include "sample_programs.h"

#include <cstring>
#include <random>
#include <utility>

#include "ir/tensor_data.h"

namespace ferryman::bench {

using frontend::Argument;
using frontend::ArgumentList;
using frontend::InputKind;
using frontend::NamedArgument;
using frontend::Program;
using frontend::TensorMeta;
using frontend::ValueIndex;
using frontend::ValueRef;

namespace {

NamedArgument tensor(std::string name, ValueIndex value) {
  return {std::move(name), {ValueRef{value}}};
}
NamedArgument number(std::string name, int64_t value) {
  return {std::move(name), {value}};
}
NamedArgument ints(std::string name, const Ints& values) {
  ArgumentList list;
  for (const int64_t value : values) list.push_back({value});
  return {std::move(name), {std::move(list)}};
}

class ProgramBuilder {
 public:
  ValueIndex input(const std::string& name, const Ints& sizes) {
    const ValueIndex index = add_value(name, sizes);
    program_.inputs.push_back({.value = index, .constant = {}, .name = name, .data = {}});
    return index;
  }

  ValueIndex weight(InputKind kind, const std::string& name, const Ints& sizes) {
    const ValueIndex index = add_value("p_" + name, sizes);
    frontend::Input input{
        .kind = kind, .value = index, .constant = {}, .name = path_ + "." + name, .data = {}};
    int64_t count = 1;
    for (const int64_t size : sizes) count *= size;
    std::vector<float> elems(static_cast<size_t>(count));
    for (float& elem : elems) elem = 0.5f + static_cast<float>(random_() % 1000) / 2000.0f;
    std::vector<std::byte> bytes(elems.size() * sizeof(float));
    std::memcpy(bytes.data(), elems.data(), bytes.size());
    input.data = {owned_blob(std::move(bytes)), 0, row_major_strides(sizes)};
    program_.inputs.push_back(std::move(input));
    return index;
  }

  ValueIndex node(const std::string& op, const std::string& overload,
                  std::vector<NamedArgument> args, const Ints& sizes) {
    const std::string name = op + "_" + std::to_string(program_.nodes.size());
    const ValueIndex index = add_value(name, sizes);
    frontend::Node node{"aten." + op + "." + overload, name, std::move(args), {index}, {}};
    node.location.module_path = path_;
    node.location.node = name;
    node.location.file = "net.py";
    node.location.line = 10 + static_cast<int>(program_.nodes.size() % 50);
    program_.nodes.push_back(std::move(node));
    return index;
  }

  ValueIndex unary(const std::string& op, ValueIndex x) {
    return node(op, "default", {tensor("self", x)}, sizes(x));
  }
  ValueIndex add(ValueIndex x, ValueIndex y) {
    return node("add", "Tensor", {tensor("self", x), tensor("other", y)}, sizes(x));
  }
  ValueIndex transpose(ValueIndex x, int64_t a, int64_t b) {
    Ints result = sizes(x);
    std::swap(result[static_cast<size_t>(a)], result[static_cast<size_t>(b)]);
    return node("transpose", "int", {tensor("self", x), number("dim0", a), number("dim1", b)},
                result);
  }
  ValueIndex view(ValueIndex x, const Ints& shape) {
    return node("view", "default", {tensor("self", x), ints("size", shape)}, shape);
  }
  ValueIndex linear(ValueIndex x, int64_t out) {
    Ints result = sizes(x);
    const ValueIndex w = weight(InputKind::kParameter, fresh("weight"), {out, result.back()});
    const ValueIndex b = weight(InputKind::kParameter, fresh("bias"), {out});
    result.back() = out;
    return node("linear", "default", {tensor("input", x), tensor("weight", w), tensor("bias", b)},
                result);
  }
  ValueIndex layer_norm(ValueIndex x) {
    const Ints shape = {sizes(x).back()};
    const ValueIndex w = weight(InputKind::kParameter, fresh("weight"), shape);
    const ValueIndex b = weight(InputKind::kParameter, fresh("bias"), shape);
    return node("layer_norm", "default",
                {tensor("input", x), ints("normalized_shape", shape), tensor("weight", w),
                 tensor("bias", b)},
                sizes(x));
  }
  ValueIndex dropout(ValueIndex x) {
    return node("dropout", "default", {tensor("input", x), {"p", {0.1}}, {"train", {false}}},
                sizes(x));
  }
  ValueIndex conv(ValueIndex x, int64_t out, int64_t kernel) {
    Ints result = sizes(x);
    const ValueIndex w =
        weight(InputKind::kParameter, fresh("weight"), {out, result[1], kernel, kernel});
    result[1] = out;
    const int64_t pad = kernel / 2;
    return node("conv2d", "default",
                {tensor("input", x),
                 tensor("weight", w),
                 {"bias", {}},
                 ints("stride", {1, 1}),
                 ints("padding", {pad, pad})},
                result);
  }
  ValueIndex batch_norm(ValueIndex x) {
    const Ints shape = {sizes(x)[1]};
    const ValueIndex w = weight(InputKind::kParameter, fresh("weight"), shape);
    const ValueIndex b = weight(InputKind::kParameter, fresh("bias"), shape);
    const ValueIndex mean = weight(InputKind::kBuffer, fresh("running_mean"), shape);
    const ValueIndex variance = weight(InputKind::kBuffer, fresh("running_var"), shape);
    return node("batch_norm", "default",
                {tensor("input", x),
                 tensor("weight", w),
                 tensor("bias", b),
                 tensor("running_mean", mean),
                 tensor("running_var", variance),
                 {"training", {false}},
                 {"momentum", {0.1}},
                 {"eps", {1e-5}},
                 {"cudnn_enabled", {true}}},
                sizes(x));
  }

  void enter(std::string path) { path_ = std::move(path); }
  Program finish(ValueIndex result) {
    program_.outputs.push_back({frontend::OutputKind::kUser, {ValueRef{result}}, ""});
    return std::move(program_);
  }

 private:
  Ints sizes(ValueIndex x) const {
    Ints list;
    for (const frontend::SymSize& size : program_.values[x].tensor->sizes) {
      list.push_back(size.value);
    }
    return list;
  }

  std::string fresh(const std::string& name) {
    return name + "_" + std::to_string(program_.inputs.size());
  }

  ValueIndex add_value(std::string name, const Ints& sizes) {
    TensorMeta meta;
    const Ints strides = row_major_strides(sizes);
    for (const int64_t size : sizes) meta.sizes.push_back({size, ""});
    for (const int64_t stride : strides) meta.strides.push_back({stride, ""});
    program_.values.push_back({.name = std::move(name), .tensor = std::move(meta), .number = {}});
    return static_cast<ValueIndex>(program_.values.size() - 1);
  }

  Program program_;
  std::string path_ = "net";
  std::mt19937 random_{1};
};

// The operands of attention, as nn.MultiheadAttention cuts them out of one product.
ValueIndex attention(ProgramBuilder& net, ValueIndex x) {
  const ValueIndex qkv = net.linear(net.transpose(x, 1, 0), 48);
  const ValueIndex parts =
      net.node("unflatten", "int", {tensor("self", qkv), number("dim", -1), ints("sizes", {3, 16})},
               {8, 1, 3, 16});
  const ValueIndex front =
      net.node("unsqueeze", "default", {tensor("self", parts), number("dim", 0)}, {1, 8, 1, 3, 16});
  const ValueIndex first =
      net.node("transpose", "int", {tensor("self", front), number("dim0", 0), number("dim1", -2)},
               {3, 8, 1, 1, 16});
  const ValueIndex flat = net.unary(
      "contiguous",
      net.node("squeeze", "dim", {tensor("self", first), number("dim", -2)}, {3, 8, 1, 16}));
  std::vector<ValueIndex> heads;
  for (int64_t part = 0; part < 3; ++part) {
    const ValueIndex one =
        net.node("select", "int", {tensor("self", flat), number("dim", 0), number("index", part)},
                 {8, 1, 16});
    heads.push_back(net.view(net.transpose(net.view(one, {8, 2, 8}), 0, 1), {1, 2, 8, 8}));
  }
  const ValueIndex mixed =
      net.node("scaled_dot_product_attention", "default",
               {tensor("query", heads[0]), tensor("key", heads[1]), tensor("value", heads[2])},
               {1, 2, 8, 8});
  const ValueIndex back = net.node(
      "permute", "default", {tensor("self", mixed), ints("dims", {2, 0, 1, 3})}, {8, 1, 2, 8});
  const ValueIndex rows =
      net.node("reshape", "default", {tensor("self", back), ints("shape", {8, 16})}, {8, 16});
  return net.transpose(net.view(net.linear(rows, 16), {8, 1, 16}), 1, 0);
}

}  // namespace

Program encoder_program(int layers) {
  ProgramBuilder net;
  ValueIndex x = net.input("src", {1, 8, 16});
  for (int layer = 0; layer < layers; ++layer) {
    net.enter("layers." + std::to_string(layer));
    x = net.add(x, net.dropout(attention(net, net.layer_norm(x))));
    const ValueIndex wide = net.unary("relu", net.linear(net.layer_norm(x), 32));
    x = net.add(x, net.dropout(net.linear(net.dropout(wide), 16)));
  }
  return net.finish(x);
}

Program residual_program(int blocks) {
  ProgramBuilder net;
  const auto convolve = [&](ValueIndex x, int64_t out, int64_t kernel) {
    return net.batch_norm(net.conv(x, out, kernel));
  };
  ValueIndex x = net.unary("relu", convolve(net.input("x", {1, 3, 16, 16}), 16, 7));
  for (int block = 0; block < blocks; ++block) {
    net.enter("blocks." + std::to_string(block));
    ValueIndex y = net.unary("relu", convolve(x, 4, 1));
    y = net.unary("relu", convolve(y, 4, 3));
    x = net.unary("relu", net.add(convolve(y, 16, 1), block % 4 == 0 ? convolve(x, 16, 1) : x));
  }
  return net.finish(x);
}

}  // namespace ferryman::bench
