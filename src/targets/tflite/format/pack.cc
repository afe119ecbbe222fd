#include "targets/tflite/format/pack.h"

#include <tflite_schema/schema_generated.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "support/check.h"
#include "targets/tflite/format/constant_pool.h"
#include "targets/tflite/format/option_fields.h"
#include "targets/tflite/format/pack_options.h"
#include "targets/tflite/runtime/op_version.h"
#include "targets/tflite/runtime/runtime_version.h"

namespace ferryman::tflite {

namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr uint32_t kSchemaVersion = 3;
constexpr int32_t kMaxDeprecatedCode = 127;  // older readers hold the code in a signed byte
constexpr size_t kDataAlignment = 16;
// Stored instead of the default so that the field exists and can be patched.
constexpr uint32_t kUnplaced = 1;
constexpr size_t kRuntimeVersionBytes = 16;

template <typename T>
using Offsets = std::vector<Offset<T>>;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

class Packer {
 public:
  explicit Packer(ConstantPlace place) : place_(place) {}

  PackedModel pack(const Model& model) &&;

 private:
  Offset<schema::SubGraph> subgraph(const Subgraph& subgraph);
  Offset<schema::Tensor> tensor(const Tensor& tensor);
  Offset<schema::QuantizationParameters> quantization(const Quantization& quantization);
  Offset<schema::Operator> op(const Operator& op, const Subgraph& subgraph);
  uint32_t op_code(const Operator& op, int32_t version);
  Offset<schema::SignatureDef> signature(const Signature& signature);
  Offsets<schema::TensorMap> tensor_maps(const std::vector<NamedTensor>& tensors);
  Offset<schema::Metadata> metadata(const std::string& name, std::span<const std::byte> content);
  Offsets<schema::Metadata> all_metadata(const Model& model);
  uint32_t buffer_of(const ConstantRef& constant);
  Offset<schema::Buffer> inline_buffer(std::span<const std::byte> content);
  Offset<schema::Buffer> unplaced_buffer();

  ConstantPlace place_;
  FlatBufferBuilder builder_;
  ConstantPool pool_;
  // buffers_[0] is empty; then come the constants in pool order; metadata follows.
  std::map<uint32_t, uint32_t> buffer_of_pooled_;
  Offsets<schema::Buffer> buffers_;
  std::vector<ConstantRef> streamed_;
  std::vector<uint32_t> streamed_buffers_;
  std::map<std::tuple<Op, int32_t, std::string>, uint32_t> op_code_indices_;
  Offsets<schema::OperatorCode> op_codes_;
};

Offset<schema::Buffer> Packer::inline_buffer(std::span<const std::byte> content) {
  builder_.ForceVectorAlignment(content.size(), 1, kDataAlignment);
  const auto stored =
      builder_.CreateVector(reinterpret_cast<const uint8_t*>(content.data()), content.size());
  return schema::CreateBuffer(builder_, stored);
}

Offset<schema::Buffer> Packer::unplaced_buffer() {
  const auto start = builder_.StartTable();
  if (place_ == ConstantPlace::kInside) {
    builder_.AddElement<uint32_t>(schema::Buffer::VT_DATA, kUnplaced, 0);
  } else {
    builder_.AddElement<uint64_t>(schema::Buffer::VT_SIZE, kUnplaced, 0);
    builder_.AddElement<uint64_t>(schema::Buffer::VT_OFFSET, kUnplaced, 0);
  }
  return Offset<schema::Buffer>(builder_.EndTable(start));
}

uint32_t Packer::buffer_of(const ConstantRef& constant) {
  if (constant == nullptr) return 0;
  const uint32_t pooled = pool_.add(constant);
  const auto [position, is_new] =
      buffer_of_pooled_.emplace(pooled, static_cast<uint32_t>(buffers_.size()));
  if (!is_new) return position->second;
  if (constant->num_bytes() == 0) {
    buffers_.push_back(inline_buffer({}));
  } else {
    streamed_.push_back(constant);
    streamed_buffers_.push_back(position->second);
    buffers_.push_back(unplaced_buffer());
  }
  return position->second;
}

Offset<schema::QuantizationParameters> Packer::quantization(const Quantization& quantization) {
  const auto scale = builder_.CreateVector(quantization.scale);
  const auto zero_point = builder_.CreateVector(quantization.zero_point);
  schema::QuantizationParametersBuilder table(builder_);
  table.add_scale(scale);
  table.add_zero_point(zero_point);
  table.add_quantized_dimension(quantization.axis);
  return table.Finish();
}

Offset<schema::Tensor> Packer::tensor(const Tensor& tensor) {
  const uint32_t buffer = buffer_of(tensor.constant);
  const auto shape = builder_.CreateVector(tensor.shape);
  Offset<flatbuffers::Vector<int32_t>> signature;
  if (!tensor.shape_signature.empty()) signature = builder_.CreateVector(tensor.shape_signature);
  const auto name = builder_.CreateString(tensor.name);
  Offset<schema::QuantizationParameters> parameters;
  if (tensor.quantization) parameters = quantization(*tensor.quantization);
  schema::TensorBuilder table(builder_);
  table.add_shape(shape);
  table.add_type(static_cast<schema::TensorType>(tensor.type.code));
  table.add_buffer(buffer);
  table.add_name(name);
  if (!parameters.IsNull()) table.add_quantization(parameters);
  table.add_is_variable(tensor.is_variable);
  if (!signature.IsNull()) table.add_shape_signature(signature);
  table.add_has_rank(true);  // tells a scalar from an unknown rank
  return table.Finish();
}

uint32_t Packer::op_code(const Operator& op, int32_t version) {
  const auto* custom = op.options.get_if<CustomOptions>();
  const std::string custom_name = custom == nullptr ? std::string() : custom->name;
  const auto [position, is_new] = op_code_indices_.emplace(std::tuple(op.op, version, custom_name),
                                                           static_cast<uint32_t>(op_codes_.size()));
  if (!is_new) return position->second;

  Offset<flatbuffers::String> name;
  if (custom != nullptr) name = builder_.CreateString(custom_name);
  const auto code = static_cast<int32_t>(op.op);
  schema::OperatorCodeBuilder table(builder_);
  table.add_deprecated_builtin_code(static_cast<int8_t>(std::min(code, kMaxDeprecatedCode)));
  if (!name.IsNull()) table.add_custom_code(name);
  table.add_version(version);
  table.add_builtin_code(static_cast<schema::BuiltinOperator>(code));
  op_codes_.push_back(table.Finish());
  return position->second;
}

Offset<schema::Operator> Packer::op(const Operator& op, const Subgraph& subgraph) {
  const uint32_t code = op_code(op, op_version(op, subgraph));
  const auto inputs = builder_.CreateVector(op.inputs);
  const auto outputs = builder_.CreateVector(op.outputs);
  Offset<flatbuffers::Vector<int32_t>> intermediates;
  if (!op.intermediates.empty()) intermediates = builder_.CreateVector(op.intermediates);
  Offset<flatbuffers::Vector<uint8_t>> custom_bytes;
  if (const auto* custom = op.options.get_if<CustomOptions>()) {
    custom_bytes = builder_.CreateVector(reinterpret_cast<const uint8_t*>(custom->bytes.data()),
                                         custom->bytes.size());
  }
  const OptionTable option_table = op_row(op.op).table;
  const auto tag = static_cast<int>(option_table);
  Offset<void> options;
  if (option_table != OptionTable::kNone) {
    const bool is_set = !op.options.is_default();
    options = pack_options(builder_, is_set ? op.options : default_options(option_table));
  }

  schema::OperatorBuilder table(builder_);
  table.add_opcode_index(code);
  table.add_inputs(inputs);
  table.add_outputs(outputs);
  if (!custom_bytes.IsNull()) table.add_custom_options(custom_bytes);
  if (!intermediates.IsNull()) table.add_intermediates(intermediates);
  if (tag > kFirstOptions2) {
    table.add_builtin_options_2_type(static_cast<schema::BuiltinOptions2>(tag - kFirstOptions2));
    table.add_builtin_options_2(options);
  } else if (tag != 0) {
    table.add_builtin_options_type(static_cast<schema::BuiltinOptions>(tag));
    table.add_builtin_options(options);
  }
  return table.Finish();
}

Offset<schema::SubGraph> Packer::subgraph(const Subgraph& subgraph) {
  Offsets<schema::Tensor> tensors;
  for (const Tensor& one : subgraph.tensors) tensors.push_back(tensor(one));
  Offsets<schema::Operator> operators;
  for (const Operator& one : subgraph.operators) operators.push_back(op(one, subgraph));
  const auto tensor_list = builder_.CreateVector(tensors);
  const auto inputs = builder_.CreateVector(subgraph.inputs);
  const auto outputs = builder_.CreateVector(subgraph.outputs);
  const auto operator_list = builder_.CreateVector(operators);
  const auto name = builder_.CreateString(subgraph.name);
  return schema::CreateSubGraph(builder_, tensor_list, inputs, outputs, operator_list, name);
}

Offsets<schema::TensorMap> Packer::tensor_maps(const std::vector<NamedTensor>& tensors) {
  Offsets<schema::TensorMap> maps;
  for (const NamedTensor& named : tensors) {
    const auto name = builder_.CreateString(named.name);
    maps.push_back(schema::CreateTensorMap(builder_, name, static_cast<uint32_t>(named.tensor)));
  }
  return maps;
}

Offset<schema::SignatureDef> Packer::signature(const Signature& signature) {
  const auto inputs = builder_.CreateVector(tensor_maps(signature.inputs));
  const auto outputs = builder_.CreateVector(tensor_maps(signature.outputs));
  const auto key = builder_.CreateString(signature.key);
  schema::SignatureDefBuilder table(builder_);
  table.add_inputs(inputs);
  table.add_outputs(outputs);
  table.add_signature_key(key);
  table.add_subgraph_index(signature.subgraph);
  return table.Finish();
}

Offset<schema::Metadata> Packer::metadata(const std::string& name,
                                          std::span<const std::byte> content) {
  const auto buffer = static_cast<uint32_t>(buffers_.size());
  buffers_.push_back(inline_buffer(content));
  const auto stored_name = builder_.CreateString(name);
  return schema::CreateMetadata(builder_, stored_name, buffer);
}

Offsets<schema::Metadata> Packer::all_metadata(const Model& model) {
  std::string release = to_string(runtime_need(model).release);
  release.resize(kRuntimeVersionBytes);
  Offsets<schema::Metadata> entries = {metadata("min_runtime_version", bytes_of(release))};
  if (place_ == ConstantPlace::kOutside) {
    entries.push_back(metadata("buffer_location", bytes_of("outside flatbuffers")));
  }
  for (const MetadataEntry& entry : model.metadata) {
    entries.push_back(metadata(entry.name, entry.content));
  }
  return entries;
}

PackedModel Packer::pack(const Model& model) && {
  buffers_.push_back(schema::CreateBuffer(builder_));
  Offsets<schema::SubGraph> subgraphs;
  for (const Subgraph& one : model.subgraphs) subgraphs.push_back(subgraph(one));
  Offsets<schema::SignatureDef> signatures;
  for (const Signature& one : model.signatures) signatures.push_back(signature(one));
  const auto metadata_list = builder_.CreateVector(all_metadata(model));
  const auto op_code_list = builder_.CreateVector(op_codes_);
  const auto subgraph_list = builder_.CreateVector(subgraphs);
  const auto buffer_list = builder_.CreateVector(buffers_);
  const auto signature_list = builder_.CreateVector(signatures);
  const auto description = builder_.CreateString(model.description);

  schema::ModelBuilder table(builder_);
  table.add_version(kSchemaVersion);
  table.add_operator_codes(op_code_list);
  table.add_subgraphs(subgraph_list);
  table.add_description(description);
  table.add_buffers(buffer_list);
  table.add_metadata(metadata_list);
  table.add_signature_defs(signature_list);
  schema::FinishModelBuffer(builder_, table.Finish());

  const auto built = std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()));
  return PackedModel({built.begin(), built.end()}, std::move(streamed_),
                     std::move(streamed_buffers_));
}

}  // namespace

PackedModel::PackedModel(std::vector<std::byte> bytes, std::vector<ConstantRef> constants,
                         std::vector<uint32_t> buffers)
    : bytes_(std::move(bytes)), constants_(std::move(constants)), buffers_(std::move(buffers)) {}

uint8_t* PackedModel::buffer_field(size_t constant, uint16_t field) {
  auto* model = flatbuffers::GetMutableRoot<schema::Model>(bytes_.data());
  auto* buffer = const_cast<schema::Buffer*>(model->buffers()->Get(buffers_[constant]));
  uint8_t* address = reinterpret_cast<flatbuffers::Table*>(buffer)->GetAddressOf(field);
  check(address != nullptr, "a buffer field that cannot be patched");
  return address;
}

void PackedModel::place_inside(size_t constant, int64_t position) {
  uint8_t* field = buffer_field(constant, schema::Buffer::VT_DATA);
  const int64_t field_position = field - reinterpret_cast<uint8_t*>(bytes_.data());
  // Offsets count from the field that holds them.
  flatbuffers::WriteScalar(field, static_cast<uint32_t>(position - field_position));
}

void PackedModel::place_outside(size_t constant, int64_t position) {
  flatbuffers::WriteScalar(buffer_field(constant, schema::Buffer::VT_OFFSET),
                           static_cast<uint64_t>(position));
  flatbuffers::WriteScalar(buffer_field(constant, schema::Buffer::VT_SIZE),
                           static_cast<uint64_t>(constants_[constant]->num_bytes()));
}

PackedModel pack_model(const Model& model, ConstantPlace place) {
  return Packer(place).pack(model);
}

}  // namespace ferryman::tflite
