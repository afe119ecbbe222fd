#include "driver/convert.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "driver/ports.h"
#include "driver/trace.h"
#include "frontend/functionalise/drop_input_writes.h"
#include "frontend/functionalise/functionalise.h"
#include "frontend/functionalise/nan_question.h"
#include "frontend/functionalise/state_as_ports.h"
#include "frontend/translate/translate.h"
#include "ops/families.h"
#include "passes/simplify.h"
#include "support/check.h"
#include "targets/targets.h"

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

std::vector<std::string> frozen_names(const frontend::Program& program) {
  std::vector<std::string> names;
  for (const frontend::Input& input : program.inputs) {
    if (input.data.has_value() && !input.requires_grad) names.push_back(input.name);
  }
  return names;
}

class Converter {
 public:
  Converter(const Target& target, const ConvertOptions& options, const std::string& output_path)
      : target_(target), options_(options), output_path_(output_path), stopwatch_(report_.stages) {
    add_all_ops(ops_);
    stopwatch_.finish("op table");
  }

  Conversion run(frontend::Program program) {
    const Status status = run_or_refuse(std::move(program));
    if (!status.ok()) diagnostics_.add(status.diag());
    if (diagnostics_.has_errors()) return {std::nullopt, std::move(diagnostics_)};
    report_.remarks = diagnostics_;
    return {std::move(report_), std::move(diagnostics_)};
  }

 private:
  // A pass may need a size as a number that is free.
  Status run_or_refuse(frontend::Program program) {
    try {
      return try_run(std::move(program));
    } catch (const SizeError& error) {
      return Diag::error(DiagCode::kUnsupportedForm, error.what())
          .hint("give fewer axes a free size in dynamic_shapes");
    }
  }

  // Ends early where errors were collected: they say why.
  Status try_run(frontend::Program program) {
    if (!options_.nested.empty() && !target_.can_nest())
      return bad_option(fmt::format("nested modules in {}", target_.name()))
          .because("models of Keras alone have models inside");
    std::optional<frontend::Program> functional =
        frontend::functionalise(std::move(program), diagnostics_);
    stopwatch_.finish("functionalise");
    if (!functional.has_value()) return {};
    functional = frontend::drop_input_writes(std::move(*functional), diagnostics_);
    if (options_.choices.state == StateForm::kExplicit || !target_.has_variables())
      functional = frontend::state_as_ports(std::move(*functional), diagnostics_);
    const auto parameters = target_.trains_parameters() ? frontend::Parameters::kTrained
                                                        : frontend::Parameters::kConstant;
    Result<Graph> graph = frontend::translate(*functional, ops_, diagnostics_, parameters);
    stopwatch_.finish("translate");
    if (!graph.ok()) return {};
    FERRYMAN_TRY(const Ports ports, resolve_ports(*graph, options_, diagnostics_));
    FERRYMAN_TRY_STATUS(transform(*graph, nan_form(*functional)));
    if (diagnostics_.has_errors()) return {};
    return write(*graph, ports, *functional);
  }

  // What was asked for, or exactly where the model asks about NaN.
  NanForm nan_form(const frontend::Program& program) {
    const frontend::Node* question = frontend::find_nan_question(program);
    if (question == nullptr || options_.choices.nan == NanForm::kExact) return options_.choices.nan;
    diagnostics_.add(Diag::remark("nan_form", "NaN is treated as in PyTorch throughout")
                         .at(question->location)
                         .because("the model asks about it, with " + question->target));
    return NanForm::kExact;
  }

  Status transform(Graph& graph, NanForm nan) {
    Choices choices = options_.choices;
    choices.nan = nan;
    PassOptions passes = options_.passes;
    if (verifies_each_pass()) passes.verify = VerifyEach::kYes;
    report_.nan = nan;
    const PassStage stages[] = {{"prepare", target_.prepare(choices)},
                                {"simplify", simplify_passes()},
                                {"legalise", target_.legalise(choices)}};
    for (const PassStage& stage : stages) {
      FERRYMAN_TRY(const PassReport done, run_passes(graph, stage.passes, passes, diagnostics_));
      stopwatch_.finish(stage.name);
    }
    return {};
  }

  Status write(const Graph& graph, const Ports& ports, const frontend::Program& program) {
    const layout::LayoutPlan plan = plan_layout(graph, ports);
    const WriteRequest request = {
        .graph = graph,
        .plan = plan,
        .path = output_path_,
        .input_names = ports.input_names,
        .output_names = ports.output_names,
        .parameters = parameter_names(program),
        .frozen = frozen_names(program),
        .description = options_.description,
        .nested = options_.nested,
        .finished = [this](std::string step) { stopwatch_.finish(std::move(step)); }};
    FERRYMAN_TRY(const Artifact artifact, target_.write(request));
    for (const Diag& remark : artifact.remarks) diagnostics_.add(remark);
    describe_file(artifact, graph, program, report_);
    describe_sizes(graph.symbols(), program, report_);
    FERRYMAN_TRY_STATUS(
        describe_bodies(target_, graph, plan, program, options_.bodies_folder, report_));
    report_.file_bytes = static_cast<int64_t>(std::filesystem::file_size(output_path_));
    stopwatch_.finish("report");
    return {};
  }

  layout::LayoutPlan plan_layout(const Graph& graph, const Ports& ports) {
    const layout::IoLayouts& io = ports.layouts;
    const layout::Planning planning = layout::run_planning(graph, target_.contract(), io);
    layout::LayoutPlan plan = layout::write_plan(graph, io, planning);
    stopwatch_.finish("plan layout");
    describe_layout(plan, report_);
    const layout::EndNames names{ports.input_names, ports.output_names};
    describe_copies(graph, layout::explain_copies(graph, io, planning, plan), names, report_);
    explain_bodies(graph, plan);
    stopwatch_.finish("explain layout");
    return plan;
  }

  void explain_bodies(const Graph& graph, const layout::LayoutPlan& plan) {
    for (const BodyId id : live_bodies(graph)) {
      const Graph& body = graph.body(id);
      const auto& [io, inside] = *plan.bodies[id.index];
      const layout::Planning planning = layout::run_planning(body, target_.contract(), io);
      describe_copies(body, layout::explain_copies(body, io, planning, inside), {}, report_);
      explain_bodies(body, inside);
    }
  }

  const Target& target_;
  const ConvertOptions& options_;
  const std::string& output_path_;
  Ops ops_;
  ConvertReport report_;
  Diagnostics diagnostics_;
  Stopwatch stopwatch_;
};

}  // namespace

Conversion convert_to(const Target& target, frontend::Program program,
                      const ConvertOptions& options, const std::string& output_path) {
  return Converter(target, options, output_path).run(std::move(program));
}

Conversion convert(frontend::Program program, const ConvertOptions& options,
                   const std::string& output_path) {
  if (options.target.empty())
    return convert_to(target_of_path(output_path), std::move(program), options, output_path);
  const Result<const Target*> target = find_target(options.target);
  if (target.ok()) return convert_to(**target, std::move(program), options, output_path);
  Conversion refused;
  refused.diagnostics.add(target.diag());
  return refused;
}

}  // namespace ferryman
