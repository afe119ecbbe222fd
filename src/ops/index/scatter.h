// Writing at positions: scatter, index_add, index_put and what is built on them.
//
//   const ValueId y = emit_scatter(write, x, axis, positions, updates,
//                                  {Combine::kSum, IncludeSelf::kYes});
//
// Invariants: the last of several writes to one place stays, as if they were made one by one;
// positions lie in [0, size).
#pragma once

#include "ops/import.h"

namespace ferryman {

enum class Combine : uint8_t { kSet, kSum, kProd, kMean, kAmax, kAmin };
// Whether what was there counts among what is combined.
enum class IncludeSelf : uint8_t { kNo, kYes };

struct ScatterRule {
  Combine combine = Combine::kSet;
  IncludeSelf include_self = IncludeSelf::kYes;
};

// updates, which are as long as the positions (a vector) along the axis, into x.
ValueId emit_scatter(CoreWriter write, ValueId x, int64_t axis, ValueId positions, ValueId updates,
                     ScatterRule rule);

// [count, …]: the rows of x combined by the number of their segment; the neutral element (0, 1, the
// lowest, the largest) where there are none.
ValueId emit_segments(CoreWriter write, ValueId x, ValueId numbers, Dim count,
                      std::string_view reduction);

// Lines of x whose places are known: concatenated with the parts that replace them, then picked.
ValueId replace_at(CoreWriter write, ValueId x, int64_t axis, const Ints& positions, ValueId part);

// scatter*, index_add, put, … (scatter_import.cc)
void add_scatter_imports(ImportTable& imports);
// The n-th place where the mask holds takes element n of the source.
Imported import_masked_scatter(ImportContext& call);

}  // namespace ferryman
