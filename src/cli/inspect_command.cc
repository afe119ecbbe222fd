#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>

#include "cli/command.h"
#include "frontend/pt2/read_pt2.h"
#include "support/json_text.h"
#include "targets/tflite/format/print.h"
#include "targets/tflite/format/read.h"
#include "targets/tflite/runtime/runtime_version.h"

namespace ferryman::cli {

namespace {

using Counts = std::map<std::string, int64_t>;

std::string json_counts(const Counts& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", json_quote(name), count);
  }
  return "{" + text + "}";
}

void print_counts(const Counts& counts) {
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [name, count] : sorted) fmt::print("  {:>5}  {}\n", count, name);
}

// With those of branches and loops.
Counts count_ops(const frontend::Program& program) {
  Counts ops;
  for (const frontend::Node& node : program.nodes) ++ops[node.target];
  for (const frontend::Subgraph& body : program.subgraphs) {
    for (const frontend::Node& node : body.nodes) ++ops[node.target];
  }
  return ops;
}

ExitStatus inspect_program(const frontend::Program& program, Format format) {
  const Counts ops = count_ops(program);
  const int64_t nodes =
      std::accumulate(ops.begin(), ops.end(), int64_t{0},
                      [](int64_t sum, const auto& op) { return sum + op.second; });
  if (format == Format::kJson) {
    fmt::print("{{\"kind\": \"pt2\", \"torch\": {}, \"nodes\": {}, \"ops\": {}}}\n",
               json_quote(program.torch_version), nodes, json_counts(ops));
    return ExitStatus::kDone;
  }
  fmt::print("{}", frontend::print_program(program));
  fmt::print("\n{} nodes, exported by torch {}\n", nodes, program.torch_version);
  print_counts(ops);
  return ExitStatus::kDone;
}

std::string json_runtime(const tflite::Model& model) {
  const tflite::RuntimeNeed need = tflite::runtime_need(model);
  std::string operators;
  for (const std::string& op : need.operators) {
    operators += (operators.empty() ? "" : ", ") + json_quote(op);
  }
  return fmt::format(R"({{"oldest": {}, "operators": [{}]}})", json_quote(to_string(need.release)),
                     operators);
}

ExitStatus inspect_model(const tflite::Model& model, Format format) {
  Counts ops;
  for (const tflite::Subgraph& graph : model.subgraphs) {
    for (const tflite::Operator& op : graph.operators) ++ops[std::string(tflite::to_string(op.op))];
  }
  if (format == Format::kJson) {
    fmt::print("{{\"kind\": \"tflite\", \"description\": {}, \"ops\": {}, \"runtime\": {}}}\n",
               json_quote(model.description), json_counts(ops), json_runtime(model));
    return ExitStatus::kDone;
  }
  fmt::print("{}", tflite::print_model(model));
  print_counts(ops);
  return ExitStatus::kDone;
}

}  // namespace

ExitStatus run_inspect(const std::string& path, Format format) {
  Result<BlobRef> file = map_file(path);
  if (!file.ok()) return report_error(file.diag(), format);
  if (path.ends_with(".tflite")) {
    Result<tflite::Model> model = tflite::read_tflite(*file);
    return model.ok() ? inspect_model(*model, format) : report_error(model.diag(), format);
  }
  Result<frontend::Program> program = frontend::read_pt2(*file);
  return program.ok() ? inspect_program(*program, format) : report_error(program.diag(), format);
}

}  // namespace ferryman::cli
