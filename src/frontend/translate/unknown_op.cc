#include "frontend/translate/unknown_op.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "frontend/program/import_key.h"

namespace ferryman::frontend {

namespace {

// Ops that draw numbers: those which torch tags nondeterministic_seeded.
constexpr std::array<std::string_view, 28> kRandom = {"_fused_dropout",
                                                      "_sample_dirichlet",
                                                      "_standard_gamma",
                                                      "alpha_dropout",
                                                      "bernoulli",
                                                      "binomial",
                                                      "cauchy",
                                                      "dropout",
                                                      "exponential",
                                                      "feature_alpha_dropout",
                                                      "feature_dropout",
                                                      "geometric",
                                                      "log_normal",
                                                      "multinomial",
                                                      "native_dropout",
                                                      "normal",
                                                      "normal_functional",
                                                      "poisson",
                                                      "rand",
                                                      "rand_like",
                                                      "randint",
                                                      "randint_like",
                                                      "randn",
                                                      "randn_like",
                                                      "random",
                                                      "randperm",
                                                      "rrelu_with_noise",
                                                      "uniform"};

constexpr std::string_view kNoRandom =
    "a file draws no random numbers: give the model an input for them, and draw outside";

// What converts in the place of an op. A name that ends with * stands for all that begin so.
struct Idiom {
  std::string_view op;
  std::string_view instead;
};
constexpr std::string_view kUnique =
    "sort, and keep what differs from the entry before: s = x.flatten().sort().values; "
    "torch.cat([s[:1], s[1:][s[1:] != s[:-1]]])";
constexpr std::string_view kFloatModel =
    "convert the model in floating point, before it is quantised, and quantise the file";
constexpr std::string_view kDense = "keep tensors dense: x.to_dense() outside of the model";
constexpr std::string_view kPadded =
    "nested tensors have no fixed shape: torch.nn.utils.rnn.pad_sequence and a mask do";
constexpr std::string_view kLoss = "a loss belongs to training: convert the model without it";
constexpr std::string_view kRegions =
    "torch.cond, while_loop, scan, map and associative_scan convert";
constexpr std::array kIdioms = {
    Idiom{"repeat_interleave",
          "pass output_size=…, the number of entries of the result, where it is the same for all "
          "inputs; or gather: x[positions], with the positions as an input"},
    Idiom{"_unique", kUnique},
    Idiom{"_unique2", kUnique},
    Idiom{"unique_dim", kUnique},
    Idiom{"unique_consecutive",
          "keep what differs from the entry before: torch.cat([x[:1], x[1:][x[1:] != x[:-1]]])"},
    Idiom{"bincount", "torch.nn.functional.one_hot(x, n).sum(0), with the number n of bins"},
    Idiom{"histogram", "torch.histc, with the same bins, min and max"},
    Idiom{"_histogramdd*", "torch.histc of each axis, or one_hot of bucketize, summed"},
    Idiom{"linalg_eig", "of a symmetric matrix torch.linalg.eigvalsh converts"},
    Idiom{"_linalg_eigvals", "of a symmetric matrix torch.linalg.eigvalsh converts"},
    Idiom{"linalg_eigvals", "of a symmetric matrix torch.linalg.eigvalsh converts"},
    Idiom{"linalg_lstsq", "torch.linalg.solve(a.mT @ a, a.mT @ b)"},
    Idiom{"_local_scalar_dense",
          "keep the number a tensor: what item() gives is not known before the model runs"},
    Idiom{"_batch_norm_with_update", "call model.eval() before the export"},
    Idiom{"quantize_per_*", kFloatModel},
    Idiom{"dequantize", kFloatModel},
    Idiom{"q_scale", kFloatModel},
    Idiom{"q_zero_point", kFloatModel},
    Idiom{"int_repr", kFloatModel},
    Idiom{"quantized.*", kFloatModel},
    Idiom{"quantized_decomposed.*", kFloatModel},
    Idiom{"fake_quantize_*", kFloatModel},
    Idiom{"_fake_quantize_*", kFloatModel},
    Idiom{"_to_sparse*", kDense},
    Idiom{"to_sparse*", kDense},
    Idiom{"_sparse_*", kDense},
    Idiom{"sparse_*", kDense},
    Idiom{"_coalesce*", kDense},
    Idiom{"_nested_*", kPadded},
    Idiom{"_ctc_loss", kLoss},
    Idiom{"ctc_loss", kLoss},
    Idiom{"multilabel_margin_loss*", kLoss},
    Idiom{"higher_order.*", kRegions},
};

// "normal" of "normal_.default"; an op of another library keeps its name: "quantized.add".
std::string_view op_name(std::string_view key) {
  const size_t overload = key.rfind('.');
  std::string_view name = key.substr(0, overload);
  if (name.ends_with('_') && !name.ends_with("__")) name.remove_suffix(1);
  return name;
}

bool is_named(std::string_view name, std::string_view pattern) {
  if (!pattern.ends_with('*')) return name == pattern;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

Diag unsupported_op(const Node& node) {
  return Diag::error(DiagCode::kUnsupportedOp, fmt::format("{} is not supported", node.target))
      .at(node.location)
      .about(node.target);
}

// `key` as import_key gives it.
std::string_view find_idiom(std::string_view key) {
  const std::string_view name = op_name(key);
  if (std::find(kRandom.begin(), kRandom.end(), name) != kRandom.end()) return kNoRandom;
  const auto* found = std::find_if(kIdioms.begin(), kIdioms.end(), [&](const Idiom& idiom) {
    return is_named(name, idiom.op) || is_named(key, idiom.op);
  });
  return found == kIdioms.end() ? std::string_view() : found->instead;
}

std::string how_to_do_without(std::string_view key, Origin origin) {
  if (const std::string_view idiom = find_idiom(key); !idiom.empty()) return std::string(idiom);
  std::string hint = "express it with other operations of torch, or move it out of the model";
  if (origin == Origin::kArchive)
    hint += "; ferryman.export(module, args, path) has torch decompose what it can";
  return hint;
}

}  // namespace

Diag unknown_op(const Node& node, Origin origin) {
  return unsupported_op(node).hint(how_to_do_without(import_key(node.target), origin));
}

Diag unknown_write(const Node& node, Origin origin) {
  return unknown_op(node, origin).because("this form of writing in place is not supported");
}

std::string idiom_in_place_of(const Node& node) {
  return std::string(find_idiom(import_key(node.target)));
}

Diag no_complex_form(const Node& node) {
  return unsupported_op(node).because("it has no form for complex numbers");
}

}  // namespace ferryman::frontend
