#include "ops/product/einsum.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "ops/attrs.h"
#include "ops/index/index_arrays.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// Labels 0..kFirstEllipsis-1 are characters; "..." takes labels from there, the last axis first.
constexpr int kFirstEllipsis = 128;

struct Term {
  Labels labels;
  std::optional<size_t> ellipsis;  // position in `labels`
};

Result<Term> parse_term(std::string_view text) {
  Term term;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == ' ') continue;
    if (text.substr(i, 3) == "..." && !term.ellipsis.has_value()) {
      term.ellipsis = term.labels.size();
      i += 2;
    } else if (std::isalpha(c) != 0 && c < kFirstEllipsis) {
      term.labels.push_back(c);
    } else {
      return shape_error(fmt::format("'{}' in an einsum equation", text));
    }
  }
  return term;
}

// Puts the labels of `count` axes where the ellipsis stands.
Labels expand_ellipsis(const Term& term, size_t count) {
  Labels labels = term.labels;
  if (!term.ellipsis.has_value()) return labels;
  Labels hidden;
  for (size_t i = count; i-- > 0;) hidden.push_back(kFirstEllipsis + static_cast<int>(i));
  labels.insert(labels.begin() + static_cast<std::ptrdiff_t>(*term.ellipsis), hidden.begin(),
                hidden.end());
  return labels;
}

// Without "->": the ellipsis, then every letter that occurs once, in alphabetical order.
Labels implicit_result(const std::vector<Labels>& operands) {
  std::map<int, int> counts;
  for (const Labels& labels : operands) {
    for (const int label : labels) ++counts[label];
  }
  Labels hidden;
  Labels letters;
  for (const auto& [label, count] : counts) {
    if (label >= kFirstEllipsis) hidden.insert(hidden.begin(), label);
    if (label < kFirstEllipsis && count == 1) letters.push_back(label);
  }
  hidden.insert(hidden.end(), letters.begin(), letters.end());
  return hidden;
}

std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  while (true) {
    const size_t comma = text.find(',');
    terms.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return terms;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<EinsumEquation> parse_einsum(std::string_view text, const std::vector<size_t>& ranks) {
  const size_t arrow = text.find("->");
  const std::vector<std::string_view> terms = split_terms(text.substr(0, arrow));
  if (terms.size() != ranks.size())
    return shape_error(fmt::format("einsum '{}' of {} tensors", text, ranks.size()));
  EinsumEquation equation;
  size_t most_hidden = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    FERRYMAN_TRY(const Term term, parse_term(terms[i]));
    const bool fits =
        term.ellipsis.has_value() ? term.labels.size() <= ranks[i] : term.labels.size() == ranks[i];
    if (!fits) return shape_error(fmt::format("einsum '{}' on {} axes", terms[i], ranks[i]));
    const size_t hidden = ranks[i] - term.labels.size();
    most_hidden = std::max(most_hidden, hidden);
    equation.operands.push_back(expand_ellipsis(term, hidden));
  }
  if (arrow == std::string_view::npos) {
    equation.result = implicit_result(equation.operands);
    return equation;
  }
  FERRYMAN_TRY(const Term term, parse_term(text.substr(arrow + 2)));
  equation.result = expand_ellipsis(term, most_hidden);
  return equation;
}

namespace {

// A tensor whose axes carry labels.
struct Labelled {
  ValueId value;
  Labels labels;
};

bool has(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

class EinsumWriter {
 public:
  explicit EinsumWriter(ImportContext& call) : call_(call), write_(call.writer()) {}

  Result<ValueId> write(const EinsumEquation& equation, const std::vector<ValueId>& tensors) {
    FERRYMAN_TRY(Labelled product, diagonal({tensors[0], equation.operands[0]}));
    for (size_t i = 1; i < tensors.size(); ++i) {
      FERRYMAN_TRY(const Labelled factor, diagonal({tensors[i], equation.operands[i]}));
      Labels needed = equation.result;
      for (size_t later = i + 1; later < tensors.size(); ++later)
        needed.insert(needed.end(), equation.operands[later].begin(),
                      equation.operands[later].end());
      FERRYMAN_TRY(product, multiply(product, factor, needed));
    }
    product = sum_unneeded(product, equation.result);
    for (const int label : equation.result) {
      if (!has(product.labels, label)) return call_.unsupported("a result axis without operand");
    }
    return ordered(product, equation.result).value;
  }

 private:
  // Axes of the same label become one, which stands last.
  Result<Labelled> diagonal(Labelled x) {
    for (size_t first = 0; first < x.labels.size();) {
      const auto later = std::find(x.labels.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                                   x.labels.end(), x.labels[first]);
      if (later == x.labels.end()) {
        ++first;
        continue;
      }
      const int label = *later;
      x.value =
          emit_diagonal(write_, x.value, static_cast<int64_t>(first), later - x.labels.begin(), 0);
      std::erase(x.labels, label);
      x.labels.push_back(label);
      first = 0;
    }
    return x;
  }

  Dim dim(const Labelled& x, int label) const {
    const auto position = std::find(x.labels.begin(), x.labels.end(), label) - x.labels.begin();
    return write_.dims(x.value)[static_cast<size_t>(position)];
  }

  Labelled ordered(const Labelled& x, const Labels& order) {
    if (x.labels == order) return x;
    Ints perm;
    for (const int label : order)
      perm.push_back(std::find(x.labels.begin(), x.labels.end(), label) - x.labels.begin());
    return {write_.permute(x.value, std::move(perm)), order};
  }

  // Sums of whole numbers are int64, as those of torch.sum.
  Labelled sum_unneeded(const Labelled& x, const Labels& needed) {
    Ints axes;
    Labels kept;
    for (size_t i = 0; i < x.labels.size(); ++i) {
      if (has(needed, x.labels[i])) kept.push_back(x.labels[i]);
      if (!has(needed, x.labels[i])) axes.push_back(static_cast<int64_t>(i));
    }
    if (axes.empty()) return x;
    const DType dtype = write_.dtype(x.value);
    const ValueId wide = write_.cast(x.value, is_floating(dtype) ? dtype : DType::kI64);
    return {write_.reduce(ops::kSum, wide, std::move(axes), /*keepdim=*/false), kept};
  }

  Status give_common_dtype(Labelled& a, Labelled& b) {
    const std::optional<DType> common = promote_types(write_.dtype(a.value), write_.dtype(b.value));
    if (!common.has_value()) return call_.unsupported("operands of types that do not go together");
    a.value = write_.cast(a.value, *common);
    b.value = write_.cast(b.value, *common);
    return {};
  }

  Dim merged(const Labelled& x, const Labels& labels) {
    Dim result(1);
    for (const int label : labels) result = symbols().mul(result, dim(x, label));
    return result;
  }

  SymbolTable& symbols() { return write_.builder().symbols(); }

  Result<Labelled> multiply(Labelled a, Labelled b, const Labels& needed);
  Labelled write_matmul(const Labelled& a, const Labelled& b, const Labels& batch,
                        const Labels& inner);

  ImportContext& call_;
  CoreWriter write_;
};

Labels concat(std::initializer_list<Labels> lists) {
  Labels result;
  for (const Labels& list : lists) result.insert(result.end(), list.begin(), list.end());
  return result;
}

// Labels of both and needed: batch. Of both only: contracted. Of one: rows or columns.
Result<Labelled> EinsumWriter::multiply(Labelled a, Labelled b, const Labels& needed) {
  // One number against many is one number against their sum.
  Labels both;
  for (const int label : a.labels) {
    if (!has(b.labels, label)) continue;
    if (has(needed, label) || dim(a, label) == dim(b, label)) both.push_back(label);
  }
  a = sum_unneeded(a, concat({needed, both}));
  b = sum_unneeded(b, concat({needed, both}));
  FERRYMAN_TRY_STATUS(give_common_dtype(a, b));
  Labels batch;
  Labels inner;
  for (const int label : both) (has(needed, label) ? batch : inner).push_back(label);
  return write_matmul(a, b, batch, inner);
}

Labels without(const Labels& labels, const Labels& removed) {
  Labels result;
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(result),
               [&](int label) { return !has(removed, label); });
  return result;
}

// a -> [batch..., rows, inner], b -> [batch..., inner, columns], product -> [batch..., rows...,
// columns...]. Batch axes stay apart, so that they may broadcast.
Labelled EinsumWriter::write_matmul(const Labelled& a, const Labelled& b, const Labels& batch,
                                    const Labels& inner) {
  const Labels rows = without(a.labels, concat({batch, inner}));
  const Labels columns = without(b.labels, concat({batch, inner}));
  const auto batch_dims = [&](const Labelled& x) {
    Dims dims;
    for (const int label : batch) dims.push_back(dim(x, label));
    return dims;
  };
  const auto appended = [](Dims dims, std::initializer_list<Dim> last) {
    dims.insert(dims.end(), last);
    return dims;
  };
  const ValueId left = write_.reshape(ordered(a, concat({batch, rows, inner})).value,
                                      appended(batch_dims(a), {merged(a, rows), merged(a, inner)}));
  const ValueId right =
      write_.reshape(ordered(b, concat({batch, inner, columns})).value,
                     appended(batch_dims(b), {merged(b, inner), merged(b, columns)}));
  const OpName times = write_.dtype(left) == DType::kBool ? ops::kLogicalAnd : ops::kMul;
  const ValueId product = write_.binary(inner.empty() ? times : ops::kMatmul, left, right);
  Dims dims = write_.dims(product);
  dims.resize(batch.size());
  for (const int label : rows) dims.push_back(dim(a, label));
  for (const int label : columns) dims.push_back(dim(b, label));
  return Labelled{write_.reshape(product, std::move(dims)), concat({batch, rows, columns})};
}

}  // namespace

Imported import_einsum(ImportContext& call) {
  FERRYMAN_TRY(const std::string text, call.text("equation", ""));
  FERRYMAN_TRY(const std::vector<ValueId> tensors, call.tensors("tensors"));
  call.ignore("path");  // an order of evaluation
  if (tensors.empty()) return call.unsupported("einsum of no tensors");
  std::vector<size_t> ranks;
  const CoreWriter write = call.writer();
  for (const ValueId tensor : tensors) ranks.push_back(write.rank(tensor));
  Result<EinsumEquation> equation = parse_einsum(text, ranks);
  if (!equation.ok()) return call.unsupported(equation.diag().what);
  FERRYMAN_TRY(const ValueId result, EinsumWriter(call).write(*equation, tensors));
  return std::vector{result};
}

namespace {

// `count` labels of their own.
Labels fresh_labels(size_t count, int first) {
  Labels labels(count);
  std::iota(labels.begin(), labels.end(), first);
  return labels;
}

// The labels of `second`, whose axes `second_axes` are the axes `first_axes` of `first`.
Result<EinsumEquation> contraction(const Labels& first, Labels second, const Ints& first_axes,
                                   const Ints& second_axes) {
  EinsumEquation equation;
  if (first_axes.size() != second_axes.size()) return shape_error("as many axes on both sides");
  Labels contracted;
  for (size_t i = 0; i < first_axes.size(); ++i) {
    FERRYMAN_TRY(const int64_t a, normalise_axis(first_axes[i], first.size()));
    FERRYMAN_TRY(const int64_t b, normalise_axis(second_axes[i], second.size()));
    contracted.push_back(first[static_cast<size_t>(a)]);
    second[static_cast<size_t>(b)] = contracted.back();
  }
  equation.operands = {first, second};
  equation.result = without(concat({first, second}), contracted);
  return equation;
}

Result<std::vector<ValueId>> contract(ImportContext& call, ValueId a, ValueId b, const Ints& a_axes,
                                      const Ints& b_axes) {
  const CoreWriter write = call.writer();
  const size_t a_rank = write.rank(a);
  const size_t b_rank = write.rank(b);
  FERRYMAN_TRY(const EinsumEquation equation,
               contraction(fresh_labels(a_rank, 0), fresh_labels(b_rank, static_cast<int>(a_rank)),
                           a_axes, b_axes));
  FERRYMAN_TRY(const ValueId result, EinsumWriter(call).write(equation, {a, b}));
  return std::vector{result};
}

}  // namespace

namespace {

ValueId emit_axis_sum(CoreWriter write, ValueId x, int64_t axis) {
  return write.reduce(ops::kSum, x, {axis}, /*keepdim=*/true);
}

}  // namespace

Imported import_tensordot(ImportContext& call) {
  FERRYMAN_TRY(ValueId a, call.tensor("self"));
  FERRYMAN_TRY(ValueId b, call.tensor("other"));
  FERRYMAN_TRY(const Ints a_axes, call.integers("dims_self"));
  FERRYMAN_TRY(const Ints b_axes, call.integers("dims_other"));
  if (a_axes.size() != b_axes.size()) return call.unsupported("as many axes on both sides");
  const CoreWriter write = call.writer();
  const Dims a_sizes = write.dims(a);
  const Dims b_sizes = write.dims(b);
  for (size_t i = 0; i < a_axes.size(); ++i) {
    FERRYMAN_TRY(const int64_t a_axis, normalise_axis(a_axes[i], a_sizes.size()));
    FERRYMAN_TRY(const int64_t b_axis, normalise_axis(b_axes[i], b_sizes.size()));
    const Dim a_size = a_sizes[static_cast<size_t>(a_axis)];
    const Dim b_size = b_sizes[static_cast<size_t>(b_axis)];
    // One number against many is one number against their sum.
    if (a_size == Dim(1) && b_size != Dim(1)) {
      b = emit_axis_sum(write, b, b_axis);
    } else if (b_size == Dim(1) && a_size != Dim(1)) {
      a = emit_axis_sum(write, a, a_axis);
    }
  }
  return contract(call, a, b, a_axes, b_axes);
}

// The last axes of both; a product if one is a scalar.
Imported import_inner(ImportContext& call) {
  FERRYMAN_TRY(const ValueId a, call.tensor("self"));
  FERRYMAN_TRY(const ValueId b, call.tensor("other"));
  const CoreWriter write = call.writer();
  const bool scalar = write.rank(a) == 0 || write.rank(b) == 0;
  return contract(call, a, b, scalar ? Ints{} : Ints{-1}, scalar ? Ints{} : Ints{-1});
}

// result[..., o] = sum over i, j of input1[..., i] * weight[o, i, j] * input2[..., j] + bias[o]
Imported import_bilinear(ImportContext& call) {
  FERRYMAN_TRY(const ValueId left, call.tensor("input1"));
  FERRYMAN_TRY(const ValueId right, call.tensor("input2"));
  FERRYMAN_TRY(const ValueId weight, call.tensor("weight"));
  FERRYMAN_TRY(const ValueId bias, call.optional_tensor("bias"));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(left);
  if (rank < 1 || write.rank(right) != rank || write.rank(weight) != 3)
    return call.unsupported("operands of these ranks");
  const Labels leading = fresh_labels(rank - 1, kFirstEllipsis);
  const EinsumEquation equation = {
      {concat({leading, {'i'}}), {'o', 'i', 'j'}, concat({leading, {'j'}})},
      concat({leading, {'o'}})};
  FERRYMAN_TRY(const ValueId product, EinsumWriter(call).write(equation, {left, weight, right}));
  if (!bias.valid()) return std::vector{product};
  return one_result(write.add(product, bias));
}

}  // namespace ferryman
