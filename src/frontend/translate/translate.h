// From the functionalised Program to the core graph; after this stage there is no ATen.
//
//   Diagnostics diagnostics;
//   Result<Graph> graph = translate(program, ops, diagnostics);
//
// Weights become constants over the program's storages (shared, not copied) under their fully
// qualified names; a buffer that the program writes becomes state. Every value gets the name of its
// fx node. Nodes that nothing reads are dropped first, so they need not be supported.
//
// Invariants: either the graph computes what the program does, with exactly the types that torch
// recorded, or there is an error; no argument of a node is dropped in silence. All errors of a
// program are collected in `diagnostics` in one run; the returned one is the first of them.
#pragma once

#include <cstdint>

#include "frontend/program/program.h"
#include "ir/graph.h"
#include "ops/families.h"

namespace ferryman::frontend {

// Whether the graph may compute with the values of parameters, or training goes on with them. Then
// they are values of a kind of their own (ir/graph.h).
enum class Parameters : uint8_t { kConstant, kTrained };

// The program is functional (functionalise.h) and verified (verify_program). `ops` must outlive the
// graph.
Result<Graph> translate(const Program& program, const Ops& ops, Diagnostics& diagnostics,
                        Parameters parameters = Parameters::kConstant);

}  // namespace ferryman::frontend
