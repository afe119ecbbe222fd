// From what the stages know to what the user's nodes became.
#pragma once

#include "driver/report.h"
#include "frontend/program/program.h"
#include "layout/explain.h"
#include "targets/target.h"

namespace ferryman {

// Ports, nodes and operator counts. `program` is the functional program that the graph came from.
// What is free of the sizes of inputs.
void describe_sizes(const SymbolTable& symbols, const frontend::Program& program,
                    ConvertReport& report);
void describe_file(const Artifact& artifact, const Graph& graph, const frontend::Program& program,
                   ConvertReport& report);

// Each body of the program: its nodes, and, where there is a folder for that, a file of its own.
Status describe_bodies(const Target& target, const Graph& graph, const layout::LayoutPlan& plan,
                       const frontend::Program& program, const std::string& folder,
                       ConvertReport& report);

// What is moved, and the proof.
void describe_layout(const layout::LayoutPlan& plan, ConvertReport& report);

// Copies of the graph, or of a body, with their reasons, as further ones.
void describe_copies(const Graph& graph, const std::vector<layout::CopyExplanation>& copies,
                     const layout::EndNames& names, ConvertReport& report);

}  // namespace ferryman
