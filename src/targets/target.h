// What the compiler asks of a target. The flow, from a program to a file, is the driver's
// (driver/convert.cc); a target says in which ops it can express a graph, in which orders of axes
// its kernels take them, and writes the file.
//
//   const Target* target = find_target("tflite");                  // targets.h
//   run_passes(graph, target->prepare(choices), …);                // then simplify
//   run_passes(graph, target->legalise(choices), …);
//   const layout::LayoutPlan plan = layout::plan_layout(graph, target->contract(), io);
//   FERRYMAN_TRY(const Artifact artifact, target->write({.graph = graph, .plan = plan, …}));
//
// Invariant: after legalise without errors, write() fails over the file system alone.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "layout/contract.h"
#include "layout/plan.h"
#include "passes/choices.h"
#include "passes/pass.h"
#include "targets/artifact.h"

namespace ferryman {

struct WriteRequest {
  const Graph& graph;
  const layout::LayoutPlan& plan;
  std::string path = {};  // empty: nothing is written, only told
  // Of inputs and outputs in the file, in order; empty: those of the graph.
  std::vector<std::string> input_names = {};
  std::vector<std::string> output_names = {};
  // Weights that the user knows by name, and those of them that training leaves as they are.
  std::vector<std::string> parameters = {};
  std::vector<std::string> frozen = {};
  std::string description = {};
  // Paths of modules that are to be models inside of the model; "*": all. Of targets that can nest.
  std::vector<std::string> nested = {};
  // Told after each step, for its time in the report.
  std::function<void(std::string step)> finished = [](const std::string&) {};

  const std::string& input_name(size_t i) const {
    return input_names.empty() ? graph.value(graph.inputs()[i]).name : input_names[i];
  }
  const std::string& output_name(size_t i) const {
    return output_names.empty() ? graph.outputs()[i].name : output_names[i];
  }
};

class Target {
 public:
  virtual ~Target() = default;
  // As users spell it.
  virtual std::string_view name() const = 0;
  // What its files' names end in: ".tflite".
  virtual std::string_view suffix() const = 0;
  // Whether its files are models that training goes on with: then parameters are values of their
  // own in the graph, which nothing is computed with before the file is written.
  virtual bool trains_parameters() const { return false; }
  // Whether its files may keep what forward writes to buffers between calls: otherwise these are
  // inputs and outputs.
  virtual bool has_variables() const { return true; }
  // Whether modules may be models inside of the file's.
  virtual bool can_nest() const { return false; }
  // Before the graph is simplified: what fusions have to find, or must not be computed.
  virtual std::vector<Pass> prepare(const Choices& choices) const = 0;
  // Every op in a form that the target has; what remains without one is an error, all at once.
  virtual std::vector<Pass> legalise(const Choices& choices) const = 0;
  virtual const layout::TargetContract& contract() const = 0;
  // The file appears complete or not at all.
  virtual Result<Artifact> write(const WriteRequest& request) const = 0;
};

}  // namespace ferryman
