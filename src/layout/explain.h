// Why a copy is there: the kernels and boundaries on both sides that force it, and which end of the
// graph, if released, would remove it. Such a hint is checked by solving again.
//
//   const Planning planning = run_planning(graph, contract, io);
//   const LayoutPlan plan = write_plan(graph, io, planning);
//   for (const CopyExplanation& copy : explain_copies(graph, io, planning, plan))
//     reasons.push_back(describe(graph, copy));
#pragma once

#include <vector>

#include "layout/plan.h"
#include "layout/planning.h"
#include "support/diagnostic.h"

namespace ferryman::layout {

// What asks for an order of memory and cannot be talked out of it.
struct Anchor {
  enum class Kind : uint8_t { kOp, kInput, kOutput, kState };
  Kind kind = Kind::kOp;
  OpId op;           // kOp
  size_t index = 0;  // kInput, kOutput: number among the graph's
  bool operator==(const Anchor&) const = default;
};

struct CopyExplanation {
  LayoutCopy copy;
  std::vector<Anchor> from_side;  // nearest first; at most kMaxAnchors on each side
  std::vector<Anchor> to_side;
  // Inputs and outputs each of which, released, would save bytes and this copy.
  std::vector<Anchor> releases;
};

constexpr size_t kMaxAnchors = 3;
// Ends of the graph whose release is tried: so many, and in large graphs fewer. Others give no
// hints.
constexpr size_t kMaxReplans = 16;
constexpr size_t kMaxReplannedOps = 20'000;

// One for each copy of the plan, in its order.
std::vector<CopyExplanation> explain_copies(const Graph& graph, const IoLayouts& io,
                                            const Planning& planning, const LayoutPlan& plan);

// What the user calls the ends of the graph; empty: as the graph does.
struct EndNames {
  std::vector<std::string> inputs, outputs;
};

// "[1, 8, 8, 4] for features.0 (conv), [1, 4, 8, 8] for output 'y'; with another layout of output
// 'y' there would be none"
std::string describe(const Graph& graph, const CopyExplanation& explanation, const EndNames& names);

}  // namespace ferryman::layout
