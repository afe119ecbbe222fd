// ferryman-opt: reads a graph as text, runs the named passes, prints it.
//
//   ferryman-opt --passes fold_constants,canonicalise model.ir
//   ferryman-opt --passes simplify --print-after '*' --remarks - < model.ir
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>

#include "driver/pass_list.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ops/families.h"

namespace ferryman {
namespace {

enum ExitStatus { kDone = 0, kFailed = 1 };

struct Arguments {
  std::string file;
  std::string passes;
  PassOptions options;
  PrintLocations locations = PrintLocations::kNo;
  bool list = false;
  bool timed = false;
  bool with_locations = false;
  bool with_remarks = false;
};

Result<std::string> read_all(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file, std::ios::binary);
  if (!in) return Diag::error(DiagCode::kUnreadableFile, fmt::format("cannot open {}", file));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void print_dump(std::string_view pass, const Graph& graph, PrintLocations locations) {
  std::cerr << fmt::format("// after {}\n{}", pass, print_graph(graph, locations));
}

Status run(const Arguments& arguments) {
  FERRYMAN_TRY(const std::string text, read_all(arguments.file));
  FERRYMAN_TRY_STATUS(check_pass_names(arguments.options));
  FERRYMAN_TRY(const std::vector<Pass> passes, passes_named(arguments.passes));
  Ops ops;
  add_all_ops(ops);
  FERRYMAN_TRY(Graph graph, parse_graph(text, ops.set));
  const Diagnostics problems = verify_graph(graph);
  if (problems.has_errors()) return problems.all().front();
  const PrintLocations locations =
      arguments.with_locations ? PrintLocations::kYes : PrintLocations::kNo;
  PassOptions options = arguments.options;
  options.verify = VerifyEach::kYes;
  options.print = [&](std::string_view pass, const Graph& after) {
    print_dump(pass, after, locations);
  };
  Diagnostics remarks;
  FERRYMAN_TRY(const PassReport report, run_passes(graph, passes, options, remarks));
  std::cout << print_graph(graph, locations);
  if (arguments.with_remarks && !remarks.all().empty())
    std::cerr << render(remarks, Severity::kRemark) << "\n";
  for (const PassTiming& timing : report.timings) {
    if (arguments.timed)
      std::cerr << fmt::format("{:9.3f} ms  {}\n", timing.seconds * 1e3, timing.pass);
  }
  return {};
}

void list_passes() {
  for (const Pass& pass : known_passes())
    std::cout << fmt::format("{:28} {}\n", pass.name, pass.purpose);
}

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Runs passes over a graph in text form"};
  app.add_option("file", arguments.file, "IR text; - for standard input")->default_val("-");
  app.add_option("--passes", arguments.passes, "names, separated by commas; or: simplify");
  app.add_option("--disable-pass", arguments.options.disabled, "leave out this pass");
  app.add_option("--print-after", arguments.options.print_after,
                 "print after this pass; * for all that change something");
  app.add_flag("--list-passes", arguments.list, "print all passes with their purpose");
  app.add_flag("--time-passes", arguments.timed, "print how long each pass took");
  app.add_flag("--locations", arguments.with_locations, "print where ops come from");
  app.add_flag("--remarks", arguments.with_remarks, "print what was fused, what not and why");
  CLI11_PARSE(app, argc, argv);
  if (arguments.list) {
    list_passes();
    return kDone;
  }
  const Status status = run(arguments);
  if (status.ok()) return kDone;
  std::cerr << render(status.diag()) << "\n";
  return kFailed;
}

}  // namespace
}  // namespace ferryman

int main(int argc, char** argv) {
  return ferryman::main(argc, argv);
}
