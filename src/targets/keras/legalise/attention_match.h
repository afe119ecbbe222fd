// An attention layer as it stands in a graph: three linear layers, two products with a softmax
// between them, and a linear layer.
//
//   if (const auto found = match_attention(graph, linear)) …      // of the last linear layer
//
// Nothing is said of modules: views between the parts may be whatever leads to heads and back.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "targets/keras/legalise/axis_trace.h"

namespace ferryman::keras {

// A linear layer whose result is the queries, keys or values of a product, each head by itself.
struct Projection {
  OpId linear;
  AxisTrace trace;  // of its result, as the product takes it
  // Parts of the result: of several batches, of the heads of keys, of the queries that one of these
  // serves, of the rows, and of the numbers of a head.
  AxisTrace::PartList batch, key_heads, group, rows, width;
  int64_t first_row = 0;  // of the weight
  double scale = 1;

  Dim size(const AxisTrace::PartList& parts) const { return trace.size_of(parts); }
  int64_t num_rows() const {  // of the weight
    return (size(key_heads).size() * size(group).size()) * size(width).size();
  }
};

// add(scores, mask) or where(seen, scores, low), and which parts its axes hold.
struct MaskedScores {
  OpId op;
  size_t mask_operand = 0;
  Dims dims;
  std::vector<AxisTrace::PartList> axes;
};

// The parts of scores and of what comes of them stand in this order.
enum AttentionAxis : uint8_t { kBatch, kKeyHeads, kGroup, kRows, kColumns };

struct AttentionMatch {
  Projection query, key, value;
  AxisTrace scores;  // kColumns: the keys
  std::optional<MaskedScores> mask;
  OpId softmax;
  double dropout = 0;    // behind it, in training
  AxisTrace output;      // of what the last linear layer takes; kColumns: the numbers of a head
  OpId linear;           // the last
  std::set<OpId> inner;  // what is computed inside of it, `linear` is not
};

// SizeError if it takes a size as a number that is free.
std::optional<AttentionMatch> match_attention(const Graph& graph, OpId linear);

}  // namespace ferryman::keras
