#include "frontend/live/live.h"

#include <fmt/format.h>

#include "frontend/live/live_words.h"
#include "frontend/program/finish_program.h"
#include "frontend/program/location.h"

namespace ferryman::frontend {

namespace {

constexpr int kMaxArgumentDepth = 60;  // of lists and graphs inside each other
constexpr int64_t kMaxRank = 64;

class LiveReader {
 public:
  LiveReader(LiveWords words, std::span<const BlobRef> storages)
      : words_(std::move(words)), storages_(storages) {}

  Result<Program> read() {
    program_.torch_version = words_.text("torch_version");
    program_.input_tree = words_.text("input_tree");
    program_.output_tree = words_.text("output_tree");
    const NamedTupleFields fields = read_named_tuples();
    read_symbols();
    for (size_t n = words_.count("guards"); n > 0; --n) {
      program_.guards.push_back(words_.text("guard"));
    }
    for (size_t n = words_.count("inputs"); n > 0; --n) program_.inputs.push_back(read_input());
    program_.nodes = read_nodes(0);
    for (size_t n = words_.count("outputs"); n > 0; --n) program_.outputs.push_back(read_output());
    if (!words_.at_end()) words_.fail("words follow the last output");
    FERRYMAN_TRY_STATUS(words_.status());
    return finish_program(std::move(program_), fields);
  }

 private:
  NamedTupleFields read_named_tuples() {
    NamedTupleFields all;
    for (size_t n = words_.count("named tuples"); n > 0; --n) {
      std::vector<std::string>& fields = all[words_.text("named tuple")];
      for (size_t m = words_.count("fields"); m > 0; --m) fields.push_back(words_.text("field"));
    }
    return all;
  }

  void read_symbols() {
    for (size_t n = words_.count("symbols"); n > 0; --n) {
      Program::SymbolRange range;
      range.symbol = words_.text("symbol");
      range.name = words_.text("name");
      range.hint = words_.word("hint");
      range.min = words_.word("min");
      range.max = words_.word("max");
      program_.symbols.push_back(std::move(range));
    }
  }

  Input read_input() {
    constexpr size_t kNumKinds = static_cast<size_t>(InputKind::kCustomObject) + 1;
    Input input;
    input.kind = static_cast<InputKind>(words_.index("input kind", kNumKinds));
    input.name = words_.text("input name");
    if (words_.index("input form", 2) == 0) {
      input.constant = read_argument(0);
      return input;
    }
    input.value = read_value();
    const int64_t presence = words_.index("presence of data", 3);
    if (presence == 0) return input;
    input.requires_grad = presence == 2;
    const auto storage = words_.index("storage", storages_.size());
    TensorStorage data;
    if (!words_.failed()) data.storage = storages_[static_cast<size_t>(storage)];
    data.offset = words_.word("offset");
    for (size_t n = words_.count("strides"); n > 0; --n) {
      data.strides.push_back(words_.word("stride"));
    }
    input.data = std::move(data);
    input.storage_id = storage;
    return input;
  }

  SymSize read_size() {
    SymSize size;
    size.value = words_.word("size");
    size.expr = words_.optional_text("expression");
    return size;
  }

  std::vector<SymSize> read_sizes(int64_t rank, bool is_symbolic) {
    std::vector<SymSize> sizes;
    for (int64_t axis = 0; axis < rank && !words_.failed(); ++axis) {
      sizes.push_back(is_symbolic ? read_size() : SymSize{words_.word("size"), ""});
    }
    return sizes;
  }

  TensorMeta read_tensor(const std::string& name) {
    TensorMeta tensor;
    const std::string_view dtype = words_.view("dtype");
    if (const auto known = dtype_from_string(dtype)) {
      tensor.dtype = *known;
    } else {
      words_.fail(fmt::format("%{} is of type '{}', which Ferryman does not know", name, dtype));
    }
    const int64_t rank = words_.index("rank", kMaxRank + 1);
    const bool is_symbolic = words_.index("symbolic flag", 2) == 1;
    tensor.sizes = read_sizes(rank, is_symbolic);
    tensor.strides = read_sizes(rank, is_symbolic);
    return tensor;
  }

  ValueIndex read_value() {
    Value value;
    value.name = words_.text("value name");
    switch (words_.index("value kind", 6)) {
      case 0:
        value.tensor = read_tensor(value.name);
        break;
      case 1:
        value.number = read_size();
        break;
      case 2:
        value.number = read_size();
        value.number_kind = NumberKind::kBool;
        break;
      case 3:
        value.number = SymSize{0, words_.text("expression")};
        value.number_kind = NumberKind::kFloat;
        break;
      case 4:
        value.number = SymSize{0, print_number(words_.number("number"))};
        value.number_kind = NumberKind::kFloat;
        break;
      default:
        break;  // an object
    }
    program_.values.push_back(std::move(value));
    return static_cast<ValueIndex>(program_.values.size() - 1);
  }

  std::vector<Node> read_nodes(int depth) {
    std::vector<Node> nodes;
    for (size_t n = words_.count("nodes"); n > 0 && !words_.failed(); --n) {
      nodes.push_back(read_node(depth));
    }
    return nodes;
  }

  Node read_node(int depth) {
    Node node;
    node.target = words_.text("target");
    node.name = words_.text("node name");
    ModuleCall module;
    module.key = words_.view("module key");
    module.path = words_.view("module path");
    module.type = words_.view("module type");
    node.location = make_location(node.name, module, words_.view("stack trace"));
    for (size_t n = words_.count("arguments"); n > 0 && !words_.failed(); --n) {
      std::string name = words_.text("argument name");
      node.args.push_back({std::move(name), read_argument(depth)});
    }
    for (size_t n = words_.count("results"); n > 0 && !words_.failed(); --n) {
      node.results.push_back(words_.index("result form", 2) == 0 ? kNoValue : read_value());
    }
    return node;
  }

  Argument read_dtype() {
    std::string name = words_.text("dtype");
    if (const auto dtype = dtype_from_string(name)) return {DTypeArg{*dtype}};
    return {EnumArg{"dtype", std::move(name)}};
  }

  Argument read_enum() {
    EnumArg arg;
    arg.kind = words_.text("enum kind");
    arg.text = words_.text("enum text");
    return {std::move(arg)};
  }

  Argument read_complex() {
    const double real = words_.number("real part");
    return {make_complex(real, words_.number("imaginary part"))};
  }

  ArgumentList read_list(int depth) {
    ArgumentList list;
    for (size_t n = words_.count("items"); n > 0 && !words_.failed(); --n) {
      list.push_back(read_argument(depth + 1));
    }
    return list;
  }

  GraphRef read_subgraph(int depth) {
    Subgraph graph;
    graph.name = words_.text("graph name");
    for (size_t n = words_.count("graph inputs"); n > 0 && !words_.failed(); --n) {
      graph.inputs.push_back(read_value());
    }
    graph.nodes = read_nodes(depth + 1);
    graph.outputs = read_list(depth);
    program_.subgraphs.push_back(std::move(graph));
    return {static_cast<uint32_t>(program_.subgraphs.size() - 1)};
  }

  Argument read_argument(int depth) {
    if (depth > kMaxArgumentDepth) words_.fail("its arguments are nested too deeply");
    switch (words_.index("argument kind", 11)) {
      case 0:
        return {None{}};
      case 1:
        return {words_.index("bool", 2) == 1};
      case 2:
        return {words_.word("int")};
      case 3:
        return {words_.number("float")};
      case 4:
        return {words_.text("string")};
      case 5:
        return read_dtype();
      case 6:
        return read_enum();
      case 7:
        return {ValueRef{static_cast<ValueIndex>(words_.index("value", kNoValue))}};
      case 8:
        return {read_list(depth)};
      case 9:
        return read_complex();
      default:
        return {read_subgraph(depth)};
    }
  }

  Output read_output() {
    constexpr size_t kNumKinds = static_cast<size_t>(OutputKind::kToken) + 1;
    Output output;
    output.kind = static_cast<OutputKind>(words_.index("output kind", kNumKinds));
    output.name = words_.text("output name");
    output.arg = read_argument(0);
    return output;
  }

  LiveWords words_;
  std::span<const BlobRef> storages_;
  Program program_;
};

}  // namespace

Result<Program> read_live(const BlobRef& buffer, std::span<const BlobRef> storages) {
  FERRYMAN_TRY(LiveWords words, LiveWords::open(buffer));
  return LiveReader(std::move(words), storages).read();
}

}  // namespace ferryman::frontend
