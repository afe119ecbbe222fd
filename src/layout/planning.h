// Everything that planning found out, for those who want to know why (explain.h).
//
//   const Planning planning = run_planning(graph, contract, io);
//   const LayoutPlan plan = write_plan(graph, io, planning);
#pragma once

#include "layout/bodies.h"
#include "layout/model.h"
#include "layout/solve/solve.h"

namespace ferryman::layout {

struct Planning {
  Model model;
  Problem problem;
  Solution solution;

  const ModelMode& chosen_mode(size_t op) const {
    return model.ops[op].modes[static_cast<size_t>(solution.modes[op])];
  }
};

Planning run_planning(const Graph& graph, const TargetContract& contract, const IoLayouts& io);
// The same, where bodies may have been planned already.
Planning run_planning(const Graph& graph, const TargetContract& contract, const IoLayouts& io,
                      BodyPlanner& bodies);
LayoutPlan write_plan(const Graph& graph, const IoLayouts& io, const Planning& planning);

}  // namespace ferryman::layout
