#include "targets/keras/target.h"

#include <fmt/format.h>

#include <utility>

#include "targets/keras/format/write.h"
#include "targets/keras/legalise/legalise.h"
#include "targets/keras/lower/lower.h"
#include "targets/keras/lower/lower_table.h"

namespace ferryman::keras {

std::vector<layout::Form> KerasContract::forms(const Graph& graph, OpId id) const {
  const LoweringRow* row = find_lowering(*graph.op(id).def);
  if (row == nullptr || row->forms == nullptr) return {};
  return row->forms(graph, id);
}

std::vector<Pass> KerasTarget::prepare(const Choices& choices) const {
  return prepare_passes(choices);
}

std::vector<Pass> KerasTarget::legalise(const Choices& choices) const {
  return legalise_passes(choices);
}

namespace {

// Python's recursion goes 1000 calls deep; some are the user's own.
constexpr int kMaxChain = 900;

Status require_loadable(const Model& model) {
  const int length = length_of_chain(model);
  if (length <= kMaxChain) return {};
  return Diag::error(DiagCode::kNotOnTarget,
                     fmt::format("{} operations, one after the other", length))
      .because("Keras follows them by recursion, which Python ends after 1000 calls")
      .hint("split the model, or take fewer steps");
}

}  // namespace

Result<Artifact> KerasTarget::write(const WriteRequest& request) const {
  FERRYMAN_TRY(Lowered lowered, lower_to_keras(request));
  FERRYMAN_TRY_STATUS(require_loadable(lowered.model));
  request.finished("lower");
  if (!request.path.empty()) {
    FERRYMAN_TRY_STATUS(write_keras(lowered.model, lowered.artifact.weights, request.path));
    request.finished("write");
  }
  lowered.artifact.runtime_name = "Keras";
  lowered.artifact.runtime = std::string(kKerasVersion);
  return std::move(lowered.artifact);
}

}  // namespace ferryman::keras
