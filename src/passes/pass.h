// Passes over the core IR, and the manager that runs a list of them.
//
//   const std::vector<Pass> passes = simplify_passes();
//   FERRYMAN_TRY(const PassReport report, run_passes(graph, passes, options, diagnostics));
//
// Invariants: a pass that fails has said why in its diagnostic, and the graph is then not used any
// further; a name stands for one pass, which a list may run several times, and equals the name of
// the function in the source that makes it, so what --print-after shows can be searched for. A pass
// sees one graph and is run on each body by itself, those inside first; it may change what a body
// computes on the way, but not the types of its inputs and outputs unless it says so. It may be
// left out unless it says why not: without it the file is larger or slower, and no more.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

enum class Changed : uint8_t { kNo, kYes };

constexpr Changed operator|(Changed a, Changed b) {
  return a == Changed::kYes ? a : b;
}

// What a pass may use beside the graph.
struct PassContext {
  Diagnostics& diagnostics;  // remarks: fused, not fused and why
};

struct Pass {
  std::string_view name;
  std::string_view purpose;  // one line, for lists of passes
  std::function<Result<Changed>(Graph&, PassContext&)> run;
  std::string_view needed = {};  // why it cannot be left out; empty: it can

  bool is_optional() const { return needed.empty(); }
};

// The pass as one that cannot be left out.
Pass needed_because(std::string_view why, Pass pass);

// Whether the graph is verified after each pass, which costs about as much as the passes.
enum class VerifyEach : uint8_t { kNo, kYes };
#ifdef NDEBUG
constexpr VerifyEach kVerifyByBuild = VerifyEach::kNo;
#else
constexpr VerifyEach kVerifyByBuild = VerifyEach::kYes;
#endif

// Stands for all optional passes, or in `print_after` for all that changed something.
constexpr std::string_view kAllPasses = "*";

struct PassOptions {
  std::vector<std::string> disabled;
  // `print` is called after a pass whose name is in `print_after`.
  std::vector<std::string> print_after;
  std::function<void(std::string_view pass, const Graph&)> print;
  VerifyEach verify = kVerifyByBuild;
};

struct PassTiming {
  std::string_view pass;
  double seconds = 0;
  Changed changed = Changed::kNo;
};

struct PassReport {
  std::vector<PassTiming> timings;  // in the order of execution; disabled passes are absent
  Changed changed = Changed::kNo;
};

// Refuses a name in the options that none of `all` has, and a disabled pass that is needed.
Status check_pass_names(std::span<const Pass> all, const PassOptions& options);

// Fails with what the first failing pass says or, when verifying, with an internal error that names
// the pass after which the graph was wrong. Names in the options that the list lacks are of passes
// that run elsewhere.
Result<PassReport> run_passes(Graph& graph, std::span<const Pass> passes,
                              const PassOptions& options, Diagnostics& diagnostics);

}  // namespace ferryman
