// Passes over the core IR, and the manager that runs a list of them.
//
//   const std::vector<Pass> passes = simplify_passes();
//   FERRYMAN_TRY(const PassReport report, run_passes(graph, passes, options, diagnostics));
//
// Invariants: a pass that fails has said why in its diagnostic, and the graph is then not used any
// further; a name stands for one pass, which a list may run several times, and equals the name of
// the function in the source that makes it, so what --print-after shows can be searched for. A pass
// sees one graph and is run on each body by itself, those inside first; it may change what a body
// computes on the way, but not the types of its inputs and outputs unless it says so.
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
  std::string_view purpose;  // one line, for --list-passes
  std::function<Result<Changed>(Graph&, PassContext&)> run;
};

enum class VerifyEach : uint8_t { kNo, kYes };

struct PassOptions {
  std::vector<std::string> disabled;
  // Called after a pass whose name is in `print_after`; "*" names all that changed something.
  std::vector<std::string> print_after;
  std::function<void(std::string_view pass, const Graph&)> print;
  VerifyEach verify = VerifyEach::kNo;
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

// Fails with what the first failing pass says, with a name in the options that no pass has, or,
// when verifying, with an internal error that names the pass after which the graph was wrong.
Result<PassReport> run_passes(Graph& graph, std::span<const Pass> passes,
                              const PassOptions& options, Diagnostics& diagnostics);

}  // namespace ferryman
