// The names that inputs and outputs have in the file, and the order of their axes there.
//
//   FERRYMAN_TRY(const Ports ports, resolve_ports(graph, options, diagnostics));
//
// Layouts speak of the names in the file, and understand the program's, too. A layout for all means
// images [N, C, H, W] and volumes [N, C, D, H, W]; what it leaves as it is, a remark names.
#pragma once

#include <string>
#include <vector>

#include "driver/options.h"
#include "ir/graph.h"
#include "layout/contract.h"

namespace ferryman {

struct Ports {
  layout::IoLayouts layouts;
  // In the file, parallel to the graph's; empty: as they are.
  std::vector<std::string> input_names, output_names;
};

// An option that does not fit the graph is an error: a name that it does not have, two of one name,
// a layout that the tensor cannot have.
Result<Ports> resolve_ports(const Graph& graph, const ConvertOptions& options,
                            Diagnostics& diagnostics);

}  // namespace ferryman
