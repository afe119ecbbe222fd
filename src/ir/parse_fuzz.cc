// Whatever text arrives, parsing ends with a graph or a located error; a graph that parsed is
// valid, and its text parses to the same text again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ops/families.h"
#include "support/check.h"

namespace ferryman {
namespace {

// The op table is only read, and too slow to build for every input.
const Ops& all_ops() {
  static const Ops* const kOps = [] {
    auto* ops = new Ops;
    add_all_ops(*ops);
    return ops;
  }();
  return *kOps;
}

void check_round_trip(std::string_view text) {
  const OpSet& ops = all_ops().set;
  const Result<Graph> graph = parse_graph(text, ops);
  if (!graph.ok()) return;
  const Diagnostics problems = verify_graph(*graph);
  check(!problems.has_errors(), "a parsed graph is not valid");
  const std::string printed = print_graph(*graph, PrintLocations::kYes);
  const Result<Graph> again = parse_graph(printed, ops);
  check(again.ok(), "printed text does not parse");
  check(print_graph(*again, PrintLocations::kYes) == printed, "text changes on its way");
}

}  // namespace
}  // namespace ferryman

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t num_bytes) {
  ferryman::check_round_trip({reinterpret_cast<const char*>(bytes), num_bytes});
  return 0;
}
