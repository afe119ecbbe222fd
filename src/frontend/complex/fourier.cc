// The Fourier transforms of torch.fft and what they decompose to.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "frontend/complex/complex_table.h"
#include "frontend/complex/dft.h"

namespace ferryman::frontend {

namespace {

// What goes in and comes out: real numbers become half a spectrum (rfft), a half becomes real
// numbers (irfft), or both sides are complex. The last of the axes is the halved one.
enum class Halved : uint8_t { kNeither, kResult, kOperand };

struct FourierCall {
  Halved halved = Halved::kNeither;
  int sign = -1;
  double scale = 1;
  Ints axes;
  Ints sizes;  // of the transforms
};

class Fourier {
 public:
  Fourier(ImportContext& call, const FourierCall& transforms)
      : dft_(call), transforms_(transforms) {}

  // The halved axis while the numbers are real: first of a real operand, last of a real result.
  ComplexImported run(ComplexValue x) {
    const size_t count = transforms_.axes.size();
    scale_ = transforms_.scale;
    if (transforms_.halved == Halved::kOperand) {
      for (size_t i = 0; i + 1 < count; ++i) x = along(x, i, transforms_.sizes[i]);
      return real_result(to_real(x));
    }
    for (size_t i = count; i-- > 0;) {
      const bool is_halved = transforms_.halved == Halved::kResult && i + 1 == count;
      const int64_t size = transforms_.sizes[i];
      x = along(x, i, is_halved ? size / 2 + 1 : size);
    }
    if (!x.imag.valid()) x.imag = dft_.zeros_like(x.real);
    return complex_result(x);
  }

 private:
  // The scale of all is the business of the first.
  double take_scale() { return std::exchange(scale_, 1.0); }

  ComplexValue along(const ComplexValue& x, size_t index, int64_t outputs) {
    const int64_t axis = transforms_.axes[index];
    const int64_t size = transforms_.sizes[index];
    const ComplexValue y =
        dft_.transform(moved_last(x, axis, size), {size, outputs, transforms_.sign, take_scale()});
    return Formula::each(y, [&](ValueId part) { return dft_.from_last(part, axis); });
  }

  ValueId to_real(const ComplexValue& x) {
    const int64_t axis = transforms_.axes.back();
    const int64_t size = transforms_.sizes.back();
    const ComplexValue half = moved_last(x, axis, size / 2 + 1);
    return dft_.from_last(dft_.real_transform(half, {size, size, transforms_.sign, take_scale()}),
                          axis);
  }

  // Entries beyond `size` are cut off.
  ComplexValue moved_last(const ComplexValue& x, int64_t axis, int64_t size) {
    return Formula::each(x, [&](ValueId part) {
      const int64_t kept = std::min(size, dft_.size(part, axis));
      return dft_.to_last(dft_.slice_axis(part, axis, 0, kept), axis);
    });
  }

  Dft dft_;
  const FourierCall& transforms_;
  double scale_ = 1;
};

ComplexImported run(ComplexCall& call, const ComplexValue& x, const FourierCall& transforms) {
  ImportContext& context = call.context();
  for (const int64_t size : transforms.sizes) {
    if (size < 1) return context.unsupported("a transform of no numbers");
  }
  if (product(call.writer().sizes(x.real)) == 0)
    return context.unsupported("a transform of no numbers");
  if (!transforms.axes.empty()) return Fourier(context, transforms).run(x);
  if (x.imag.valid() || !call.gives_complex()) return context.unsupported("no axis to transform");
  return complex_result(ComplexValue{x.real, Formula(call.writer()).zeros_like(x.real), {}});
}

Result<ComplexValue> read_numbers(ComplexCall& call) {
  return call.real_or_complex("self");
}

// ---- _fft_r2c, _fft_c2c, _fft_c2r ----

double product_of(const Ints& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), 1.0,
                         [](double all, int64_t size) { return all * static_cast<double>(size); });
}

// ATen's fft_norm_mode: nothing, the root of the number of entries, that number.
Result<double> scale_of_mode(ImportContext& call, int64_t mode, const Ints& sizes) {
  switch (mode) {
    case 0:
      return 1.0;
    case 1:
      return 1 / std::sqrt(product_of(sizes));
    case 2:
      return 1 / product_of(sizes);
    default:
      return call.unsupported("an unknown normalization");
  }
}

Result<FourierCall> read_primitive(ImportContext& call, const ComplexValue& x) {
  FourierCall transforms;
  const Ints shape = call.writer().sizes(x.real);
  FERRYMAN_TRY(const Ints axes, call.integers("dim"));
  for (const int64_t axis : axes) {
    FERRYMAN_TRY(const int64_t position, normalise_axis(axis, shape.size()));
    if (shape.empty()) return call.unsupported("a tensor without axes");
    transforms.axes.push_back(position);
    transforms.sizes.push_back(shape[static_cast<size_t>(position)]);
  }
  return transforms;
}

ComplexImported run_primitive(ComplexCall& call, const ComplexValue& x, FourierCall transforms) {
  FERRYMAN_TRY(const int64_t mode, call.context().integer("normalization"));
  FERRYMAN_TRY(transforms.scale, scale_of_mode(call.context(), mode, transforms.sizes));
  return run(call, x, transforms);
}

ComplexImported import_r2c(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue x, read_numbers(call));
  FERRYMAN_TRY(FourierCall transforms, read_primitive(call.context(), x));
  FERRYMAN_TRY(const bool onesided, call.context().flag("onesided", false));
  if (onesided) transforms.halved = Halved::kResult;
  return run_primitive(call, x, transforms);
}

ComplexImported import_c2c(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue x, read_numbers(call));
  FERRYMAN_TRY(FourierCall transforms, read_primitive(call.context(), x));
  FERRYMAN_TRY(const bool forward, call.context().flag("forward", true));
  transforms.sign = forward ? -1 : 1;
  return run_primitive(call, x, transforms);
}

ComplexImported import_c2r(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue x, read_numbers(call));
  FERRYMAN_TRY(FourierCall transforms, read_primitive(call.context(), x));
  if (transforms.axes.empty()) return call.context().unsupported("no axis to transform");
  FERRYMAN_TRY(transforms.sizes.back(), call.context().integer("last_dim_size"));
  transforms.sign = 1;
  transforms.halved = Halved::kOperand;
  return run_primitive(call, x, transforms);
}

// ---- torch.fft ----

// How a function of torch.fft names its axes and sizes.
enum class Axial : uint8_t { kOne, kTwo, kAll };

// "dim" and the lengths "n" or "s"; of lengths alone, the last axes.
Result<FourierCall> read_axes(ImportContext& call, const ComplexValue& x, Axial axial) {
  const Ints shape = call.writer().sizes(x.real);
  const auto rank = static_cast<int64_t>(shape.size());
  FERRYMAN_TRY(const Ints lengths, call.integers(axial == Axial::kOne ? "n" : "s", Ints{}));
  Ints axes;
  if (axial == Axial::kOne) axes = {-1};
  if (axial == Axial::kTwo) axes = {-2, -1};
  if (axial == Axial::kAll) {
    const auto count = lengths.empty() ? rank : static_cast<int64_t>(lengths.size());
    for (int64_t i = 0; i < count; ++i) axes.push_back(i - count);
  }
  FERRYMAN_TRY(axes, call.integers("dim", axes));
  if (shape.empty() || (!lengths.empty() && lengths.size() != axes.size()))
    return call.unsupported("these axes");
  FourierCall transforms;
  for (size_t i = 0; i < axes.size(); ++i) {
    FERRYMAN_TRY(const int64_t axis, normalise_axis(axes[i], shape.size()));
    const int64_t length = lengths.empty() ? -1 : lengths[i];
    transforms.axes.push_back(axis);
    transforms.sizes.push_back(length == -1 ? shape[static_cast<size_t>(axis)] : length);
  }
  return transforms;
}

Result<double> scale_of_norm(ImportContext& call, const FourierCall& transforms) {
  FERRYMAN_TRY(const std::string norm, call.text("norm", "backward"));
  if (norm == "ortho") return 1 / std::sqrt(product_of(transforms.sizes));
  const bool is_forward = transforms.sign < 0;
  if (norm == "backward") return is_forward ? 1.0 : 1 / product_of(transforms.sizes);
  if (norm == "forward") return is_forward ? 1 / product_of(transforms.sizes) : 1.0;
  return call.unsupported("an unknown norm");
}

template <Halved kHalved, int kSign, Axial kAxial>
ComplexImported import_fft(ComplexCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ComplexValue x, read_numbers(call));
  FERRYMAN_TRY(FourierCall transforms, read_axes(context, x, kAxial));
  transforms.halved = kHalved;
  transforms.sign = kSign;
  // Half a spectrum of m entries has 2 (m - 1) numbers, unless the call says otherwise.
  if (kHalved == Halved::kOperand && !transforms.axes.empty()) {
    FERRYMAN_TRY(const Ints lengths, context.integers(kAxial == Axial::kOne ? "n" : "s", Ints{}));
    if (lengths.empty() || lengths.back() == -1)
      transforms.sizes.back() = 2 * (transforms.sizes.back() - 1);
  }
  FERRYMAN_TRY(transforms.scale, scale_of_norm(context, transforms));
  return run(call, x, transforms);
}

template <Halved kHalved, int kSign>
void add_family(ComplexTable& table, std::string_view one, std::string_view two,
                std::string_view all) {
  table.add({one}, import_fft<kHalved, kSign, Axial::kOne>);
  table.add({two}, import_fft<kHalved, kSign, Axial::kTwo>);
  table.add({all}, import_fft<kHalved, kSign, Axial::kAll>);
}

}  // namespace

void add_fourier(ComplexTable& table) {
  table.add({"_fft_r2c.default"}, import_r2c);
  table.add({"_fft_c2c.default"}, import_c2c);
  table.add({"_fft_c2r.default"}, import_c2r);
  constexpr Halved kNeither = Halved::kNeither;
  constexpr Halved kResult = Halved::kResult;
  constexpr Halved kOperand = Halved::kOperand;
  add_family<kNeither, -1>(table, "fft_fft.default", "fft_fft2.default", "fft_fftn.default");
  add_family<kNeither, 1>(table, "fft_ifft.default", "fft_ifft2.default", "fft_ifftn.default");
  add_family<kResult, -1>(table, "fft_rfft.default", "fft_rfft2.default", "fft_rfftn.default");
  add_family<kResult, 1>(table, "fft_ihfft.default", "fft_ihfft2.default", "fft_ihfftn.default");
  add_family<kOperand, 1>(table, "fft_irfft.default", "fft_irfft2.default", "fft_irfftn.default");
  add_family<kOperand, -1>(table, "fft_hfft.default", "fft_hfft2.default", "fft_hfftn.default");
}

}  // namespace ferryman::frontend
