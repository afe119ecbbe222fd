#include "driver/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "support/diagnostic_json.h"
#include "support/json_text.h"

namespace ferryman {

namespace {

// Counts what breaks readers: a field that goes or means something else, not one that comes.
constexpr int kVersion = 1;

template <typename List, typename ToText>
std::string json_list(const List& list, ToText to_text) {
  std::string text = "[";
  for (const auto& item : list) {
    if (text.size() > 1) text += ", ";
    text += to_text(item);
  }
  return text + "]";
}

std::string_view to_string(ComplexPart part) {
  switch (part) {
    case ComplexPart::kNone:
      return "";
    case ComplexPart::kReal:
      return "real";
    case ComplexPart::kImag:
      return "imag";
    case ComplexPart::kPair:
      return "pair";
  }
  return "";
}

std::string_view to_string(NanForm nan) {
  switch (nan) {
    case NanForm::kFast:
      return "fast";
    case NanForm::kExact:
      return "exact";
  }
  return "";
}

std::string placement_fields(const Placement& placement, ComplexPart part = ComplexPart::kNone) {
  return fmt::format(R"("tensor": {}, "part": "{}", "factors": [{}], "perm": [{}])",
                     placement.tensor, to_string(part), fmt::join(placement.factors, ", "),
                     fmt::join(placement.perm, ", "));
}

std::string json_part(const PartPlacement& part) {
  return "{" + placement_fields(part.placement, part.part) + "}";
}

std::string json_port(const PortReport& report) {
  return fmt::format(R"({{"index": {}, "name": {}, "shape": [{}], "dtype": "{}", {}}})",
                     report.index, json_quote(report.port.name), fmt::join(report.port.shape, ", "),
                     report.port.dtype, placement_fields(report.port.placement, report.part));
}

std::string json_node(const NodeReport& node) {
  return fmt::format(
      R"({{"node": {}, "target": {}, "type": {}, "location": {}, "ops": {}, "fused_into": {}, "parts": {}, {}}})",
      json_quote(node.node), json_quote(node.target), json_quote(node.type), to_json(node.location),
      json_list(node.ops, json_quote), json_quote(node.fused_into),
      json_list(node.parts, json_part), placement_fields(node.placement));
}

std::string json_body(const BodyReport& body) {
  return fmt::format(R"({{"name": {}, "file": {}, "inputs": {}, "nodes": {}}})",
                     json_quote(body.name), json_quote(body.file),
                     json_list(body.inputs, json_port), json_list(body.nodes, json_node));
}

std::string json_stage(const StageTime& stage) {
  return fmt::format(R"({{"name": {}, "seconds": {:.9f}}})", json_quote(stage.name), stage.seconds);
}

std::string json_transpose(const TransposeReport& transpose) {
  return fmt::format(R"({{"reason": {}, "bytes": {}, "node": {}}})", json_quote(transpose.reason),
                     transpose.bytes, json_quote(transpose.node));
}

std::string json_ops(const std::map<std::string, int64_t>& ops) {
  std::string text;
  for (const auto& [name, count] : ops) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", json_quote(name), count);
  }
  return "{" + text + "}";
}

}  // namespace

std::string to_json(const ConvertReport& report) {
  return fmt::format(
      R"({{"version": {}, "inputs": {}, "outputs": {}, "nodes": {}, "bodies": {}, )"
      R"("stages": {}, "ops": {}, )"
      R"("runtime": {{"oldest": {}, "operators": {}}}, "file_bytes": {}, )"
      R"("layout": {{"bytes_moved": {}, "lower_bound": {}, "optimal": {}, "transposes": {}}}, )"
      R"("nan": "{}", "remarks": {}}})",
      kVersion, json_list(report.inputs, json_port), json_list(report.outputs, json_port),
      json_list(report.nodes, json_node), json_list(report.bodies, json_body),
      json_list(report.stages, json_stage), json_ops(report.ops), json_quote(report.runtime),
      json_list(report.runtime_operators, json_quote), report.file_bytes, report.bytes_moved,
      report.lower_bound, report.optimal, json_list(report.transposes, json_transpose),
      to_string(report.nan), to_json(report.remarks));
}

}  // namespace ferryman
