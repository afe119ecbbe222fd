#include "targets/tflite/named/without_custom.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/blob.h"
#include "targets/tflite/format/read.h"
#include "targets/tflite/format/write.h"

namespace ferryman::tflite {

namespace {

bool is_custom(const Operator& op) {
  return op.op == Op::kCustom;
}

std::string name_of(const Operator& op) {
  const auto* options = op.options.get_if<CustomOptions>();
  return options == nullptr ? std::string() : options->name;
}

Status check_called_graphs(const Model& model) {
  for (size_t i = 1; i < model.subgraphs.size(); ++i) {
    const Subgraph& called = model.subgraphs[i];
    const auto found = std::find_if(called.operators.begin(), called.operators.end(), is_custom);
    if (found == called.operators.end()) continue;
    return Diag::error(DiagCode::kNotOnTarget,
                       fmt::format("custom operator '{}' stands in the branch or loop '{}'",
                                   name_of(*found), called.name))
        .because(
            "LiteRT here has no kernel for it, and what a branch or loop computes cannot be "
            "given to it from outside")
        .hint("convert with verify=False, and check the file where the operator runs");
  }
  return {};
}

std::vector<FedTensor> results_of_custom(const Subgraph& graph) {
  std::vector<FedTensor> results;
  for (const Operator& op : graph.operators) {
    if (!is_custom(op)) continue;
    for (const TensorIndex output : op.outputs) results.push_back({output, name_of(op)});
  }
  return results;
}

}  // namespace

Result<std::vector<FedTensor>> write_without_custom(const std::string& path,
                                                    const std::string& output_path) {
  FERRYMAN_TRY(const BlobRef file, map_file(path));
  FERRYMAN_TRY(Model model, read_tflite(file));
  FERRYMAN_TRY_STATUS(check_called_graphs(model));
  Subgraph& main = model.subgraphs.front();
  std::vector<FedTensor> fed = results_of_custom(main);
  if (fed.empty()) return fed;
  std::erase_if(main.operators, is_custom);
  for (const FedTensor& one : fed) {
    main.inputs.push_back(one.tensor);
    const std::string alias = fmt::format("fed_{}", one.tensor);
    for (Signature& signature : model.signatures)
      if (signature.subgraph == 0) signature.inputs.push_back({alias, one.tensor});
  }
  FERRYMAN_TRY_STATUS(write_tflite(model, output_path));
  return fed;
}

}  // namespace ferryman::tflite
