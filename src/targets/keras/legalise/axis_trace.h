// Which elements of a tensor the axes of a value hold, through ops that only move elements.
//
//   AxisTrace trace({B, T, C});                    // the dims of the tensor
//   trace.apply(graph.op(reshape));                // [B, T, 3, H, E]: C is in three parts
//   trace.axis(3)                                  // the part H
//   trace.parts_of(2)                              // 3, H, E: what C became, the outermost first
//
// Invariants: a part belongs to one origin, a dim of the tensor; parts of size 1 stand in no axis,
// those that a slice left one index of included. The parts of an origin lie in what is left of it
// as the dims of a row-major tensor do.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"

namespace ferryman::keras {

class AxisTrace {
 public:
  // The indices [begin, begin + size) of `full`.
  struct Range {
    Dim full, begin, size;

    bool is_whole() const { return size == full; }
  };
  struct Part : Range {
    size_t origin = 0;
  };
  using PartIndex = size_t;
  using PartList = std::vector<PartIndex>;

  AxisTrace(SymbolTable& symbols, const Dims& dims);

  // False, and of no use from then on, if the op does something else, or splits what has no whole
  // parts.
  bool apply(const Op& op);
  bool reshape(const Dims& to);

  size_t rank() const { return axes_.size(); }
  const PartList& axis(size_t index) const { return axes_[index]; }
  // What is left of an origin is made of these.
  const PartList& parts_of(size_t origin) const { return of_origin_[origin]; }
  const Range& range_of(size_t origin) const { return ranges_[origin]; }
  const Part& part(PartIndex index) const { return parts_[index]; }
  PartList without_ones(const PartList& parts) const;
  Dim size_of(const PartList& parts) const;

 private:
  bool permute(const Ints& perm);
  bool slice(const Op& op);
  bool slice_axis(size_t axis, Dim begin, Dim end);
  std::optional<PartIndex> split(PartIndex outer, Dim outer_size);

  SymbolTable* symbols_;  // never null
  std::vector<Part> parts_;
  std::vector<PartList> of_origin_;
  std::vector<Range> ranges_;  // of origins
  std::vector<PartList> axes_;
};

}  // namespace ferryman::keras
