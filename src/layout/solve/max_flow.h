// Maximum flow and minimum cut on a directed network (Dinic), with capacities that are `Cost`s.
//
//   MaxFlow network;
//   const int a = network.add_node();
//   network.add_arc(MaxFlow::kSource, a, {.bytes = 3});
//   network.add_arc(a, MaxFlow::kSink, {.bytes = 2});
//   Cost cut = network.run();                 // {.bytes = 2}
//   bool kept = network.on_source_side(a);    // true
//
// Among the minimum cuts, the one with the most nodes on the source side is reported.
#pragma once

#include <vector>

#include "layout/solve/problem.h"

namespace ferryman::layout {

class MaxFlow {
 public:
  static constexpr int kSource = 0;
  static constexpr int kSink = 1;
  // Larger than any sum of costs, small enough that a few of them do not overflow.
  static constexpr Cost kInfinite{.bytes = int64_t{1} << 60};

  MaxFlow() : heads_(2, -1) {}

  int add_node();
  void add_arc(int from, int to, Cost capacity);
  Cost run();
  bool on_source_side(int node) const { return !reaches_sink_[static_cast<size_t>(node)]; }

 private:
  struct Arc {
    int to;
    int next;  // next arc out of the same node, -1 at the end
    Cost residual;
  };

  bool measure_distances();
  Cost augment_once();
  void find_sink_side();

  std::vector<int> heads_;
  std::vector<Arc> arcs_;  // arc i and its reverse i ^ 1
  std::vector<int> distance_;
  std::vector<int> current_;
  std::vector<bool> reaches_sink_;
};

}  // namespace ferryman::layout
