// Padding in all modes of torch.nn.functional.pad.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/shape/move_elems.h"

namespace ferryman {

namespace {

// ---- rows ----

InferResult padded_type(const InferArgs& args) {
  TensorType type = args.operand(0);
  const Ints& before = args.attrs[attr::kBefore].values;
  const Ints& after = args.attrs[attr::kAfter].values;
  if (before.size() != type.rank() || after.size() != type.rank())
    return shape_error("padding names as many axes as the tensor has");
  for (size_t i = 0; i < type.rank(); ++i) {
    if (before[i] < 0 || after[i] < 0) return shape_error("negative padding");
    if (before[i] > INT64_MAX / 4 || after[i] > INT64_MAX / 4)
      return shape_error("padding too large");
    type.dims[i] = args.symbols.shift(type.dims[i], before[i] + after[i]);
  }
  return std::vector{type};
}

InferResult reflected_type(const InferArgs& args) {
  FERRYMAN_TRY(std::vector<TensorType> types, padded_type(args));
  const Dims& dims = args.operand(0).dims;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t widest =
        std::max(args.attrs[attr::kBefore].values[i], args.attrs[attr::kAfter].values[i]);
    if (widest > 0 && dims[i].is_static() && widest >= dims[i].size())
      return shape_error("reflected padding as wide as the tensor");
  }
  return types;
}

EvalResult eval_pad(const EvalArgs& args) {
  const TensorType& type = args.results[0];
  const Ints& before = args.attrs[attr::kBefore].values;
  const Ints& shape = args.operand(0).shape();
  Ints from(shape.size());
  // One element more, the padding value, which every position outside the operand reads.
  const int64_t outside = product(shape);
  std::vector<std::byte> bytes(static_cast<size_t>((outside + 1) * byte_size(type.dtype)));
  const size_t inside_bytes = bytes.size() - static_cast<size_t>(byte_size(type.dtype));
  args.operand(0).read(0, std::span(bytes).first(inside_bytes));
  if (!is_complex(type.dtype))
    store_double(type.dtype, args.attrs[attr::kValue], &bytes[inside_bytes]);
  const TensorData source =
      TensorData::contiguous(owned_blob(std::move(bytes)), type.dtype, {outside + 1});
  return one(move_elems(source, type, [&](const Ints& index) {
    for (size_t i = 0; i < index.size(); ++i) {
      from[i] = index[i] - before[i];
      if (from[i] < 0 || from[i] >= shape[i]) return outside;
    }
    return flat_index(shape, from);
  }));
}

EvalResult eval_reflect_pad(const EvalArgs& args) {
  const Ints& before = args.attrs[attr::kBefore].values;
  const Ints& shape = args.operand(0).shape();
  Ints from(shape.size());
  return one(move_elems(args.operand(0), args.results[0], [&](const Ints& index) {
    for (size_t i = 0; i < index.size(); ++i) {
      const int64_t position = std::abs(index[i] - before[i]);
      const int64_t last = shape[i] - 1;
      from[i] = position > last ? 2 * last - position : position;
    }
    return flat_index(shape, from);
  }));
}

void define_pad_rows(Ops& ops) {
  ops.set.define(ops::kPad)
      .doc("a constant value around x")
      .operand("x")
      .attr(attr::kBefore)
      .attr(attr::kAfter)
      .attr(attr::kValue, 0.0)
      .result(padded_type)
      .axes(AxisRule::kWindowed)
      .eval(eval_pad);
  ops.set.define(ops::kReflectPad)
      .doc("x mirrored at its edges, which are not repeated; narrower than x")
      .operand("x")
      .attr(attr::kBefore)
      .attr(attr::kAfter)
      .result(reflected_type)
      .axes(AxisRule::kWindowed)
      .eval(eval_reflect_pad);
}

// ---- import ----

// Widths before and after every axis. ATen lists pairs from the last axis backwards.
struct PadWidths {
  Ints before, after;
};

Result<PadWidths> read_widths(ImportContext& call, std::string_view name, size_t rank) {
  FERRYMAN_TRY(const Ints pairs, call.integers(name));
  if (pairs.size() % 2 != 0 || pairs.size() / 2 > rank)
    return call.unsupported("a pair of widths for each padded axis");
  PadWidths widths{Ints(rank, 0), Ints(rank, 0)};
  for (size_t i = 0; i < pairs.size() / 2; ++i) {
    widths.before[rank - 1 - i] = pairs[2 * i];
    widths.after[rank - 1 - i] = pairs[2 * i + 1];
  }
  return widths;
}

// Widths of which some are free: what is added is joined.
Imported pad_freely(ImportContext& call, ValueId x, const ImportArgs& pairs) {
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const double value, call.number("value", 0));
  const auto rank = static_cast<int64_t>(write.rank(x));
  if (pairs.size() % 2 != 0 || static_cast<int64_t>(pairs.size() / 2) > rank)
    return call.unsupported("a pair of widths for each padded axis");
  const auto filled = [&](int64_t axis, const ImportArg& width) -> Result<ValueId> {
    const auto* number = std::get_if<int64_t>(&width.value);
    const auto* free = std::get_if<Dim>(&width.value);
    if (free == nullptr && (number == nullptr || *number < 0))
      return call.unsupported("negative widths beside those of free size");
    Dims dims = write.dims(x);
    dims[static_cast<size_t>(axis)] = free != nullptr ? *free : Dim(*number);
    if (dims[static_cast<size_t>(axis)] == Dim(0)) return ValueId();
    return write.filled(write.dtype(x), dims, value, "padding");
  };
  for (size_t i = 0; i < pairs.size() / 2; ++i) {
    const int64_t axis = rank - 1 - static_cast<int64_t>(i);
    FERRYMAN_TRY(const ValueId before, filled(axis, pairs[2 * i]));
    FERRYMAN_TRY(const ValueId after, filled(axis, pairs[2 * i + 1]));
    std::vector<ValueId> parts;
    for (const ValueId part : {before, x, after})
      if (part.valid()) parts.push_back(part);
    x = write.concat(parts, static_cast<size_t>(axis));
  }
  return std::vector{x};
}

bool has_free_size(const ImportArgs& list) {
  return std::ranges::any_of(
      list, [](const ImportArg& item) { return std::holds_alternative<Dim>(item.value); });
}

// A negative width takes entries away; afterwards there are none.
ValueId crop(CoreWriter write, ValueId x, PadWidths& widths) {
  for (size_t i = 0; i < widths.before.size(); ++i) {
    if (widths.before[i] >= 0 && widths.after[i] >= 0) continue;
    const Dim size = write.dims(x)[i];
    const int64_t begin = std::max<int64_t>(-widths.before[i], 0);
    const int64_t cut = std::max<int64_t>(-widths.after[i], 0);
    if (size.is_static() && begin + cut > size.size())
      return write.refuse("more taken away than there is");
    const Dim end = write.symbols().shift(size, -cut);
    x = write.slice_axis(x, static_cast<int64_t>(i), begin, end);
    widths.before[i] = std::max<int64_t>(widths.before[i], 0);
    widths.after[i] = std::max<int64_t>(widths.after[i], 0);
  }
  return x;
}

bool is_nothing(const PadWidths& widths) {
  const auto is_zero = [](int64_t width) { return width == 0; };
  return std::all_of(widths.before.begin(), widths.before.end(), is_zero) &&
         std::all_of(widths.after.begin(), widths.after.end(), is_zero);
}

ValueId pad_constant(CoreWriter write, ValueId x, PadWidths widths, double value) {
  x = crop(write, x, widths);
  if (is_nothing(widths)) return x;
  return write.op(ops::kPad, {x},
                  {{attr::kBefore, PerAxis{widths.before}},
                   {attr::kAfter, PerAxis{widths.after}},
                   {attr::kValue, value}});
}

ValueId pad_reflect(CoreWriter write, ValueId x, PadWidths widths) {
  x = crop(write, x, widths);
  if (is_nothing(widths)) return x;
  return write.op(ops::kReflectPad, {x},
                  {{attr::kBefore, PerAxis{widths.before}}, {attr::kAfter, PerAxis{widths.after}}});
}

// `count` entries like the one at `index`.
ValueId repeated_entry(CoreWriter write, ValueId x, int64_t axis, Dim index, int64_t count) {
  const ValueId entry = write.slice_axis(x, axis, index, write.symbols().shift(index, 1));
  Dims shape = write.dims(x);
  shape[static_cast<size_t>(axis)] = count;
  return write.expand(entry, shape);
}

// Where one end takes away all that there is: the entry that stands nearest to each place.
ValueId replicate_nearest(CoreWriter write, ValueId x, PadWidths& widths) {
  for (size_t i = 0; i < widths.before.size(); ++i) {
    if (widths.before[i] >= 0 && widths.after[i] >= 0) continue;
    const int64_t size = write.size(x, i);
    const int64_t kept =
        size - std::max<int64_t>(-widths.before[i], 0) - std::max<int64_t>(-widths.after[i], 0);
    const int64_t count = size + widths.before[i] + widths.after[i];
    if (size == 0 || kept > 0) continue;
    if (count < 0) return write.refuse("more taken away than there is");
    Ints nearest;
    for (int64_t place = 0; place < count; ++place)
      nearest.push_back(std::clamp<int64_t>(place - widths.before[i], 0, size - 1));
    x = write.gather(x, static_cast<int64_t>(i), write.indices({count}, nearest));
    widths.before[i] = widths.after[i] = 0;
  }
  return x;
}

// Axis by axis: the first entry repeated, x, the last entry repeated.
ValueId pad_replicate(CoreWriter write, ValueId x, PadWidths widths) {
  x = replicate_nearest(write, x, widths);
  x = crop(write, x, widths);
  for (size_t i = 0; i < widths.before.size(); ++i) {
    const auto axis = static_cast<int64_t>(i);
    const Dim size = write.dims(x)[i];
    if (widths.before[i] == 0 && widths.after[i] == 0) continue;
    if (size == Dim(0)) return write.refuse("an empty axis has no edge");
    std::vector<ValueId> parts = {x};
    if (widths.before[i] > 0) {
      const ValueId before = repeated_entry(write, x, axis, 0, widths.before[i]);
      parts.insert(parts.begin(), before);
    }
    if (widths.after[i] > 0) {
      const ValueId after =
          repeated_entry(write, x, axis, write.symbols().shift(size, -1), widths.after[i]);
      parts.push_back(after);
    }
    x = write.concat(parts, axis);
  }
  return x;
}

// Axis by axis: the last entries, x, the first entries.
ValueId pad_circular(CoreWriter write, ValueId x, PadWidths widths) {
  x = crop(write, x, widths);
  for (size_t i = 0; i < widths.before.size(); ++i) {
    const auto axis = static_cast<int64_t>(i);
    if (widths.before[i] == 0 && widths.after[i] == 0) continue;
    const Dim size = write.dims(x)[i];
    if (size.is_static() && std::max(widths.before[i], widths.after[i]) > size.size())
      return write.refuse("circular padding wider than the tensor");
    std::vector<ValueId> parts = {x};
    if (widths.before[i] > 0) {
      const ValueId before =
          write.slice_axis(x, axis, write.symbols().shift(size, -widths.before[i]), size);
      parts.insert(parts.begin(), before);
    }
    if (widths.after[i] > 0) {
      const ValueId after = write.slice_axis(x, axis, 0, widths.after[i]);
      parts.push_back(after);
    }
    x = write.concat(parts, axis);
  }
  return x;
}

// With a number that is only known at run time, wherever a padded mask says so.
Imported pad_computed(ImportContext& call, ValueId x, const PadWidths& widths) {
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(x);
  FERRYMAN_TRY(const ValueId value, tensor_as(call, "value", dtype));
  const ValueId kept = write.filled(DType::kF32, write.dims(x), 1, "kept");
  const ValueId mask = pad_constant(write, kept, widths, 0);
  const ValueId is_kept = write.cast(mask, DType::kBool);
  const ValueId padded = pad_constant(write, x, widths, 0);
  return one_result(write.where(is_kept, padded, value));
}

Imported import_constant_pad(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const ImportArg* pairs = call.find("pad");
  const auto* list = pairs == nullptr ? nullptr : std::get_if<ImportArgs>(&pairs->value);
  if (list != nullptr && has_free_size(*list)) return pad_freely(call, x, *list);
  FERRYMAN_TRY(PadWidths widths, read_widths(call, "pad", write.rank(x)));
  if (call.is_of_run_time("value")) return pad_computed(call, x, widths);
  FERRYMAN_TRY(const double value, call.number("value", 0));
  return one_result(pad_constant(write, x, std::move(widths), value));
}

Imported import_pad(ImportContext& call) {
  FERRYMAN_TRY(const std::string mode, call.text("mode", "constant"));
  if (mode == "constant") return import_constant_pad(call);
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(PadWidths widths, read_widths(call, "pad", write.rank(x)));
  call.ignore("value");
  if (mode == "reflect") return one_result(pad_reflect(write, x, std::move(widths)));
  if (mode == "replicate") return one_result(pad_replicate(write, x, std::move(widths)));
  if (mode == "circular") return one_result(pad_circular(write, x, std::move(widths)));
  return call.unsupported("unknown mode '" + mode + "'");
}

Imported import_reflection_pad(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(PadWidths widths, read_widths(call, "padding", write.rank(x)));
  return one_result(pad_reflect(write, x, std::move(widths)));
}

Imported import_replication_pad(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(PadWidths widths, read_widths(call, "padding", write.rank(x)));
  return one_result(pad_replicate(write, x, std::move(widths)));
}

Imported import_circular_pad(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(PadWidths widths, read_widths(call, "pad", write.rank(x)));
  return one_result(pad_circular(write, x, std::move(widths)));
}

}  // namespace

void add_pad_ops(Ops& ops) {
  define_pad_rows(ops);
  ImportTable& imports = ops.imports;
  imports.add("constant_pad_nd.default", import_constant_pad);
  imports.add("pad.default", import_pad);
  imports.add({"reflection_pad1d.default", "reflection_pad2d.default", "reflection_pad3d.default"},
              import_reflection_pad);
  imports.add(
      {"replication_pad1d.default", "replication_pad2d.default", "replication_pad3d.default"},
      import_replication_pad);
  imports.add("_pad_circular.default", import_circular_pad);
}

}  // namespace ferryman
