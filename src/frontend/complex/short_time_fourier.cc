// stft and istft: the transforms of overlapping frames, and the way back.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "frontend/complex/complex_table.h"
#include "frontend/complex/dft.h"
#include "ops/attrs.h"
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
  const CoreWriter write = call.writer();
  const DType dtype = call.part_dtype();
  ValueId window;
  if (context.given("window")) {
    FERRYMAN_TRY(window, tensor_as(context, "window", dtype));
  } else {
    window = write.constant(TensorData::filled(dtype, {length}, 1), "window");
  }
  if (write.sizes(window) != Ints{length}) return context.unsupported("this window");
  const int64_t left = (framing.size - length) / 2;
  return write.pad(window, {left}, {framing.size - length - left}, 0);
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

class ShortTime : private Dft {
 public:
  ShortTime(ImportContext& call, const Framing& framing) : Dft(call), framing_(framing) {}

  // x [batch, length] -> [batch, outputs, frames]
  ComplexValue spectra(const ComplexValue& x, int64_t outputs) {
    const ComplexValue frames = each(x, [&](ValueId part) { return windowed(cut(part)); });
    return each(transform(frames, {framing_.size, outputs, -1, framing_.scale}),
                [&](ValueId part) { return from_last(part, 1); });
  }

  // The frames of spectra [batch, bins, frames], each under its window: [batch, frames, size].
  ComplexValue frames(const ComplexValue& spectra) {
    return each(transform(frequencies_last(spectra), inverse()),
                [&](ValueId part) { return windowed(part); });
  }
  // The same of one-sided spectra.
  ComplexValue real_frames(const ComplexValue& spectra) {
    return {windowed(real_transform(frequencies_last(spectra), inverse())), {}, {}};
  }

  // Overlapping frames added up: [batch, (frames + parts - 1) hop], a frame having `parts` hops.
  ValueId overlapped(ValueId frames) {
    const Ints shape = sizes(frames);
    const int64_t count = shape[1];
    const int64_t parts = num_parts();
    const ValueId apart = reshape(whole_hops(frames), {shape[0], count, parts, framing_.hop});
    ValueId sum;
    for (int64_t part = 0; part < parts; ++part) {
      const ValueId piece = pad(select(apart, 2, part), {0, part, 0}, {0, parts - 1 - part, 0}, 0);
      sum = part == 0 ? piece : add(sum, piece);
    }
    return reshape(sum, {shape[0], (count + parts - 1) * framing_.hop});
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
    const ValueId matrix = constant(dtype, {rows, parts}, lies_on, "overlap");
    const ValueId window = framing_.window.valid()
                               ? framing_.window
                               : constant(TensorData::filled(dtype, {framing_.size}, 1), "window");
    const ValueId hops = reshape(whole_hops(square(window)), {parts, framing_.hop});
    return reshape(binary(ops::kMatmul, matrix, hops), {1, rows * framing_.hop});
  }

 private:
  int64_t num_parts() const { return (framing_.size + framing_.hop - 1) / framing_.hop; }
  Transform inverse() const { return {framing_.size, framing_.size, 1, framing_.scale}; }

  ComplexValue frequencies_last(const ComplexValue& spectra) {
    return each(spectra, [&](ValueId part) { return to_last(part, 1); });
  }

  ValueId windowed(ValueId frames) {
    return framing_.window.valid() ? mul(frames, framing_.window) : frames;
  }

  // x [batch, length] -> [batch, frames, size]. Frames begin and end at multiples of what divides
  // both the hop and the frame: whole rows are picked, not single numbers.
  ValueId cut(ValueId x) {
    const Ints shape = sizes(x);
    const int64_t row = std::gcd(framing_.size, framing_.hop);
    const int64_t rows = shape[1] / row;
    const ValueId table = reshape(slice_axis(x, 1, 0, rows * row), {shape[0], rows, row});
    const int64_t count = (shape[1] - framing_.size) / framing_.hop + 1;
    const int64_t per_frame = framing_.size / row;
    Ints positions;
    for (int64_t frame = 0; frame < count; ++frame) {
      for (int64_t i = 0; i < per_frame; ++i) positions.push_back(frame * (framing_.hop / row) + i);
    }
    const ValueId picked = gather(table, 1, indices({count, per_frame}, positions));
    return reshape(picked, {shape[0], count, framing_.size});
  }

  // The last axis filled up with zeros to a multiple of the hop.
  ValueId whole_hops(ValueId x) {
    const Ints before(rank(x), 0);
    Ints after = before;
    after.back() = num_parts() * framing_.hop - framing_.size;
    return pad(x, before, after, 0);
  }

  const Framing& framing_;
};

// ---- stft ----

// stft.center: half a frame on either side, mirrored or zero.
Result<ValueId> centered(ImportContext& call, ValueId x, int64_t size) {
  FERRYMAN_TRY(const bool center, call.flag("center", false));
  FERRYMAN_TRY(const std::string mode, call.text("pad_mode", "reflect"));
  if (!center) return x;
  const Ints around = {0, size / 2};
  if (mode == "constant") return call.writer().pad(x, around, around, 0);
  if (mode != "reflect") return call.unsupported("this pad_mode");
  return call.writer().op(ops::kReflectPad, {x},
                          {{attr::kBefore, PerAxis{around}}, {attr::kAfter, PerAxis{around}}});
}

Result<ComplexValue> read_signal(ComplexCall& call, int64_t size) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(ComplexValue x, call.real_or_complex("self"));
  const CoreWriter write = call.writer();
  const Ints shape = write.sizes(x.real);
  if (shape.empty() || shape.size() > 2) return context.unsupported("a signal of this rank");
  x = Formula::each(x, [&](ValueId part) {
    return write.reshape(part, {shape.size() == 1 ? 1 : shape[0], shape.back()});
  });
  FERRYMAN_TRY(x.real, centered(context, x.real, size));
  if (x.imag.valid()) {
    FERRYMAN_TRY(x.imag, centered(context, x.imag, size));
  }
  if (write.size(x.real, 1) < size) return context.unsupported("a signal below one frame");
  return x;
}

// [batch, bins, frames], without the batch axis if the signal had none.
ComplexValue like_signal(CoreWriter write, const ComplexValue& y, size_t rank) {
  return Formula::each(
      y, [&](ValueId part) { return rank == write.rank(part) ? part : write.select(part, 0, 0); });
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
  const ComplexValue spectra =
      ShortTime(context, framing).spectra(x, onesided ? framing.size / 2 + 1 : framing.size);
  const size_t rank = context.result_type(0).rank() - (call.gives_complex() ? 0 : 1);
  const ComplexValue y = like_signal(call.writer(), spectra, rank);
  if (call.gives_complex()) return complex_result(y);
  return real_result(Formula(call.writer()).pair(y));
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
ValueId divided(CoreWriter write, ValueId x, ValueId envelope, const Kept& kept) {
  const ValueId part = write.slice_axis(x, 1, kept.begin, kept.end);
  const ValueId y = write.div(part, write.slice_axis(envelope, 1, kept.begin, kept.end));
  return write.pad(y, {0, 0}, {0, kept.begin + kept.length - kept.end}, 0);
}

Result<ComplexValue> read_spectra(ComplexCall& call, const Framing& framing, bool wants_half) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ComplexValue x, call.complex("self"));
  const CoreWriter write = call.writer();
  Ints shape = write.sizes(x.real);
  if (shape.size() == 2) shape.insert(shape.begin(), 1);
  if (shape.size() != 3 || product(shape) == 0) return context.unsupported("spectra of this rank");
  FERRYMAN_TRY(const bool onesided, context.flag("onesided", shape[1] != framing.size));
  const int64_t bins = onesided ? framing.size / 2 + 1 : framing.size;
  if (shape[1] != bins || (onesided && !wants_half))
    return context.unsupported("spectra of this size");
  return Formula::each(x, [&](ValueId part) {
    const ValueId batch = write.reshape(part, shape);
    return wants_half ? write.slice_axis(batch, 1, 0, framing.size / 2 + 1) : batch;
  });
}

ComplexImported import_istft(ComplexCall& call) {
  ImportContext& context = call.context();
  context.ignore("return_complex");  // the result's type says it
  FERRYMAN_TRY(Framing framing, read_framing(call));
  FERRYMAN_TRY(const bool normalized, context.flag("normalized", false));
  const auto size = static_cast<double>(framing.size);
  framing.scale = normalized ? 1 / std::sqrt(size) : 1 / size;
  FERRYMAN_TRY(const ComplexValue spectra, read_spectra(call, framing, !call.gives_complex()));
  const CoreWriter write = call.writer();
  const int64_t count = write.size(spectra.real, 2);
  FERRYMAN_TRY(const Kept kept, read_kept(context, framing, count));
  ShortTime transform(context, framing);
  const ComplexValue frames =
      call.gives_complex() ? transform.frames(spectra) : transform.real_frames(spectra);
  const ValueId envelope = transform.envelope(count, write.dtype(spectra.real));
  const ComplexValue signal = Formula::each(frames, [&](ValueId part) {
    return divided(write, transform.overlapped(part), envelope, kept);
  });
  const ComplexValue y = like_signal(write, signal, context.result_type(0).rank());
  if (call.gives_complex()) return complex_result(y);
  return real_result(y.real);
}

}  // namespace

void add_short_time_fourier(ComplexTable& table) {
  table.add({"stft.default", "stft.center"}, import_stft, {"self"});
  table.add({"istft.default"}, import_istft, {"self"});
}

}  // namespace ferryman::frontend
