// How the time of a whole conversion grows with the nodes of a program, and what memory it takes.
//
//   ferryman_convert_bench                      # a fit of the time over 420 to 50,400 nodes
//
// Reported besides the time: us for each node and, of the largest stages, ms. `peak_MB` is what the
// process needed at most so far, so only a run of one benchmark alone says what that one needs.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "driver/convert.h"
#include "frontend/program/program.h"
#include "sample_programs.h"

namespace ferryman::bench {
namespace {

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

void convert_again_and_again(benchmark::State& state, const frontend::Program& program) {
  const std::string path =
      std::filesystem::temp_directory_path() / fmt::format("ferryman_bench_{}.tflite", getpid());
  const double before = peak_megabytes();
  std::map<std::string, double> stages;
  for (auto _ : state) {
    state.PauseTiming();
    frontend::Program copy = program;
    state.ResumeTiming();
    const Conversion conversion = convert(std::move(copy), {}, path);
    state.PauseTiming();
    if (!conversion.report.has_value()) {
      state.SkipWithError(render(conversion.diagnostics, Severity::kError).c_str());
      break;
    }
    for (const StageTime& stage : conversion.report->stages) stages[stage.name] += stage.seconds;
    state.ResumeTiming();
  }
  std::filesystem::remove(path);
  const double nodes = static_cast<double>(program.nodes.size());
  state.SetComplexityN(static_cast<int64_t>(program.nodes.size()));
  state.counters["nodes"] = nodes;
  state.counters["us_per_node"] = benchmark::Counter(
      nodes * 1e-6, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  for (const auto& [stage, seconds] : stages) {
    state.counters["ms " + stage] =
        1e3 * seconds / static_cast<double>(std::max<int64_t>(1, state.iterations()));
  }
  state.counters["added_MB"] = peak_megabytes() - before;
  state.counters["peak_MB"] = peak_megabytes();
}

void encoder(benchmark::State& state) {
  convert_again_and_again(state, encoder_program(static_cast<int>(state.range(0))));
}
BENCHMARK(encoder)
    ->ArgName("layers")
    ->Arg(12)
    ->Arg(50)
    ->Arg(150)
    ->Arg(400)
    ->Arg(1440)
    ->Unit(benchmark::kMillisecond)
    ->Complexity(benchmark::oN);

void residual(benchmark::State& state) {
  convert_again_and_again(state, residual_program(static_cast<int>(state.range(0))));
}
BENCHMARK(residual)
    ->ArgName("blocks")
    ->Arg(16)
    ->Arg(160)
    ->Arg(1600)
    ->Unit(benchmark::kMillisecond)
    ->Complexity(benchmark::oN);

}  // namespace
}  // namespace ferryman::bench
