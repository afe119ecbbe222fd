#include "layout/solve/max_flow.h"

#include <algorithm>

namespace ferryman::layout {

int MaxFlow::add_node() {
  heads_.push_back(-1);
  return static_cast<int>(heads_.size()) - 1;
}

void MaxFlow::add_arc(int from, int to, Cost capacity) {
  if (capacity == Cost{}) return;
  const auto append = [this](int tail, int head, Cost residual) {
    arcs_.push_back({.to = head, .next = heads_[static_cast<size_t>(tail)], .residual = residual});
    heads_[static_cast<size_t>(tail)] = static_cast<int>(arcs_.size()) - 1;
  };
  append(from, to, capacity);
  append(to, from, Cost{});
}

// Breadth-first distances from the source along arcs that still have room.
bool MaxFlow::measure_distances() {
  distance_.assign(heads_.size(), -1);
  distance_[kSource] = 0;
  std::vector<int> queue{kSource};
  for (size_t next = 0; next < queue.size(); ++next) {
    const int node = queue[next];
    for (int a = heads_[static_cast<size_t>(node)]; a >= 0;
         a = arcs_[static_cast<size_t>(a)].next) {
      const Arc& arc = arcs_[static_cast<size_t>(a)];
      if (arc.residual <= Cost{} || distance_[static_cast<size_t>(arc.to)] >= 0) continue;
      distance_[static_cast<size_t>(arc.to)] = distance_[static_cast<size_t>(node)] + 1;
      queue.push_back(arc.to);
    }
  }
  return distance_[kSink] >= 0;
}

// Pushes along one shortest path; zero when none is left. Not recursive: paths follow the depth of
// the network, which can be thousands of layers.
Cost MaxFlow::augment_once() {
  std::vector<int> path;
  int node = kSource;
  while (node != kSink) {
    int& arc_index = current_[static_cast<size_t>(node)];
    while (arc_index >= 0) {
      const Arc& arc = arcs_[static_cast<size_t>(arc_index)];
      if (arc.residual > Cost{} &&
          distance_[static_cast<size_t>(arc.to)] == distance_[static_cast<size_t>(node)] + 1) {
        break;
      }
      arc_index = arc.next;
    }
    if (arc_index >= 0) {
      path.push_back(arc_index);
      node = arcs_[static_cast<size_t>(arc_index)].to;
      continue;
    }
    if (path.empty()) return Cost{};
    // Dead end: step back and never try this arc again in this phase.
    node = arcs_[static_cast<size_t>(path.back() ^ 1)].to;
    path.pop_back();
    current_[static_cast<size_t>(node)] =
        arcs_[static_cast<size_t>(current_[static_cast<size_t>(node)])].next;
  }
  Cost pushed = kInfinite;
  for (const int a : path) pushed = std::min(pushed, arcs_[static_cast<size_t>(a)].residual);
  for (const int a : path) {
    arcs_[static_cast<size_t>(a)].residual -= pushed;
    arcs_[static_cast<size_t>(a ^ 1)].residual += pushed;
  }
  return pushed;
}

Cost MaxFlow::run() {
  Cost total;
  while (measure_distances()) {
    current_ = heads_;
    for (Cost pushed = augment_once(); pushed > Cost{}; pushed = augment_once()) total += pushed;
  }
  find_sink_side();
  return total;
}

// Marks what can still reach the sink: the smallest sink side of any minimum cut.
void MaxFlow::find_sink_side() {
  reaches_sink_.assign(heads_.size(), false);
  reaches_sink_[kSink] = true;
  std::vector<int> queue{kSink};
  for (size_t next = 0; next < queue.size(); ++next) {
    for (int a = heads_[static_cast<size_t>(queue[next])]; a >= 0;
         a = arcs_[static_cast<size_t>(a)].next) {
      const int from = arcs_[static_cast<size_t>(a)].to;
      if (reaches_sink_[static_cast<size_t>(from)] ||
          arcs_[static_cast<size_t>(a ^ 1)].residual <= Cost{}) {
        continue;
      }
      reaches_sink_[static_cast<size_t>(from)] = true;
      queue.push_back(from);
    }
  }
}

}  // namespace ferryman::layout
