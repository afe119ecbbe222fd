// How long planning takes. Time is linear in the number of ops as long as elimination suffices.
#include <benchmark/benchmark.h>

#include "layout/explain.h"
#include "layout/solve/solve.h"
#include "tests/support/random_problem.h"
#include "tests/support/test_contract.h"
#include "tests/support/test_net.h"

namespace ferryman::layout {
namespace {

ValueId bottleneck(TestNet& net, ValueId x, int64_t channels) {
  ValueId y = net.relu(net.conv(x, channels, 1));
  y = net.relu(net.conv(y, channels));
  return net.relu(net.add(net.conv(y, 4 * channels, 1), net.conv(x, 4 * channels, 1)));
}

TestNet resnet50() {
  TestNet net;
  ValueId x = net.max_pool(net.relu(net.conv(net.input("x", {1, 3, 64, 64}), 64)));
  for (int block = 0; block < 16; ++block) x = bottleneck(net, x, 64);
  net.output("y", net.linear(net.mean(x, {2, 3}, false), 1000));
  return net;
}

// 98 layers in four blocks, each layer reading all earlier ones of its block.
TestNet densenet201() {
  TestNet net;
  ValueId x = net.conv(net.input("x", {1, 3, 32, 32}), 64);
  for (const int layers : {6, 12, 48, 32}) {
    std::vector<ValueId> features{x};
    for (int layer = 0; layer < layers; ++layer) {
      const ValueId all = features.size() == 1 ? x : net.concat(features, 1);
      const ValueId squeezed = net.relu(net.conv(net.relu(all), 128, 1));
      features.push_back(net.conv(squeezed, 32));
    }
    x = net.conv(net.concat(features, 1), 64, 1);
  }
  net.output("y", x);
  return net;
}

ValueId attention_layer(TestNet& net, ValueId x) {
  const auto heads = [&](ValueId value) {
    const ValueId split = net.reshape(net.linear(value, 64), {4, 16, 4, 16});
    return net.permute(split, {0, 2, 1, 3});
  };
  const ValueId keys = net.permute(heads(x), {0, 1, 3, 2});
  const ValueId scores = net.softmax(net.matmul(heads(x), keys), 3);
  const ValueId mixed = net.permute(net.matmul(scores, heads(x)), {0, 2, 1, 3});
  x = net.add(x, net.linear(net.reshape(mixed, {4, 16, 64}), 64));
  return net.add(x, net.linear(net.relu(net.linear(x, 128)), 64));
}

TestNet transformer(int layers) {
  TestNet net;
  ValueId x = net.input("x", {4, 16, 64});
  for (int layer = 0; layer < layers; ++layer) x = attention_layer(net, x);
  net.output("y", x);
  return net;
}

void plan(benchmark::State& state, TestNet net) {
  for (auto _ : state) benchmark::DoNotOptimize(net.plan());
  const LayoutPlan plan = net.plan();
  state.counters["ops"] = static_cast<double>(net.graph().num_ops());
  state.counters["copies"] = static_cast<double>(plan.copies.size());
  state.counters["proven"] = plan.proven ? 1 : 0;
}

void plan_resnet50(benchmark::State& state) {
  plan(state, resnet50());
}
void plan_densenet201(benchmark::State& state) {
  plan(state, densenet201());
}
void plan_transformer(benchmark::State& state) {
  plan(state, transformer(static_cast<int>(state.range(0))));
}

void explain_resnet50(benchmark::State& state) {
  TestNet net = resnet50();
  const IoLayouts io;
  for (auto _ : state) {
    const Planning planning = run_planning(net.graph(), ChannelsLastContract(), io);
    const LayoutPlan plan = write_plan(net.graph(), io, planning);
    benchmark::DoNotOptimize(explain_copies(net.graph(), io, planning, plan));
  }
}

// Far too entangled for elimination: the minimum cut.
void cut_all_to_all(benchmark::State& state) {
  const RandomShape shape{.num_ops = static_cast<int>(state.range(0)),
                          .num_labels = static_cast<int>(state.range(1)),
                          .percent_anchored = 30,
                          .percent_all_to_all = 60};
  const Problem problem = random_problem(7, shape);
  Solution solution;
  for (auto _ : state) benchmark::DoNotOptimize(solution = solve(problem));
  state.counters["proven"] = solution.proven ? 1 : 0;
  state.counters["gap"] = static_cast<double>(solution.cost.bytes - solution.lower_bound) /
                          static_cast<double>(solution.cost.bytes);
}

BENCHMARK(plan_resnet50)->Unit(benchmark::kMillisecond);
BENCHMARK(plan_densenet201)->Unit(benchmark::kMillisecond);
BENCHMARK(plan_transformer)->Arg(12)->Arg(24)->Arg(250)->Unit(benchmark::kMillisecond);
BENCHMARK(explain_resnet50)->Unit(benchmark::kMillisecond);
BENCHMARK(cut_all_to_all)->Args({200, 2})->Args({200, 3})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ferryman::layout
