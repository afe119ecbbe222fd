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
                                   std::vector<Placement> placements, const Subgraph& main) {
  std::vector<ArtifactPort> ports;
  for (size_t i = 0; i < names.size(); ++i) {
    const Tensor& tensor = main.tensor(names[i].tensor);
    ports.push_back(
        {names[i].name, std::move(placements[i]), tensor.shape, dtype_name(tensor.type.code)});
  }
  return ports;
}

Artifact to_artifact(Lowered lowered) {
  const Model& model = lowered.model;
  const Signature& signature = model.signatures.front();
  const Subgraph& main = model.subgraphs.front();
  Artifact artifact;
  artifact.inputs = ports_of(signature.inputs, std::move(lowered.placements.inputs), main);
  artifact.outputs = ports_of(signature.outputs, std::move(lowered.placements.outputs), main);
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
  artifact.runtime = to_string(need.release);
  artifact.runtime_operators = std::move(need.operators);
  return artifact;
}

}  // namespace

std::vector<Pass> TfliteTarget::prepare(const Choices& choices) const {
  return prepare_passes(choices);
}

std::vector<Pass> TfliteTarget::legalise(const Choices& choices) const {
  return legalise_passes(choices);
}

Result<Artifact> TfliteTarget::write(const WriteRequest& request) const {
  Lowered lowered = lower_to_tflite(request.graph, request.plan);
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
  return to_artifact(std::move(lowered));
}

}  // namespace ferryman::tflite
