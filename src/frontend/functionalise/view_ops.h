// Which ATen results share memory with an argument, and how a write through them reaches it.
//
//   FERRYMAN_TRY(std::vector<ResultViews> views, describe_views(program, node));
//   // aten.transpose.int(self=%x, dim0=0, dim1=1):
//   //   result 0 is %x seen through one view; a written result is transposed back
//
// The knowledge is a table with one row per op (view_ops.cc). An op without a row makes new memory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/program/program.h"
#include "support/result.h"

namespace ferryman::frontend {

// A node without its results and without the tensors that it is applied to.
struct Call {
  std::string target;
  std::vector<NamedArgument> args;
};

// How a written view changes the tensor that it looks at.
enum class Undo : uint8_t {
  kSame,         // same elements, same order: the written value is the new tensor
  kReplace,      // all elements, other order: undo(self=written)
  kReplaceLike,  // the same with symbolic sizes: undo(self=written, other=tensor)
  kScatter,      // a part: undo(self=tensor, src=written)
  kImpossible,   // `why_not` says why
};

// One tensor seen through another.
struct View {
  TensorMeta meta;           // of what is seen
  std::optional<Call> redo;  // applied to the tensor as `self`; absent: cannot be made again
  Undo undo = Undo::kImpossible;
  Call undo_call;
  std::string why_not;
  // Where its first element lies in memory, counted from the first of the tensor; absent: unknown.
  std::optional<int64_t> start = 0;
  // `redo` and `undo` name elements by their place in the storage, so they need its owner.
  bool addresses_storage = false;
};

// A result that is `of` seen through `chain`, in the order of application. An empty chain: the
// result is memory of its own.
struct ResultViews {
  ValueIndex of = kNoValue;
  std::vector<View> chain;
};

// One entry per result of the node. The ValueRefs in calls are those of `program`.
Result<std::vector<ResultViews>> describe_views(const Program& program, const Node& node);

// The twin of an op that only changes how a tensor object looks at its memory: "aten.t.default" for
// "aten.t_.default". The memory is not written.
std::optional<std::string> twin_of_in_place_view(std::string_view target);

}  // namespace ferryman::frontend
