#include <fmt/format.h>
#include <simdjson.h>

#include <string>

#include "ops/attrs.h"
#include "ops/foreign/foreign.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

namespace {

// The operator that stands for a model of Keras, "ferryman.keras_model", whose argument "key" says
// which.
constexpr std::string_view kModelOperator = "keras_model";

std::string key_of(const std::string& code) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view key;
  const bool has_key = parser.parse(simdjson::padded_string(code)).get(root) == simdjson::SUCCESS &&
                       root["arguments"]["key"].get(key) == simdjson::SUCCESS;
  return has_key ? std::string(key) : std::string();
}

}  // namespace

std::optional<Limit> foreign_limit(const Graph&, const Op& op) {
  const std::string name = foreign_name(op.attr(attr::kCode));
  if (name == kModelOperator) return std::nullopt;
  return Limit{fmt::format("'{}' has no Keras form", name),
               "it names an operator of another target (tfl_…: of TFLite)",
               "convert for that target, or give Keras a converter of its own: "
               "@ferryman.converter(…, target=\"keras\")"};
}

void lower_foreign(LowerOp& op) {
  std::vector<TensorIndex> inputs;
  for (size_t i = 0; i < op.num_operands(); ++i) inputs.push_back(op.operand(i));
  std::vector<TensorSpec> results;
  for (size_t i = 0; i < op.op().results.size(); ++i) results.push_back(op.result_spec(i));
  const std::vector<TensorIndex> made =
      op.builder().foreign_model(key_of(op.attr(attr::kCode)), std::move(inputs), results);
  for (size_t i = 0; i < made.size(); ++i) op.finish_result(i, made[i]);
}

}  // namespace ferryman::keras
