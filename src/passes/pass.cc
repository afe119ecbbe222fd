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

Status check_names(std::span<const Pass> passes, const std::vector<std::string>& list,
                   std::string_view option) {
  for (const std::string& name : list) {
    if (name == "*") continue;
    const bool known = std::any_of(passes.begin(), passes.end(),
                                   [&](const Pass& pass) { return pass.name == name; });
    if (known) continue;
    std::string all;
    for (const Pass& pass : passes) all += fmt::format("{}{}", all.empty() ? "" : ", ", pass.name);
    return Diag::error(DiagCode::kBadOption, fmt::format("{}: there is no pass '{}'", option, name))
        .hint("the passes are " + all);
  }
  return {};
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
  const bool any = names(options.print_after, "*") && timing.changed == Changed::kYes;
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

Result<PassReport> run_passes(Graph& graph, std::span<const Pass> passes,
                              const PassOptions& options, Diagnostics& diagnostics) {
  using Clock = std::chrono::steady_clock;
  FERRYMAN_TRY_STATUS(check_names(passes, options.disabled, "disable-pass"));
  FERRYMAN_TRY_STATUS(check_names(passes, options.print_after, "print-after"));
  PassContext context{diagnostics};
  PassReport report;
  for (const Pass& pass : passes) {
    if (names(options.disabled, pass.name)) continue;
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
