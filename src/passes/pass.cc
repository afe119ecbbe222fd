#include "passes/pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "ir/verify.h"

namespace ferryman {

namespace {

bool names(const std::vector<std::string>& list, std::string_view pass) {
  return std::find(list.begin(), list.end(), pass) != list.end();
}

const Pass* find_pass(std::span<const Pass> passes, std::string_view name) {
  const auto found = std::find_if(passes.begin(), passes.end(),
                                  [&](const Pass& pass) { return pass.name == name; });
  return found == passes.end() ? nullptr : &*found;
}

Diag unknown_pass(std::span<const Pass> all, std::string_view option, std::string_view name) {
  std::string known;
  for (const Pass& pass : all) known += fmt::format("{}{}", known.empty() ? "" : ", ", pass.name);
  return Diag::error(DiagCode::kBadOption, fmt::format("{}: there is no pass '{}'", option, name))
      .hint("the passes are " + known);
}

bool is_disabled(const Pass& pass, const PassOptions& options) {
  if (!pass.is_optional()) return false;
  return names(options.disabled, kAllPasses) || names(options.disabled, pass.name);
}

Status verify_after(const Graph& graph, std::string_view pass) {
  const Diagnostics problems = verify_graph(graph);
  if (!problems.has_errors()) return {};
  return Diag::error(DiagCode::kInternal, fmt::format("the graph is wrong after pass '{}': {}",
                                                      pass, problems.all().front().what));
}

void print_after(const Graph& graph, const PassTiming& timing, const PassOptions& options) {
  if (options.print == nullptr) return;
  const bool named = names(options.print_after, timing.pass);
  const bool any = names(options.print_after, kAllPasses) && timing.changed == Changed::kYes;
  if (named || any) options.print(timing.pass, graph);
}

// In bodies first: what becomes of them is seen by the graph around.
Result<Changed> run_in_bodies_too(const Pass& pass, Graph& graph, PassContext& context) {
  Changed changed = Changed::kNo;
  for (const BodyId body : live_bodies(graph)) {
    FERRYMAN_TRY(const Changed inside, run_in_bodies_too(pass, graph.body(body), context));
    changed = changed | inside;
  }
  FERRYMAN_TRY(const Changed here, pass.run(graph, context));
  return changed | here;
}

}  // namespace

Pass needed_because(std::string_view why, Pass pass) {
  pass.needed = why;
  return pass;
}

Status check_pass_names(std::span<const Pass> all, const PassOptions& options) {
  for (const std::string& name : options.disabled) {
    if (name == kAllPasses) continue;
    const Pass* pass = find_pass(all, name);
    if (pass == nullptr) return unknown_pass(all, "disable-pass", name);
    if (pass->is_optional()) continue;
    return Diag::error(DiagCode::kBadOption,
                       fmt::format("disable-pass: '{}' cannot be left out", name))
        .because(std::string(pass->needed));
  }
  for (const std::string& name : options.print_after) {
    const bool known = name == kAllPasses || find_pass(all, name) != nullptr;
    if (!known) return unknown_pass(all, "print-after", name);
  }
  return {};
}

Result<PassReport> run_passes(Graph& graph, std::span<const Pass> passes,
                              const PassOptions& options, Diagnostics& diagnostics) {
  using Clock = std::chrono::steady_clock;
  PassContext context{diagnostics};
  PassReport report;
  for (const Pass& pass : passes) {
    if (is_disabled(pass, options)) continue;
    const Clock::time_point start = Clock::now();
    FERRYMAN_TRY(const Changed changed, run_in_bodies_too(pass, graph, context));
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    report.timings.push_back({pass.name, elapsed.count(), changed});
    report.changed = report.changed | changed;
    print_after(graph, report.timings.back(), options);
    if (options.verify == VerifyEach::kYes) FERRYMAN_TRY_STATUS(verify_after(graph, pass.name));
  }
  return report;
}

}  // namespace ferryman
