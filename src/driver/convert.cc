#include "driver/convert.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "driver/ports.h"
#include "driver/trace.h"
#include "frontend/drop_input_writes.h"
#include "frontend/functionalise.h"
#include "frontend/nan_question.h"
#include "frontend/translate.h"
#include "ops/families.h"
#include "passes/simplify.h"
#include "support/check.h"
#include "target/tflite/contract.h"
#include "target/tflite/legalise.h"
#include "target/tflite/name_tensors.h"
#include "target/tflite/polish.h"
#include "target/tflite/write.h"

namespace ferryman {

namespace {

class Stopwatch {
 public:
  explicit Stopwatch(std::vector<StageTime>& stages) : stages_(stages) {}
  void finish(std::string stage) {
    const Clock::time_point now = Clock::now();
    stages_.push_back({std::move(stage), std::chrono::duration<double>(now - start_).count()});
    start_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<StageTime>& stages_;
  Clock::time_point start_ = Clock::now();
};

// Until a target lowers state, a write to a buffer must not be lost.
Status refuse_state(const Graph& graph) {
  if (graph.state_updates().empty()) return {};
  std::string names;
  for (const StateUpdate& update : graph.state_updates()) {
    names += (names.empty() ? "'" : ", '") + graph.value(update.state).name + "'";
  }
  return Diag::error(DiagCode::kUnsupportedState,
                     fmt::format("the model writes to its buffers {}", names))
      .because("a TFLite file would forget the new value after each call")
      .hint(
          "return the new value from forward and pass it in again, or stop writing to the buffer");
}

struct PassStage {
  std::string name;
  std::vector<Pass> passes;
};

// Tests set it, so that each conversion in any process verifies the graph after each pass.
bool verifies_each_pass() {
  const char* setting = std::getenv("FERRYMAN_VERIFY_EACH");
  return setting != nullptr && std::string_view(setting) == "1";
}

std::vector<std::string> parameter_names(const frontend::Program& program) {
  std::vector<std::string> names;
  for (const frontend::Input& input : program.inputs) {
    if (input.data.has_value()) names.push_back(input.name);
  }
  return names;
}

class Converter {
 public:
  Converter(const ConvertOptions& options, const std::string& output_path)
      : options_(options), output_path_(output_path), stopwatch_(report_.stages) {
    add_all_ops(ops_);
    stopwatch_.finish("op table");
  }

  Conversion run(frontend::Program program) {
    const Status status = try_run(std::move(program));
    if (!status.ok()) diagnostics_.add(status.diag());
    if (diagnostics_.has_errors()) return {std::nullopt, std::move(diagnostics_)};
    report_.remarks = diagnostics_;
    return {std::move(report_), std::move(diagnostics_)};
  }

 private:
  // Ends early where errors were collected: they say why.
  Status try_run(frontend::Program program) {
    std::optional<frontend::Program> functional =
        frontend::functionalise(std::move(program), diagnostics_);
    stopwatch_.finish("functionalise");
    if (!functional.has_value()) return {};
    functional = frontend::drop_input_writes(std::move(*functional), diagnostics_);
    Result<Graph> graph = frontend::translate(*functional, ops_, diagnostics_);
    stopwatch_.finish("translate");
    if (!graph.ok()) return {};
    FERRYMAN_TRY_STATUS(refuse_state(*graph));
    FERRYMAN_TRY(const Ports ports, resolve_ports(*graph, options_, diagnostics_));
    FERRYMAN_TRY_STATUS(transform(*graph, nan_form(*functional)));
    if (diagnostics_.has_errors()) return {};
    return write(*graph, ports, *functional);
  }

  // What was asked for, or exactly where the model asks about NaN.
  tflite::NanForm nan_form(const frontend::Program& program) {
    const frontend::Node* question = frontend::find_nan_question(program);
    if (question == nullptr || options_.nan == tflite::NanForm::kExact) return options_.nan;
    diagnostics_.add(Diag::remark("nan_form", "NaN is treated as in PyTorch throughout")
                         .at(question->location)
                         .because("the model asks about it, with " + question->target));
    return tflite::NanForm::kExact;
  }

  Status transform(Graph& graph, tflite::NanForm nan) {
    const tflite::LegaliseOptions options = {.recurrent = options_.recurrent, .nan = nan};
    PassOptions passes = options_.passes;
    if (verifies_each_pass()) passes.verify = VerifyEach::kYes;
    report_.nan = nan;
    const PassStage stages[] = {{"prepare", tflite::prepare_passes(options)},
                                {"simplify", simplify_passes()},
                                {"legalise", tflite::legalise_passes(options)}};
    for (const PassStage& stage : stages) {
      FERRYMAN_TRY(const PassReport done, run_passes(graph, stage.passes, passes, diagnostics_));
      stopwatch_.finish(stage.name);
    }
    return {};
  }

  Status write(const Graph& graph, const Ports& ports, const frontend::Program& program) {
    const tflite::TfliteContract contract;
    const layout::LayoutPlan plan = plan_layout(graph, contract, ports.layouts);
    tflite::Lowered lowered = tflite::lower_to_tflite(graph, plan);
    stopwatch_.finish("lower");
    tflite::fuse_activations(lowered);
    tflite::rename_ports(lowered.model, ports.input_names, ports.output_names);
    tflite::name_tensors(lowered.model, graph, parameter_names(program));
    lowered.model.description = options_.description;
    stopwatch_.finish("polish");
    FERRYMAN_TRY_STATUS(tflite::write_tflite(lowered.model, output_path_));
    stopwatch_.finish("write");
    describe_file(lowered, graph, program, report_);
    FERRYMAN_TRY_STATUS(describe_bodies(graph, plan, program, options_.bodies_folder, report_));
    report_.file_bytes = static_cast<int64_t>(std::filesystem::file_size(output_path_));
    stopwatch_.finish("report");
    return {};
  }

  layout::LayoutPlan plan_layout(const Graph& graph, const layout::TargetContract& contract,
                                 const layout::IoLayouts& io) {
    const layout::Planning planning = layout::run_planning(graph, contract, io);
    layout::LayoutPlan plan = layout::write_plan(graph, io, planning);
    stopwatch_.finish("plan layout");
    describe_layout(graph, plan, layout::explain_copies(graph, io, planning, plan), report_);
    explain_bodies(graph, plan, contract);
    stopwatch_.finish("explain layout");
    return plan;
  }

  void explain_bodies(const Graph& graph, const layout::LayoutPlan& plan,
                      const layout::TargetContract& contract) {
    for (const BodyId id : live_bodies(graph)) {
      const Graph& body = graph.body(id);
      const auto& [io, inside] = *plan.bodies[id.index];
      const layout::Planning planning = layout::run_planning(body, contract, io);
      describe_copies(body, layout::explain_copies(body, io, planning, inside), report_);
      explain_bodies(body, inside, contract);
    }
  }

  const ConvertOptions& options_;
  const std::string& output_path_;
  Ops ops_;
  ConvertReport report_;
  Diagnostics diagnostics_;
  Stopwatch stopwatch_;
};

}  // namespace

Conversion convert(frontend::Program program, const ConvertOptions& options,
                   const std::string& output_path) {
  return Converter(options, output_path).run(std::move(program));
}

}  // namespace ferryman
