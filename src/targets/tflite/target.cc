#include "targets/tflite/target.h"

#include <algorithm>
#include <cctype>

#include "targets/tflite/format/write.h"
#include "targets/tflite/legalise/legalise.h"
#include "targets/tflite/lower/lower.h"
#include "targets/tflite/lower/name_tensors.h"
#include "targets/tflite/lower/polish.h"
#include "targets/tflite/runtime/runtime_version.h"

namespace ferryman::tflite {

namespace {

// "float32", as numpy calls it.
std::string dtype_name(TensorType type) {
  std::string name(to_string(type));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return name;
}

std::vector<ArtifactPort> ports_of(const std::vector<NamedTensor>& names,
                                   std::vector<Placement> placements,
                                   const std::vector<std::vector<ToldSize>>& shapes,
                                   const Subgraph& main) {
  std::vector<ArtifactPort> ports;
  for (size_t i = 0; i < names.size(); ++i) {
    const Tensor& tensor = main.tensor(names[i].tensor);
    ports.push_back(
        {names[i].name, std::move(placements[i]), shapes[i], dtype_name(tensor.type.code)});
  }
  return ports;
}

std::vector<std::vector<ToldSize>> told(const SymbolTable& symbols,
                                        const std::vector<Dims>& shapes) {
  std::vector<std::vector<ToldSize>> all;
  for (const Dims& shape : shapes) {
    std::vector<ToldSize>& sizes = all.emplace_back();
    for (const Dim dim : shape) sizes.push_back(symbols.tell(dim));
  }
  return all;
}

Artifact to_artifact(Lowered lowered, const SymbolTable& symbols) {
  const Model& model = lowered.model;
  const Signature& signature = model.signatures.front();
  const Subgraph& main = model.subgraphs.front();
  Artifact artifact;
  artifact.inputs = ports_of(signature.inputs, std::move(lowered.placements.inputs),
                             told(symbols, lowered.input_shapes), main);
  artifact.outputs = ports_of(signature.outputs, std::move(lowered.placements.outputs),
                              told(symbols, lowered.output_shapes), main);
  artifact.values = std::move(lowered.placements.nodes);
  for (const Subgraph& subgraph : model.subgraphs) {
    for (const Operator& op : subgraph.operators) {
      const bool is_placed = op.location >= 0;
      artifact.operators.push_back(
          {std::string(to_string(op.op)),
           is_placed ? LocationId(static_cast<size_t>(op.location)) : LocationId()});
    }
  }
  RuntimeNeed need = runtime_need(model);
  artifact.runtime_name = "TensorFlow Lite";
  artifact.runtime = to_string(need.release);
  artifact.runtime_operators = std::move(need.operators);
  return artifact;
}

}  // namespace

namespace {

// A form may need a size as a number that is free.
Result<Lowered> lower_or_refuse(const WriteRequest& request) {
  try {
    return lower_to_tflite(request.graph, request.plan);
  } catch (const SizeError& error) {
    return Diag::error(DiagCode::kNotOnTarget, error.what())
        .hint("give fewer axes a free size in dynamic_shapes");
  }
}

}  // namespace

std::vector<Pass> TfliteTarget::prepare(const Choices& choices) const {
  return prepare_passes(choices);
}

std::vector<Pass> TfliteTarget::legalise(const Choices& choices) const {
  return legalise_passes(choices);
}

Result<Artifact> TfliteTarget::write(const WriteRequest& request) const {
  FERRYMAN_TRY(Lowered lowered, lower_or_refuse(request));
  request.finished("lower");
  fuse_activations(lowered);
  rename_ports(lowered.model, request.input_names, request.output_names);
  name_tensors(lowered.model, request.graph, request.parameters);
  lowered.model.description = request.description;
  request.finished("polish");
  if (!request.path.empty()) {
    FERRYMAN_TRY_STATUS(write_tflite(lowered.model, request.path));
    request.finished("write");
  }
  return to_artifact(std::move(lowered), request.graph.symbols());
}

}  // namespace ferryman::tflite
