// Golden tests: text IR in, passes named in the file, text IR out.
//
//   golden FILE.ir...             compares
//   golden --update FILE.ir...    rewrites the expected text; a person reads the difference
//
// A file holds cases, separated by lines of dashes after "//":
//   // What the case shows.
//   // passes: canonicalise, remove_dead_code
//   graph @main(...) {...}
//   // becomes
//   graph @main(...) {...}
//   // remark: fuse_conv_bn: not applied: the convolution has another reader
// Besides the text, both graphs are evaluated on the same random inputs, where every op has an
// evaluator.
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>

#include "driver/pass_list.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ops/families.h"
#include "tests/support/random_tensor.h"

namespace ferryman {
namespace {

constexpr uint64_t kInputSeed = 1;
constexpr std::string_view kSeparator = "// ----";
constexpr std::string_view kBecomes = "// becomes";
constexpr std::string_view kPasses = "// passes:";
constexpr std::string_view kRemark = "// remark: ";

struct Case {
  std::string input;  // with its comments
  std::string passes;
  std::string expected;
};

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::vector<Case> split_cases(const std::string& text) {
  std::vector<Case> cases(1);
  bool in_expected = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (starts_with(line, kSeparator)) {
      cases.emplace_back();
      in_expected = false;
      continue;
    }
    if (starts_with(line, kBecomes)) {
      in_expected = true;
      continue;
    }
    if (starts_with(line, kPasses)) cases.back().passes = line.substr(kPasses.size());
    (in_expected ? cases.back().expected : cases.back().input) += line + "\n";
  }
  return cases;
}

std::string join_cases(const std::vector<Case>& cases) {
  std::string text;
  for (const Case& one : cases) {
    if (!text.empty()) text += std::string(kSeparator) + std::string(60, '-') + "\n";
    text += one.input + std::string(kBecomes) + "\n" + one.expected;
  }
  return text;
}

Result<std::string> run_case(const Case& one, const OpSet& ops) {
  FERRYMAN_TRY(const std::vector<Pass> passes, passes_named(one.passes));
  FERRYMAN_TRY(Graph graph, parse_graph(one.input, ops));
  const Diagnostics problems = verify_graph(graph);
  if (problems.has_errors()) return problems.all().front();
  const Graph before = graph.clone();
  PassOptions options;
  options.verify = VerifyEach::kYes;
  Diagnostics remarks;
  FERRYMAN_TRY(const PassReport report, run_passes(graph, passes, options, remarks));
  if (const std::string found = difference(before, graph, kInputSeed); !found.empty())
    return Diag::error(DiagCode::kInternal, found);
  std::string text = print_graph(graph);
  for (const Diag& remark : remarks.all()) {
    const std::string count =
        remark.places.size() > 1 ? fmt::format(" ({} times)", remark.places.size()) : "";
    text += fmt::format("{}{}: {}{}\n", kRemark, remark.subject, remark.what, count);
  }
  return text;
}

enum class Mode { kCompare, kUpdate };

// Whether all cases of the file are as expected.
bool run_file(const std::string& file, const OpSet& ops, Mode mode) {
  std::ifstream in(file);
  std::vector<Case> cases = split_cases({std::istreambuf_iterator<char>(in), {}});
  in.close();
  bool good = true;
  for (Case& one : cases) {
    const Result<std::string> got = run_case(one, ops);
    if (!got.ok()) {
      std::cerr << fmt::format("{}:\n{}{}\n", file, one.input, render(got.diag()));
      good = false;
      continue;
    }
    if (mode == Mode::kCompare && *got != one.expected) {
      std::cerr << fmt::format("{}:\n{}--- expected\n{}--- got\n{}\n", file, one.input,
                               one.expected, *got);
      good = false;
    }
    one.expected = *got;
  }
  if (mode == Mode::kUpdate && good) std::ofstream(file) << join_cases(cases);
  return good;
}

}  // namespace
}  // namespace ferryman

int main(int argc, char** argv) {
  using ferryman::Mode;
  ferryman::Ops ops;
  ferryman::add_all_ops(ops);
  Mode mode = Mode::kCompare;
  bool good = true;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--update") {
      mode = Mode::kUpdate;
      continue;
    }
    good = ferryman::run_file(argv[i], ops.set, mode) && good;
  }
  return good ? 0 : 1;
}
