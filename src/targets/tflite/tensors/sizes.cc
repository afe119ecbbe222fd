#include "targets/tflite/tensors/sizes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "targets/tflite/format/option_fields.h"

namespace ferryman::tflite {

TensorIndex SizeTable::emit(Op op, std::vector<TensorIndex> inputs,
                            const std::vector<int32_t>& shape, Options options) {
  Subgraph& subgraph = tensors_.subgraph();
  const TensorIndex output = subgraph.add({.type = DType::kI32, .shape = shape});
  if (options.is_default()) options = default_options(op);
  subgraph.operators.push_back(
      {.op = op, .inputs = std::move(inputs), .outputs = {output}, .options = std::move(options)});
  return output;
}

TensorIndex SizeTable::read(TensorIndex input, size_t axis) {
  const auto rank = static_cast<int32_t>(tensors_.shape(input).size());
  const auto known = shapes_.find(input);
  const TensorIndex shape =
      known != shapes_.end()
          ? known->second
          : emit(Op::kShape, {input}, {rank}, ShapeOptions{.out_type = TensorType::kInt32});
  shapes_.emplace(input, shape);
  const auto at = static_cast<int32_t>(axis);
  return emit(Op::kStridedSlice,
              {shape, tensors_.add_int32_vector({at}), tensors_.add_int32_vector({at + 1}),
               tensors_.add_int32_vector({1})},
              {}, StridedSliceOptions{.shrink_axis_mask = 1});
}

// An axis that is the symbol itself, or times a number with another one added.
TensorIndex SizeTable::symbol(size_t place) {
  SymbolTable& symbols = tensors_.symbols();
  std::optional<std::pair<TensorIndex, size_t>> best;  // an input and its axis
  SymbolTable::Linear told;
  for (const TensorIndex input : inputs_) {
    const Shape shape = tensors_.shape(input);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      const std::optional<SymbolTable::Linear> linear = symbols.linear_in(shape[axis], place);
      if (!linear.has_value()) continue;
      const bool is_symbol = linear->times == 1 && linear->offset == 0;
      if (is_symbol) return read(input, axis);
      if (best.has_value()) continue;
      best = {input, axis};
      told = *linear;
    }
  }
  if (!best.has_value())
    throw SizeError(fmt::format("no input tells the size '{}'", symbols.symbols()[place].name));
  TensorIndex number = read(best->first, best->second);
  const auto constant = [&](int64_t value) {
    return tensors_.add_int32({static_cast<int32_t>(value)}, {});
  };
  if (told.offset != 0) number = emit(Op::kSub, {number, constant(told.offset)});
  if (told.times != 1) number = emit(Op::kFloorDiv, {number, constant(told.times)});
  return number;
}

TensorIndex SizeTable::atom(uint32_t id) {
  const SymbolTable::Atom atom = tensors_.symbols().atom(id);
  switch (atom.kind) {
    case SymbolTable::Kind::kSymbol:
      return symbol(static_cast<size_t>(*atom.lhs.number()));
    case SymbolTable::Kind::kFloorDiv:
      return emit(Op::kFloorDiv, {value(atom.lhs), value(atom.rhs)});
    case SymbolTable::Kind::kMax:
      return emit(Op::kMaximum, {value(atom.lhs), value(atom.rhs)});
    case SymbolTable::Kind::kMin:
      return emit(Op::kMinimum, {value(atom.lhs), value(atom.rhs)});
  }
  throw SizeError("a size of an unknown kind");
}

// Without its number, the product of the atoms.
TensorIndex SizeTable::term(const SizeExpr::Term& term) {
  TensorIndex product = kAbsent;
  for (const uint32_t id : term.atoms) {
    const TensorIndex next = value(SizeExpr::atom(id));
    product = product == kAbsent ? next : emit(Op::kMul, {product, next});
  }
  if (term.factor == 1 && product != kAbsent) return product;
  const TensorIndex factor = tensors_.add_int32({static_cast<int32_t>(term.factor)}, {});
  return product == kAbsent ? factor : emit(Op::kMul, {product, factor});
}

TensorIndex SizeTable::sum(const SizeExpr& size) {
  TensorIndex total = kAbsent;
  for (const SizeExpr::Term& next : size.terms()) {
    const TensorIndex part = term(next);
    total = total == kAbsent ? part : emit(Op::kAdd, {total, part});
  }
  return total == kAbsent ? tensors_.add_int32({0}, {}) : total;
}

TensorIndex SizeTable::value(const SizeExpr& size) {
  if (const auto known = values_.find(size); known != values_.end()) return known->second;
  const std::optional<uint32_t> single = size.single_atom();
  const TensorIndex made = single.has_value() ? atom(*single) : sum(size);
  values_.emplace(size, made);
  return made;
}

TensorIndex SizeTable::scalar(Dim dim) {
  return value(tensors_.symbols().of(dim));
}

TensorIndex SizeTable::vector(const Shape& shape) {
  if (all_static(shape)) {
    const std::vector<int64_t> sizes = static_sizes(shape);
    return tensors_.add_int32_vector({sizes.begin(), sizes.end()});
  }
  if (const auto known = vectors_.find(shape); known != vectors_.end()) return known->second;
  std::vector<TensorIndex> parts;
  for (const Dim dim : shape) parts.push_back(scalar(dim));
  const auto count = static_cast<int32_t>(parts.size());
  const TensorIndex made =
      emit(Op::kPack, std::move(parts), {count}, PackOptions{.values_count = count, .axis = 0});
  vectors_.emplace(shape, made);
  return made;
}

ReshapeTo SizeTable::reshape(const Shape& shape) {
  const auto free =
      std::count_if(shape.begin(), shape.end(), [](Dim dim) { return !dim.is_static(); });
  if (free > 1) return {vector(shape), {}};
  std::vector<int32_t> sizes;
  for (const Dim dim : shape)
    sizes.push_back(dim.is_static() ? static_cast<int32_t>(dim.size()) : -1);
  return {tensors_.add_int32_vector(sizes), {.new_shape = sizes}};
}

}  // namespace ferryman::tflite
