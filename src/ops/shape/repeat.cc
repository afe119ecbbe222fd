// The whole of a tensor repeated along its axes.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"

namespace ferryman {

namespace {

// As often as a free size says: a new axis in front of each, expanded and merged with it.
ValueId repeat_freely(CoreWriter write, ValueId x, Dims repeats) {
  Dims shape = write.dims(x);
  if (repeats.size() < shape.size())
    repeats.insert(repeats.begin(), shape.size() - repeats.size(), Dim(1));
  shape.insert(shape.begin(), repeats.size() - shape.size(), Dim(1));
  Dims apart, wide, merged;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] != Dim(1)) {
      apart.push_back(Dim(1));
      wide.push_back(repeats[axis]);
    }
    apart.push_back(shape[axis]);
    wide.push_back(shape[axis] == Dim(1) ? repeats[axis] : shape[axis]);
    merged.push_back(write.symbols().mul(shape[axis], repeats[axis]));
  }
  return write.reshape(write.expand(write.reshape(x, apart), wide), merged);
}

Imported repeat_whole(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const Dims counts, call.sizes(name));
  if (!all_static(counts)) return std::vector{repeat_freely(write, x, counts)};
  Ints repeats = static_sizes(counts);
  Dims shape = write.dims(x);
  if (repeats.size() < shape.size()) {
    if (name == "repeats") return call.unsupported("fewer repeat counts than axes");
    repeats.insert(repeats.begin(), shape.size() - repeats.size(), 1);
  }
  shape.insert(shape.begin(), repeats.size() - shape.size(), 1);
  x = write.reshape(x, shape);
  if (std::all_of(repeats.begin(), repeats.end(), [](int64_t n) { return n == 1; }))
    return std::vector{x};
  return one_result(write.op(ops::kTile, {x}, {{attr::kRepeats, PerAxis{repeats}}}));
}
Imported import_repeat(ImportContext& call) {
  return repeat_whole(call, "repeats");
}
Imported import_tile(ImportContext& call) {
  return repeat_whole(call, "dims");
}

}  // namespace

void add_repeat_ops(Ops& ops) {
  ops.imports.add("repeat.default", import_repeat);
  ops.imports.add("tile.default", import_tile);
}

}  // namespace ferryman
