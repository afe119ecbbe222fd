#include "targets/tflite/format/write.h"

#include <array>
#include <cstring>
#include <utility>

#include "support/byte_sink.h"
#include "support/check.h"
#include "targets/tflite/format/pack.h"
#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {

namespace {

constexpr int64_t kAlignment = 16;
constexpr int64_t kLengthBytes = 4;
// Kernels may read a little past the last weight.
constexpr int64_t kSlackBytes = 16;

int64_t round_up(int64_t position) {
  return (position + kAlignment - 1) / kAlignment * kAlignment;
}

// Where each constant lies: the position of its data, which is aligned.
struct FilePlan {
  std::vector<int64_t> data_positions;
  int64_t num_bytes = 0;
};

FilePlan plan_file(const PackedModel& packed) {
  FilePlan plan;
  int64_t end = static_cast<int64_t>(packed.bytes().size());
  for (const ConstantRef& constant : packed.constants()) {
    const int64_t position = round_up(end + kLengthBytes);
    plan.data_positions.push_back(position);
    end = position + constant->num_bytes();
  }
  plan.num_bytes = round_up(end) + kSlackBytes;
  return plan;
}

Status write_zeros(ByteSink& sink, int64_t count) {
  constexpr std::array<std::byte, 3 * kAlignment> kZeros = {};
  check(count >= 0 && count <= static_cast<int64_t>(kZeros.size()), "constants overlap");
  return sink.write(std::span(kZeros).first(static_cast<size_t>(count)));
}

Status write_constant(ByteSink& sink, const ConstantSource& constant) {
  Status status;
  for_each_chunk(constant, [&](std::span<const std::byte> chunk) {
    status = sink.write(chunk);
    return status.ok();
  });
  return status;
}

// [padding][length][data] for every constant; the length word is not read when the constants lie
// outside, and costs nothing there.
Status write_constants(ByteSink& sink, const PackedModel& packed, const FilePlan& plan) {
  int64_t end = static_cast<int64_t>(packed.bytes().size());
  for (size_t i = 0; i < packed.constants().size(); ++i) {
    const ConstantSource& constant = *packed.constants()[i];
    FERRYMAN_TRY_STATUS(write_zeros(sink, plan.data_positions[i] - kLengthBytes - end));
    const auto length = static_cast<uint32_t>(constant.num_bytes());
    FERRYMAN_TRY_STATUS(sink.write(std::as_bytes(std::span(&length, 1))));
    FERRYMAN_TRY_STATUS(write_constant(sink, constant));
    end = plan.data_positions[i] + constant.num_bytes();
  }
  return write_zeros(sink, plan.num_bytes - end);
}

Status write_file(ByteSink& sink, PackedModel packed, const FilePlan& plan, ConstantPlace place) {
  for (size_t i = 0; i < packed.constants().size(); ++i) {
    if (place == ConstantPlace::kInside) {
      packed.place_inside(i, plan.data_positions[i] - kLengthBytes);
    } else {
      packed.place_outside(i, plan.data_positions[i]);
    }
  }
  FERRYMAN_TRY_STATUS(sink.write(packed.bytes()));
  return write_constants(sink, packed, plan);
}

Status check_model(const Model& model) {
  const Diagnostics found = verify_model(model);
  if (!found.has_errors()) return {};
  Diag error =
      Diag::error(DiagCode::kInternal, "the lowered model is not one that LiteRT would run")
          .because(render(found, Severity::kError))
          .hint("this is a mistake of Ferryman: please report it with the module");
  for (const Diag& diag : found.all())
    for (const SourceLocation& place : diag.places) error.at(place);
  return error;
}

Status write_model(ByteSink& sink, const Model& model, WriteLimits limits) {
  PackedModel inside = pack_model(model, ConstantPlace::kInside);
  const FilePlan plan = plan_file(inside);
  if (plan.num_bytes <= limits.max_flatbuffer_bytes) {
    return write_file(sink, std::move(inside), plan, ConstantPlace::kInside);
  }
  PackedModel outside = pack_model(model, ConstantPlace::kOutside);
  const FilePlan outside_plan = plan_file(outside);
  if (static_cast<int64_t>(outside.bytes().size()) > limits.max_flatbuffer_bytes) {
    return Diag::error(DiagCode::kCannotWrite,
                       "the model has too many operators for a .tflite file")
        .because("its description without any weight exceeds 2 GB");
  }
  return write_file(sink, std::move(outside), outside_plan, ConstantPlace::kOutside);
}

}  // namespace

Status write_tflite(const Model& model, const std::string& path, WriteLimits limits) {
  FERRYMAN_TRY_STATUS(check_model(model));
  FERRYMAN_TRY(const std::unique_ptr<FileSink> file, FileSink::create(path));
  FERRYMAN_TRY_STATUS(write_model(*file, model, limits));
  return file->commit();
}

Result<std::vector<std::byte>> serialise_tflite(const Model& model, WriteLimits limits) {
  FERRYMAN_TRY_STATUS(check_model(model));
  MemorySink sink;
  FERRYMAN_TRY_STATUS(write_model(sink, model, limits));
  return std::move(sink).take();
}

}  // namespace ferryman::tflite
