#include "tests/support/text_target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "ir/print.h"
#include "layout/materialise.h"
#include "ops/names.h"
#include "support/byte_sink.h"

namespace ferryman {

namespace {

using Shape = layout::Materialiser::Shape;

struct TextTensor {
  Shape shape;
  DType dtype;
};

struct TextFile {
  std::string text;  // of the graph and its bodies
  std::vector<TextTensor> tensors;

  int32_t add(const std::string& made_by, const TextTensor& tensor) {
    text += fmt::format("t{} = {}: {}[{}]\n", tensors.size(), made_by, to_string(tensor.dtype),
                        fmt::join(static_sizes(tensor.shape), ", "));
    tensors.push_back(tensor);
    return static_cast<int32_t>(tensors.size()) - 1;
  }
};

class TextMemory : public layout::Materialiser {
 public:
  TextMemory(const Graph& graph, const layout::LayoutPlan& plan, TextFile& file)
      : Materialiser(graph, plan), file_(file) {}

 private:
  Shape shape_of(Tensor tensor) const override {
    return file_.tensors[static_cast<size_t>(tensor)].shape;
  }
  Tensor like(Tensor from, const std::string& made_by, Shape shape) {
    return file_.add(made_by, {std::move(shape), file_.tensors[static_cast<size_t>(from)].dtype});
  }
  Tensor constant(ValueId value, const TensorData& data, const Shape& shape) override {
    return file_.add("constant " + graph().value(value).name, {shape, data.dtype()});
  }
  Tensor reshape(Tensor from, const Shape& shape) override {
    return like(from, fmt::format("reshape(t{})", from), shape);
  }
  Tensor transpose(Tensor from, const Ints& perm) override {
    Shape shape;
    for (const int64_t axis : perm) shape.push_back(shape_of(from)[static_cast<size_t>(axis)]);
    return like(from, fmt::format("transpose(t{}, [{}])", from, fmt::join(perm, ", ")), shape);
  }
  bool can_move_blocks(const layout::BlockMove&, DType) const override { return true; }
  Tensor move_blocks(Tensor from, const layout::BlockMove& move) override {
    return like(from, fmt::format("move_blocks(t{}, {})", from, move.size), move.output_shape);
  }

  TextFile& file_;
};

class TextWriter {
 public:
  TextWriter(const Graph& graph, const layout::LayoutPlan& plan, TextFile& file)
      : graph_(graph), plan_(plan), file_(file), memory_(graph, plan, file) {}

  Artifact run(const WriteRequest& request) {
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      const ValueId input = graph_.inputs()[i];
      enter(input, plan_.inputs[i], "input " + request.input_name(i));
      artifact_.inputs.push_back(port(request.input_name(i), memory_.placement(input)));
    }
    for (const OpId op : graph_.op_ids()) write_op(op);
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const Placement placement = memory_.placement_in(graph_.outputs()[i].value, plan_.outputs[i]);
      file_.text += fmt::format("output {} = t{}\n", request.output_name(i), placement.tensor);
      artifact_.outputs.push_back(port(request.output_name(i), placement));
    }
    return std::move(artifact_);
  }

 private:
  void write_op(OpId id) {
    const layout::OpPlan& plan = plan_.ops[id];
    if (plan.relabelling) return;  // the plan has resolved it
    const Op& op = graph_.op(id);
    std::vector<std::string> operands;
    for (size_t i = 0; i < op.operands.size(); ++i) {
      operands.push_back("none");
      if (!op.operands[i].valid()) continue;
      operands.back() = fmt::format("t{}", memory_.in_layout(op.operands[i], plan.operands[i]));
    }
    const std::string call =
        fmt::format("{}({}){}", op.def->name, fmt::join(operands, ", "), attrs_of_op(op));
    for (size_t i = 0; i < op.results.size(); ++i) enter(op.results[i], plan.results[i], call);
    artifact_.operators.push_back({std::string(op.def->name), op.location});
  }

  // Axes as the graph counts them; a body by its name.
  std::string attrs_of_op(const Op& op) {
    std::vector<std::string> attrs;
    for (size_t i = 0; i < op.attrs.size(); ++i) {
      const AttrSpec& spec = op.def->attrs[i];
      if (spec.default_value.has_value() && *spec.default_value == op.attrs[i]) continue;
      const auto* body = std::get_if<BodyId>(&op.attrs[i]);
      if (body != nullptr) write_body(*body);
      attrs.push_back(fmt::format(
          "{}={}", spec.name,
          body != nullptr ? graph_.body(*body).name() : print_attr(op.attrs[i], graph_.symbols())));
    }
    return attrs.empty() ? "" : fmt::format(" {{{}}}", fmt::join(attrs, ", "));
  }

  void write_body(BodyId id) {
    const Graph& body = graph_.body(id);
    file_.text += fmt::format("body {}\n", body.name());
    const layout::LayoutPlan& plan = plan_.bodies[id.index]->plan;
    TextWriter(body, plan, file_).run({.graph = body, .plan = plan});
    file_.text += "end\n";
  }

  void enter(ValueId value, const layout::Layout& layout, const std::string& made_by) {
    const TextTensor made = {layout.shape(), graph_.type(value).dtype};
    memory_.enter(value, layout, file_.add(made_by, made));
    if (graph_.value(value).name.empty()) return;
    artifact_.values.push_back({graph_.value(value).name, memory_.placement(value)});
  }

  ArtifactPort port(const std::string& name, const Placement& placement) const {
    const TextTensor& tensor = file_.tensors[static_cast<size_t>(placement.tensor)];
    std::vector<ToldSize> shape;
    for (const Dim dim : tensor.shape) shape.push_back(graph_.symbols().tell(dim));
    return {name, placement, shape, std::string(torch_name(tensor.dtype))};
  }

  const Graph& graph_;
  const layout::LayoutPlan& plan_;
  TextFile& file_;
  TextMemory memory_;
  Artifact artifact_;
};

}  // namespace

bool TextTarget::keeps(const Graph&, const Op& op) {
  constexpr std::array kKept = {ops::kConv,      ops::kConvTranspose, ops::kBatchNorm,
                                ops::kLayerNorm, ops::kGroupNorm,     ops::kRmsNorm,
                                ops::kAttention};
  return std::any_of(kKept.begin(), kKept.end(), [&](OpName name) { return op.is(name); });
}

Result<Artifact> TextTarget::write(const WriteRequest& request) const {
  TextFile file;
  Artifact artifact = TextWriter(request.graph, request.plan, file).run(request);
  if (request.path.empty()) return artifact;
  FERRYMAN_TRY(const std::unique_ptr<FileSink> sink, FileSink::create(request.path));
  FERRYMAN_TRY_STATUS(sink->write(std::as_bytes(std::span(file.text))));
  FERRYMAN_TRY_STATUS(sink->commit());
  return artifact;
}

}  // namespace ferryman
