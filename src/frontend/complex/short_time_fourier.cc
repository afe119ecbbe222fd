// stft and istft: the transforms of overlapping frames, and the way back.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "frontend/complex/complex_table.h"
#include "frontend/complex/dft.h"
#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/promote.h"

namespace ferryman::frontend {

namespace {

// What both calls have in common.
struct Framing {
  int64_t size = 0;  // of a frame: n_fft
  int64_t hop = 0;
  double scale = 1;  // of the transform, there or back
  ValueId window;    // [size]; invalid: all ones
};

Result<ValueId> read_window(ComplexCall& call, Framing& framing) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const int64_t length, context.integer("win_length", framing.size));
  if (length < 1 || length > framing.size) return context.unsupported("this win_length");
  if (!context.given("window") && length == framing.size) return ValueId();
  if (call.is_complex("window")) return context.unsupported("a complex window");
  const DType dtype = call.part_dtype();
  ValueId window;
  if (context.given("window")) {
    FERRYMAN_TRY(window, tensor_as(context, "window", dtype));
  } else {
    window = context.builder().constant(TensorData::filled(dtype, {length}, 1), "window");
  }
  if (sizes_of(context, window) != Ints{length}) return context.unsupported("this window");
  const int64_t left = (framing.size - length) / 2;
  const int64_t right = framing.size - length - left;
  if (left + right == 0) return window;
  return context.emit(ops::kPad, {window},
                      {{attr::kBefore, PerAxis{{left}}}, {attr::kAfter, PerAxis{{right}}}});
}

Result<Framing> read_framing(ComplexCall& call) {
  ImportContext& context = call.context();
  Framing framing;
  FERRYMAN_TRY(framing.size, context.integer("n_fft"));
  FERRYMAN_TRY(framing.hop, context.integer("hop_length", framing.size / 4));
  if (framing.size < 1 || framing.hop < 1) return context.unsupported("this n_fft or hop_length");
  FERRYMAN_TRY(framing.window, read_window(call, framing));
  return framing;
}

class ShortTime {
 public:
  ShortTime(ImportContext& call, const Framing& framing)
      : call_(call), dft_(call), f_(dft_.formula()), framing_(framing) {}

  Formula& formula() { return f_; }

  // x [batch, length] -> [batch, outputs, frames]
  ComplexValue spectra(const ComplexValue& x, int64_t outputs) {
    const ComplexValue frames{windowed(cut(x.real)), windowed(cut(x.imag)), {}};
    const ComplexValue y = dft_.transform(frames, {framing_.size, outputs, -1, framing_.scale});
    return {dft_.from_last(y.real, 1), dft_.from_last(y.imag, 1), {}};
  }

  // The frames of spectra [batch, bins, frames], each under its window: [batch, frames, size].
  ComplexValue frames(const ComplexValue& spectra) {
    const ComplexValue y =
        dft_.transform({dft_.to_last(spectra.real, 1), dft_.to_last(spectra.imag, 1), {}},
                       {framing_.size, framing_.size, 1, framing_.scale});
    return {windowed(y.real), windowed(y.imag), {}};
  }
  // The same of one-sided spectra.
  ComplexValue real_frames(const ComplexValue& spectra) {
    const ComplexValue half{dft_.to_last(spectra.real, 1), dft_.to_last(spectra.imag, 1), {}};
    return {windowed(dft_.real_transform(half, {framing_.size, framing_.size, 1, framing_.scale})),
            {},
            {}};
  }

  // Overlapping frames added up: [batch, (frames + parts - 1) hop], a frame having `parts` hops.
  ValueId overlapped(ValueId frames) {
    if (!frames.valid()) return {};
    const Ints shape = sizes_of(call_, frames);
    const int64_t count = shape[1];
    const int64_t parts = num_parts();
    const ValueId apart =
        f_.keep(emit_reshape(call_, whole_hops(frames), {shape[0], count, parts, framing_.hop}));
    ValueId sum;
    for (int64_t part = 0; part < parts && apart.valid(); ++part) {
      const ValueId piece = f_.op(ops::kPad, {f_.keep(emit_select(call_, apart, 2, part))},
                                  {{attr::kBefore, PerAxis{{0, part, 0}}},
                                   {attr::kAfter, PerAxis{{0, parts - 1 - part, 0}}}});
      sum = sum.valid() ? f_.add(sum, piece) : piece;
    }
    if (!sum.valid()) return {};
    return f_.keep(emit_reshape(call_, sum, {shape[0], (count + parts - 1) * framing_.hop}));
  }

  // The squared windows of `count` frames added up: which hops of the window lie on which of the
  // result is a matrix of zeros and ones.
  ValueId envelope(int64_t count, DType dtype) {
    const int64_t parts = num_parts();
    const int64_t rows = count + parts - 1;
    std::vector<double> lies_on;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t part = 0; part < parts; ++part)
        lies_on.push_back(row >= part && row - part < count ? 1 : 0);
    }
    Builder& builder = call_.builder();
    const ValueId matrix =
        builder.constant(store_doubles({dtype, {Dim(rows), Dim(parts)}}, lies_on), "overlap");
    const ValueId window =
        framing_.window.valid()
            ? framing_.window
            : builder.constant(TensorData::filled(dtype, {framing_.size}, 1), "window");
    const ValueId squares = whole_hops(f_.square(window));
    if (!squares.valid()) return {};
    const ValueId hops = f_.keep(emit_reshape(call_, squares, {parts, framing_.hop}));
    const ValueId sums = f_.op(ops::kMatmul, {matrix, hops});
    if (!sums.valid()) return {};
    return f_.keep(emit_reshape(call_, sums, {1, rows * framing_.hop}));
  }

 private:
  int64_t num_parts() const { return (framing_.size + framing_.hop - 1) / framing_.hop; }

  ValueId windowed(ValueId frames) {
    if (!frames.valid() || !framing_.window.valid()) return frames;
    return f_.mul(frames, framing_.window);
  }

  // x [batch, length] -> [batch, frames, size]. Frames begin and end at multiples of what divides
  // both the hop and the frame: whole rows are picked, not single numbers.
  ValueId cut(ValueId x) {
    if (!x.valid()) return {};
    const Ints shape = sizes_of(call_, x);
    const int64_t row = std::gcd(framing_.size, framing_.hop);
    const int64_t rows = shape[1] / row;
    const ValueId whole = f_.keep(emit_slice(call_, x, 1, 0, rows * row));
    if (!whole.valid()) return {};
    const ValueId table = f_.keep(emit_reshape(call_, whole, {shape[0], rows, row}));
    const int64_t count = (shape[1] - framing_.size) / framing_.hop + 1;
    const int64_t per_frame = framing_.size / row;
    Ints positions;
    for (int64_t frame = 0; frame < count; ++frame) {
      for (int64_t i = 0; i < per_frame; ++i) positions.push_back(frame * (framing_.hop / row) + i);
    }
    if (!table.valid()) return {};
    const ValueId picked =
        f_.keep(emit_gather(call_, table, int_constant(call_, {count, per_frame}, positions), 1));
    if (!picked.valid()) return {};
    return f_.keep(emit_reshape(call_, picked, {shape[0], count, framing_.size}));
  }

  // The last axis filled up with zeros to a multiple of the hop.
  ValueId whole_hops(ValueId x) {
    const int64_t missing = num_parts() * framing_.hop - framing_.size;
    if (!x.valid() || missing == 0) return x;
    Ints before(rank_of(call_, x), 0);
    Ints after = before;
    after.back() = missing;
    return f_.op(ops::kPad, {x},
                 {{attr::kBefore, PerAxis{before}}, {attr::kAfter, PerAxis{after}}});
  }

  ImportContext& call_;
  Dft dft_;
  Formula& f_;
  const Framing& framing_;
};

// ---- stft ----

// stft.center: half a frame on either side, mirrored or zero.
Result<ValueId> centered(ImportContext& call, ValueId x, int64_t size) {
  if (!x.valid()) return x;
  FERRYMAN_TRY(const bool center, call.flag("center", false));
  FERRYMAN_TRY(const std::string mode, call.text("pad_mode", "reflect"));
  if (!center) return x;
  const PerAxis around{{0, size / 2}};
  if (mode == "constant")
    return call.emit(ops::kPad, {x}, {{attr::kBefore, around}, {attr::kAfter, around}});
  if (mode != "reflect") return call.unsupported("this pad_mode");
  return call.emit(ops::kReflectPad, {x}, {{attr::kBefore, around}, {attr::kAfter, around}});
}

Result<ComplexValue> read_signal(ComplexCall& call, int64_t size) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(ComplexValue x, call.real_or_complex("self"));
  const Ints shape = sizes_of(context, x.real);
  if (shape.empty() || shape.size() > 2) return context.unsupported("a signal of this rank");
  Formula f(context);
  const auto as_batch = [&](ValueId part) {
    if (!part.valid()) return part;
    return f.keep(emit_reshape(context, part, {shape.size() == 1 ? 1 : shape[0], shape.back()}));
  };
  x = {as_batch(x.real), as_batch(x.imag), {}};
  FERRYMAN_TRY(x.real, centered(context, x.real, size));
  FERRYMAN_TRY(x.imag, centered(context, x.imag, size));
  if (sizes_of(context, x.real)[1] < size) return context.unsupported("a signal below one frame");
  return f.result(x);
}

// [batch, bins, frames], without the batch axis if the signal had none.
Result<ComplexValue> like_signal(ImportContext& call, const ComplexValue& y, size_t rank) {
  Formula f(call);
  const auto reshape = [&](ValueId part) {
    if (!part.valid() || rank == sizes_of(call, part).size()) return part;
    Ints shape = sizes_of(call, part);
    shape.erase(shape.begin());
    return f.keep(emit_reshape(call, part, shape));
  };
  return f.result(ComplexValue{reshape(y.real), reshape(y.imag), {}});
}

ComplexImported import_stft(ComplexCall& call) {
  ImportContext& context = call.context();
  context.ignore("return_complex");  // the result's type says it
  FERRYMAN_TRY(const bool aligned, context.flag("align_to_window", false));
  if (aligned) return context.unsupported("align_to_window");
  FERRYMAN_TRY(Framing framing, read_framing(call));
  FERRYMAN_TRY(const bool normalized, context.flag("normalized", false));
  if (normalized) framing.scale = 1 / std::sqrt(static_cast<double>(framing.size));
  FERRYMAN_TRY(const ComplexValue x, read_signal(call, framing.size));
  const bool is_complex = x.imag.valid();
  FERRYMAN_TRY(const bool onesided, context.flag("onesided", !is_complex));
  if (onesided && is_complex) return context.unsupported("half the spectrum of complex numbers");
  ShortTime transform(context, framing);
  FERRYMAN_TRY(const ComplexValue spectra, transform.formula().result(transform.spectra(
                                               x, onesided ? framing.size / 2 + 1 : framing.size)));
  const size_t rank = context.result_type(0).rank() - (call.gives_complex() ? 0 : 1);
  FERRYMAN_TRY(const ComplexValue y, like_signal(context, spectra, rank));
  if (call.gives_complex()) return complex_result(y);
  Formula f(context);
  return real_result(f.result(f.pair(y)));
}

// ---- istft ----

// What is kept of the added up frames: [begin, end), and zeros after it up to `length`.
struct Kept {
  int64_t begin = 0, end = 0, length = 0;
};

Result<Kept> read_kept(ImportContext& call, const Framing& framing, int64_t frames) {
  FERRYMAN_TRY(const bool center, call.flag("center", true));
  const int64_t all = framing.size + framing.hop * (frames - 1);
  Kept kept;
  kept.begin = center ? framing.size / 2 : 0;
  const int64_t end = center ? all - framing.size / 2 : all;
  FERRYMAN_TRY(kept.length, call.integer("length", end - kept.begin));
  kept.end = std::min(all, kept.begin + kept.length);
  if (kept.length < 1 || kept.end <= kept.begin) return call.unsupported("this length");
  return kept;
}

// x [batch, ..] / envelope [1, ..], cut to what is kept.
ValueId divided(Formula& f, ImportContext& call, ValueId x, ValueId envelope, const Kept& kept) {
  if (!x.valid() || !envelope.valid()) return {};
  const ValueId part = f.keep(emit_slice(call, x, 1, kept.begin, kept.end));
  const ValueId below = f.keep(emit_slice(call, envelope, 1, kept.begin, kept.end));
  const ValueId y = f.div(part, below);
  const int64_t missing = kept.begin + kept.length - kept.end;
  if (missing == 0 || !y.valid()) return y;
  return f.op(ops::kPad, {y},
              {{attr::kBefore, PerAxis{{0, 0}}}, {attr::kAfter, PerAxis{{0, missing}}}});
}

Result<ComplexValue> read_spectra(ComplexCall& call, const Framing& framing, bool wants_half) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ComplexValue x, call.complex("self"));
  Ints shape = sizes_of(context, x.real);
  if (shape.size() == 2) shape.insert(shape.begin(), 1);
  if (shape.size() != 3 || product(shape) == 0) return context.unsupported("spectra of this rank");
  FERRYMAN_TRY(const bool onesided, context.flag("onesided", shape[1] != framing.size));
  const int64_t bins = onesided ? framing.size / 2 + 1 : framing.size;
  if (shape[1] != bins || (onesided && !wants_half))
    return context.unsupported("spectra of this size");
  Formula f(context);
  const auto prepare = [&](ValueId part) {
    const ValueId batch = f.keep(emit_reshape(context, part, shape));
    if (!wants_half || !batch.valid()) return batch;
    return f.keep(emit_slice(context, batch, 1, 0, framing.size / 2 + 1));
  };
  return f.result(ComplexValue{prepare(x.real), prepare(x.imag), {}});
}

ComplexImported import_istft(ComplexCall& call) {
  ImportContext& context = call.context();
  context.ignore("return_complex");  // the result's type says it
  FERRYMAN_TRY(Framing framing, read_framing(call));
  FERRYMAN_TRY(const bool normalized, context.flag("normalized", false));
  const auto size = static_cast<double>(framing.size);
  framing.scale = normalized ? 1 / std::sqrt(size) : 1 / size;
  FERRYMAN_TRY(const ComplexValue spectra, read_spectra(call, framing, !call.gives_complex()));
  const int64_t count = sizes_of(context, spectra.real)[2];
  FERRYMAN_TRY(const Kept kept, read_kept(context, framing, count));
  ShortTime transform(context, framing);
  Formula& f = transform.formula();
  const ComplexValue frames =
      call.gives_complex() ? transform.frames(spectra) : transform.real_frames(spectra);
  const ValueId envelope = transform.envelope(count, dtype_of(context, spectra.real));
  FERRYMAN_TRY(
      const ComplexValue signal,
      f.result(ComplexValue{divided(f, context, transform.overlapped(frames.real), envelope, kept),
                            divided(f, context, transform.overlapped(frames.imag), envelope, kept),
                            {}}));
  FERRYMAN_TRY(const ComplexValue y, like_signal(context, signal, context.result_type(0).rank()));
  if (call.gives_complex()) return complex_result(y);
  return real_result(y.real);
}

}  // namespace

void add_short_time_fourier(ComplexTable& table) {
  table.add({"stft.default", "stft.center"}, import_stft, {"self"});
  table.add({"istft.default"}, import_istft, {"self"});
}

}  // namespace ferryman::frontend
