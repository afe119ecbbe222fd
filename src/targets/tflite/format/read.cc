#include "targets/tflite/format/read.h"

#include <fmt/format.h>
#include <tflite_schema/schema_generated.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "targets/tflite/format/option_fields.h"
#include "targets/tflite/format/stored_vector.h"
#include "targets/tflite/format/unpack_options.h"

namespace ferryman::tflite {

namespace {

using flatbuffers::Offset;
using flatbuffers::Vector;

constexpr size_t kFileAlignment = 16;
constexpr size_t kHeaderBytes = 8;                  // root offset and identifier
constexpr size_t kMaxFlatbufferBytes = 0x7fffffff;  // what lies beyond can only be outside weights
constexpr size_t kTableBytes = 4;                   // no table is smaller
// Vectors may be shared in the file but not in the model; what is copied stays in proportion.
constexpr uint64_t kMaxCopiesOfFile = 16;
constexpr uint64_t kMinOutsideOffset = 2;  // 0 and 1 mean "not set"

Diag malformed(std::string what) {
  return Diag::error(DiagCode::kMalformedModel, std::move(what));
}

size_t count_of(const auto* vector) {
  return vector == nullptr ? 0 : vector->size();
}

// Elements of the strings and vectors of an option table.
size_t num_elements(const Options& options) {
  size_t count = 0;
  visit_fields(options, [&](const auto&, const auto& value) {
    if constexpr (requires { value.size(); }) count += value.size();
  });
  return count;
}

class Reader {
 public:
  Reader(BlobRef file, const schema::Model& model)
      : file_(std::move(file)),
        model_(model),
        remaining_elems_(kMaxCopiesOfFile * file_->size()),
        constants_(count_of(model.buffers())) {}

  Result<Model> read();

 private:
  Status spend(uint64_t num_elems, std::string_view key);
  Result<std::string> text(const flatbuffers::String* stored, std::string_view key);
  template <typename T>
  Result<std::vector<T>> copy(const Vector<T>* stored, std::string_view key);
  Result<std::vector<std::byte>> copy_bytes(const Vector<uint8_t>* stored, std::string_view key);
  Result<std::vector<TensorIndex>> indices(const Vector<int32_t>* stored, TensorIndex lowest,
                                           size_t num_tensors, const std::string& key);
  Result<ConstantRef> constant(uint32_t buffer, bool is_empty_tensor);
  Result<BlobRef> outside(uint64_t offset, uint64_t num_bytes, const std::string& key);
  Result<std::optional<Quantization>> quantization(const schema::QuantizationParameters* stored,
                                                   const std::string& key);
  Result<Tensor> tensor(const schema::Tensor& stored, const std::string& key);
  Result<Options> options(Op op, const schema::Operator& stored, const schema::OperatorCode& code,
                          const std::string& key);
  Result<Options> custom_options(const schema::Operator& stored, const schema::OperatorCode& code,
                                 const std::string& key);
  Result<Operator> op(const schema::Operator& stored, size_t num_tensors, const std::string& key);
  Result<Subgraph> subgraph(const schema::SubGraph& stored, const std::string& key);
  Result<std::vector<NamedTensor>> named_tensors(const Vector<Offset<schema::TensorMap>>* stored,
                                                 size_t num_tensors, const std::string& key);
  Result<Signature> signature(const schema::SignatureDef& stored, const Model& model,
                              const std::string& key);
  Status metadata(Model& model);

  BlobRef file_;
  const schema::Model& model_;
  uint64_t remaining_elems_;
  std::vector<ConstantRef> constants_;  // by buffer, made when first used
};

Status Reader::spend(uint64_t num_elems, std::string_view key) {
  if (num_elems > remaining_elems_) return malformed(fmt::format("{} is shared too often", key));
  remaining_elems_ -= num_elems;
  return {};
}

Result<std::string> Reader::text(const flatbuffers::String* stored, std::string_view key) {
  FERRYMAN_TRY_STATUS(spend(count_of(stored), key));
  return stored == nullptr ? std::string() : stored->str();
}

template <typename T>
Result<std::vector<T>> Reader::copy(const Vector<T>* stored, std::string_view key) {
  const size_t count = count_of(stored);
  FERRYMAN_TRY_STATUS(spend(count, key));
  if (count == 0) return std::vector<T>();
  return copy_elements(*stored);
}

Result<std::vector<std::byte>> Reader::copy_bytes(const Vector<uint8_t>* stored,
                                                  std::string_view key) {
  FERRYMAN_TRY(const std::vector<uint8_t> bytes, copy(stored, key));
  const auto view = std::as_bytes(std::span(bytes));
  return std::vector<std::byte>(view.begin(), view.end());
}

Result<std::vector<TensorIndex>> Reader::indices(const Vector<int32_t>* stored, TensorIndex lowest,
                                                 size_t num_tensors, const std::string& key) {
  FERRYMAN_TRY(std::vector<TensorIndex> copied, copy(stored, key));
  for (const TensorIndex index : copied) {
    if (index >= lowest && index < static_cast<int64_t>(num_tensors)) continue;
    return malformed(fmt::format("{} refers to tensor {}, of {}", key, index, num_tensors));
  }
  return copied;
}

Result<BlobRef> Reader::outside(uint64_t offset, uint64_t num_bytes, const std::string& key) {
  const uint64_t available = file_->size();
  if (offset > available || num_bytes > available - offset) {
    return malformed(fmt::format("{} names bytes {} to {}+{} of a file of {}", key, offset, offset,
                                 num_bytes, available));
  }
  return sub_blob(file_, offset, num_bytes);
}

// A buffer without data belongs to a tensor that is no constant, except for one without elements.
Result<ConstantRef> Reader::constant(uint32_t buffer, bool is_empty_tensor) {
  if (buffer == 0) return ConstantRef();
  const std::string key = fmt::format("buffers[{}]", buffer);
  if (buffer >= constants_.size()) {
    return malformed(fmt::format("{} is used, of {}", key, constants_.size()));
  }
  const schema::Buffer& stored = *model_.buffers()->Get(buffer);
  const bool is_outside = stored.offset() >= kMinOutsideOffset;
  if (!is_outside && count_of(stored.data()) == 0) {
    const bool is_constant = stored.data() != nullptr && is_empty_tensor;
    return is_constant ? blob_constant(owned_blob({})) : ConstantRef();
  }
  ConstantRef& known = constants_[buffer];
  if (known != nullptr) return known;
  const auto* base = reinterpret_cast<const uint8_t*>(file_->bytes().data());
  const uint64_t offset =
      is_outside ? stored.offset() : static_cast<uint64_t>(stored.data()->data() - base);
  const uint64_t num_bytes = is_outside ? stored.size() : stored.data()->size();
  FERRYMAN_TRY(BlobRef bytes, outside(offset, num_bytes, key));
  known = blob_constant(std::move(bytes));
  return known;
}

Result<std::optional<Quantization>> Reader::quantization(
    const schema::QuantizationParameters* stored, const std::string& key) {
  if (stored == nullptr) return std::optional<Quantization>();
  if (stored->details_type() != schema::QuantizationDetails_NONE) {
    return malformed(key + " is quantised in blocks, which Ferryman does not read");
  }
  Quantization quantization;
  FERRYMAN_TRY(quantization.scale, copy(stored->scale(), key + ".scale"));
  FERRYMAN_TRY(quantization.zero_point, copy(stored->zero_point(), key + ".zero_point"));
  quantization.axis = stored->quantized_dimension();
  if (quantization.scale.empty()) return std::optional<Quantization>();  // a range for people
  if (quantization.scale.size() != quantization.zero_point.size()) {
    return malformed(fmt::format("{} has {} scales and {} zero points", key,
                                 quantization.scale.size(), quantization.zero_point.size()));
  }
  return std::optional<Quantization>(std::move(quantization));
}

Result<Tensor> Reader::tensor(const schema::Tensor& stored, const std::string& key) {
  Tensor tensor;
  FERRYMAN_TRY(tensor.name, text(stored.name(), key + ".name"));
  const auto type = static_cast<int>(stored.type());
  if (type < 0 || type >= kNumTensorTypes) {
    return malformed(fmt::format("{}.type is {}, no known tensor type", key, type));
  }
  if (stored.sparsity() != nullptr) {
    return malformed(key + " is sparse, which Ferryman does not read");
  }
  if (stored.external_buffer() != 0) {
    return malformed(key + " lies in another file, which Ferryman does not read");
  }
  tensor.type = static_cast<TensorType>(type);
  FERRYMAN_TRY(tensor.shape, copy(stored.shape(), key + ".shape"));
  FERRYMAN_TRY(tensor.shape_signature, copy(stored.shape_signature(), key + ".shape_signature"));
  const auto is_negative = [](int32_t dim) { return dim < 0; };
  if (std::any_of(tensor.shape.begin(), tensor.shape.end(), is_negative)) {
    return malformed(key + ".shape has a negative dimension");
  }
  const bool is_empty = std::count(tensor.shape.begin(), tensor.shape.end(), 0) > 0;
  FERRYMAN_TRY(tensor.constant, constant(stored.buffer(), is_empty));
  FERRYMAN_TRY(tensor.quantization, quantization(stored.quantization(), key + ".quantization"));
  tensor.is_variable = stored.is_variable();
  return tensor;
}

Result<Options> Reader::custom_options(const schema::Operator& stored,
                                       const schema::OperatorCode& code, const std::string& key) {
  CustomOptions custom;
  FERRYMAN_TRY(custom.name, text(code.custom_code(), key + ".custom_code"));
  custom.version = code.version();
  if (stored.large_custom_options_offset() >= kMinOutsideOffset) {
    FERRYMAN_TRY(const BlobRef bytes, outside(stored.large_custom_options_offset(),
                                              stored.large_custom_options_size(), key));
    FERRYMAN_TRY_STATUS(spend(bytes->size(), key));
    custom.bytes.assign(bytes->bytes().begin(), bytes->bytes().end());
  } else {
    FERRYMAN_TRY(custom.bytes, copy_bytes(stored.custom_options(), key + ".custom_options"));
  }
  return Options(std::move(custom));
}

Result<Options> Reader::options(Op op, const schema::Operator& stored,
                                const schema::OperatorCode& code, const std::string& key) {
  if (op == Op::kCustom) return custom_options(stored, code, key);
  const auto tag = static_cast<int>(stored.builtin_options_type());
  const auto tag_2 = static_cast<int>(stored.builtin_options_2_type());
  const int table = tag_2 != 0 ? kFirstOptions2 + tag_2 : tag;
  if (table == 0) return Options();
  // A tag that the schema does not know has not been verified either, so it must not be followed.
  if (table != static_cast<int>(op_row(op).table)) {
    return malformed(fmt::format("{} is {} with the options of another operator ({})", key,
                                 to_string(op), table));
  }
  const void* data = tag_2 != 0 ? stored.builtin_options_2() : stored.builtin_options();
  if (data == nullptr) return Options();
  FERRYMAN_TRY(Options options,
               unpack_options(op_row(op).table, *static_cast<const flatbuffers::Table*>(data)));
  FERRYMAN_TRY_STATUS(spend(num_elements(options), key));
  return options;
}

Result<Operator> Reader::op(const schema::Operator& stored, size_t num_tensors,
                            const std::string& key) {
  const size_t num_codes = count_of(model_.operator_codes());
  if (stored.opcode_index() >= num_codes) {
    return malformed(
        fmt::format("{}.opcode_index is {}, of {}", key, stored.opcode_index(), num_codes));
  }
  const schema::OperatorCode& code = *model_.operator_codes()->Get(stored.opcode_index());
  // Files older than the 32-bit code hold it in the deprecated field only.
  const int32_t number =
      std::max<int32_t>(static_cast<int32_t>(code.builtin_code()), code.deprecated_builtin_code());
  const std::optional<Op> known = op_from_code(number);
  if (!known) return malformed(fmt::format("{} has the unknown operator code {}", key, number));

  Operator op;
  op.op = *known;
  FERRYMAN_TRY(op.inputs, indices(stored.inputs(), kAbsent, num_tensors, key + ".inputs"));
  FERRYMAN_TRY(op.outputs, indices(stored.outputs(), 0, num_tensors, key + ".outputs"));
  FERRYMAN_TRY(op.intermediates,
               indices(stored.intermediates(), 0, num_tensors, key + ".intermediates"));
  FERRYMAN_TRY(op.options, options(*known, stored, code, key));
  return op;
}

Result<Subgraph> Reader::subgraph(const schema::SubGraph& stored, const std::string& key) {
  Subgraph subgraph;
  FERRYMAN_TRY(subgraph.name, text(stored.name(), key + ".name"));
  const size_t num_tensors = count_of(stored.tensors());
  for (size_t i = 0; i < num_tensors; ++i) {
    const schema::Tensor& one = *stored.tensors()->Get(static_cast<uint32_t>(i));
    FERRYMAN_TRY(Tensor read, tensor(one, fmt::format("{}.tensors[{}]", key, i)));
    subgraph.tensors.push_back(std::move(read));
  }
  FERRYMAN_TRY(subgraph.inputs, indices(stored.inputs(), kAbsent, num_tensors, key + ".inputs"));
  FERRYMAN_TRY(subgraph.outputs, indices(stored.outputs(), 0, num_tensors, key + ".outputs"));
  for (size_t i = 0; i < count_of(stored.operators()); ++i) {
    const schema::Operator& one = *stored.operators()->Get(static_cast<uint32_t>(i));
    FERRYMAN_TRY(Operator read, op(one, num_tensors, fmt::format("{}.operators[{}]", key, i)));
    subgraph.operators.push_back(std::move(read));
  }
  return subgraph;
}

Result<std::vector<NamedTensor>> Reader::named_tensors(
    const Vector<Offset<schema::TensorMap>>* stored, size_t num_tensors, const std::string& key) {
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < count_of(stored); ++i) {
    const schema::TensorMap& one = *stored->Get(static_cast<uint32_t>(i));
    if (one.tensor_index() >= num_tensors) {
      return malformed(fmt::format("{}[{}] refers to tensor {}, of {}", key, i, one.tensor_index(),
                                   num_tensors));
    }
    FERRYMAN_TRY(std::string name, text(one.name(), key));
    tensors.push_back({std::move(name), static_cast<TensorIndex>(one.tensor_index())});
  }
  return tensors;
}

Result<Signature> Reader::signature(const schema::SignatureDef& stored, const Model& model,
                                    const std::string& key) {
  Signature signature;
  FERRYMAN_TRY(signature.key, text(stored.signature_key(), key + ".signature_key"));
  signature.subgraph = stored.subgraph_index();
  if (signature.subgraph >= model.subgraphs.size()) {
    return malformed(fmt::format("{}.subgraph_index is {}, of {}", key, signature.subgraph,
                                 model.subgraphs.size()));
  }
  const size_t num_tensors = model.subgraphs[signature.subgraph].tensors.size();
  FERRYMAN_TRY(signature.inputs, named_tensors(stored.inputs(), num_tensors, key + ".inputs"));
  FERRYMAN_TRY(signature.outputs, named_tensors(stored.outputs(), num_tensors, key + ".outputs"));
  return signature;
}

Status Reader::metadata(Model& model) {
  for (size_t i = 0; i < count_of(model_.metadata()); ++i) {
    const schema::Metadata& stored = *model_.metadata()->Get(static_cast<uint32_t>(i));
    MetadataEntry entry;
    FERRYMAN_TRY(entry.name, text(stored.name(), "metadata name"));
    if (entry.name == "min_runtime_version" || entry.name == "buffer_location") continue;
    if (stored.buffer() >= constants_.size()) {
      return malformed(
          fmt::format("metadata[{}].buffer is {}, of {}", i, stored.buffer(), constants_.size()));
    }
    const schema::Buffer& buffer = *model_.buffers()->Get(stored.buffer());
    FERRYMAN_TRY(entry.content, copy_bytes(buffer.data(), entry.name));
    model.metadata.push_back(std::move(entry));
  }
  return {};
}

Result<Model> Reader::read() {
  Model model;
  FERRYMAN_TRY(model.description, text(model_.description(), "description"));
  for (size_t i = 0; i < count_of(model_.subgraphs()); ++i) {
    const schema::SubGraph& stored = *model_.subgraphs()->Get(static_cast<uint32_t>(i));
    FERRYMAN_TRY(Subgraph read, subgraph(stored, fmt::format("subgraphs[{}]", i)));
    model.subgraphs.push_back(std::move(read));
  }
  if (model.subgraphs.empty()) return malformed("the file holds no graph");
  for (size_t i = 0; i < count_of(model_.signature_defs()); ++i) {
    const schema::SignatureDef& stored = *model_.signature_defs()->Get(static_cast<uint32_t>(i));
    FERRYMAN_TRY(Signature read, signature(stored, model, fmt::format("signature_defs[{}]", i)));
    model.signatures.push_back(std::move(read));
  }
  FERRYMAN_TRY_STATUS(metadata(model));
  return model;
}

bool is_aligned(const Blob& blob) {
  return reinterpret_cast<uintptr_t>(blob.bytes().data()) % kFileAlignment == 0;
}

}  // namespace

Result<Model> read_tflite(const BlobRef& file) {
  const std::span<const std::byte> bytes = file->bytes();
  if (bytes.size() < kHeaderBytes ||
      !schema::ModelBufferHasIdentifier(reinterpret_cast<const char*>(bytes.data()))) {
    return malformed("this is no .tflite file: the identifier TFL3 is missing");
  }
  if (!is_aligned(*file)) return read_tflite(owned_blob({bytes.begin(), bytes.end()}));

  flatbuffers::Verifier::Options limits;
  limits.max_tables = static_cast<flatbuffers::uoffset_t>(
      std::min(bytes.size(), kMaxFlatbufferBytes) / kTableBytes);
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(bytes.data()),
                                 std::min(bytes.size(), kMaxFlatbufferBytes - 1), limits);
  if (!schema::VerifyModelBuffer(verifier)) {
    return malformed("the .tflite file is damaged: an offset in it leads outside");
  }
  const schema::Model& model = *schema::GetModel(bytes.data());
  constexpr uint32_t kSchemaVersion = 3;
  if (model.version() != kSchemaVersion) {
    return malformed(fmt::format("the .tflite file has schema version {}, not 3", model.version()));
  }
  return Reader(file, model).read();
}

}  // namespace ferryman::tflite
