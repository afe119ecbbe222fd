// Archives made in memory for tests and fuzz programs.
//
//   BlobRef file = make_zip(small_archive());
//   BlobRef broken = make_zip(replaced(small_archive(), kModel, "\"dtype\": 7", "\"dtype\": 99"));
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/blob.h"
#include "support/crc32.h"

namespace ferryman::frontend {

using ZipMembers = std::vector<std::pair<std::string, std::string>>;

struct ZipOptions {
  uint16_t method = 0;
  uint16_t flags = 0x0808;  // as PyTorch: names in UTF-8, sizes after the payload
  bool zip64 = false;       // header offsets in the extra field, as beyond 4 GiB
  std::string comment;
};

class ZipWriter {
 public:
  explicit ZipWriter(ZipOptions options = {}) : options_(std::move(options)) {}

  // Local headers hold neither size nor checksum, as PyTorch writes them.
  void add(std::string_view name, std::string_view payload) {
    const uint64_t header = bytes_.size();
    put32(bytes_, 0x04034b50), put16(bytes_, 0), put16(bytes_, options_.flags);
    put16(bytes_, options_.method), put32(bytes_, 0), put32(bytes_, 0);
    put32(bytes_, 0), put32(bytes_, 0);
    put16(bytes_, name.size()), put16(bytes_, 5);
    bytes_ += name;
    bytes_.append("FB\x01\0Z", 5);  // the extra field that aligns payloads
    bytes_ += payload;
    put32(bytes_, 0x08074b50), put32(bytes_, 0), put32(bytes_, 0), put32(bytes_, 0);

    put32(directory_, 0x02014b50), put32(directory_, 0), put16(directory_, options_.flags);
    put16(directory_, options_.method), put32(directory_, 0);
    put32(directory_, crc32(std::as_bytes(std::span(payload))));
    put32(directory_, payload.size()), put32(directory_, payload.size());
    put16(directory_, name.size()), put16(directory_, options_.zip64 ? 12 : 0);
    put16(directory_, 0), put16(directory_, 0), put16(directory_, 0), put32(directory_, 0);
    put32(directory_, options_.zip64 ? 0xffffffff : header);
    directory_ += name;
    if (options_.zip64) put16(directory_, 1), put16(directory_, 8), put64(directory_, header);
    ++num_members_;
  }

  std::string finish() {
    const uint64_t start = bytes_.size();
    bytes_ += directory_;
    if (options_.zip64) put_zip64_end(start);
    put32(bytes_, 0x06054b50), put32(bytes_, 0);
    put16(bytes_, num_members_), put16(bytes_, num_members_);
    put32(bytes_, directory_.size()), put32(bytes_, options_.zip64 ? 0xffffffff : start);
    put16(bytes_, options_.comment.size());
    return bytes_ + options_.comment;
  }

 private:
  void put_zip64_end(uint64_t start) {
    const uint64_t record = bytes_.size();
    put32(bytes_, 0x06064b50), put64(bytes_, 44), put32(bytes_, 0), put32(bytes_, 0);
    put32(bytes_, 0), put64(bytes_, num_members_), put64(bytes_, num_members_);
    put64(bytes_, directory_.size()), put64(bytes_, start);
    put32(bytes_, 0x07064b50), put32(bytes_, 0), put64(bytes_, record), put32(bytes_, 1);
  }

  static void put(std::string& bytes, uint64_t number, int num_bytes) {
    for (int i = 0; i < num_bytes; ++i) bytes += static_cast<char>(number >> (8 * i));
  }
  static void put16(std::string& bytes, uint64_t number) { put(bytes, number, 2); }
  static void put32(std::string& bytes, uint64_t number) { put(bytes, number, 4); }
  static void put64(std::string& bytes, uint64_t number) { put(bytes, number, 8); }

  ZipOptions options_;
  std::string bytes_, directory_;
  uint64_t num_members_ = 0;
};

inline BlobRef blob_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return owned_blob(std::move(bytes));
}

inline std::string zip_text(const ZipMembers& members, const ZipOptions& options = {}) {
  ZipWriter writer(options);
  for (const auto& [name, payload] : members) writer.add(name, payload);
  return writer.finish();
}

inline BlobRef make_zip(const ZipMembers& members, const ZipOptions& options = {}) {
  return blob_of(zip_text(members, options));
}

inline constexpr std::string_view kModel = "small/models/model.json";

// A linear layer over a float input, sliced: y = {"out": x @ w, "rows": sym_size(x, 0)}.
inline std::string small_program() {
  return R"({"graph_module": {"graph": {
 "inputs": [{"as_tensor": {"name": "p_w"}}, {"as_tensor": {"name": "x"}}, {"as_int": 3}],
 "outputs": [{"as_tensor": {"name": "mm"}}, {"as_sym_int": {"as_name": "rows"}}],
 "nodes": [
  {"target": "torch.ops.aten.sym_size.int", "name": "rows", "metadata": {},
   "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1},
              {"name": "dim", "arg": {"as_int": 0}, "kind": 1}],
   "outputs": [{"as_sym_int": {"as_name": "rows"}}]},
  {"target": "torch.ops.aten.mm.default", "name": "mm",
   "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1},
              {"name": "mat2", "arg": {"as_tensor": {"name": "p_w"}}, "kind": 1}],
   "outputs": [{"as_tensor": {"name": "mm"}}],
   "metadata": {"nn_module_stack": "L__self__,,m.Net;L__self__fc@1,fc,m.Linear",
                "stack_trace": "  File \"m.py\", line 7, in forward\n    x @ w"}}],
 "tensor_values": {
  "p_w": {"dtype": 7, "sizes": [{"as_int": 2}, {"as_int": 3}], "layout": 7,
          "strides": [{"as_int": 1}, {"as_int": 2}]},
  "x": {"dtype": 7, "sizes": [{"as_expr": {"expr_str": "s77", "hint": {"as_int": 4}}},
                              {"as_int": 2}], "strides": [{"as_int": 2}, {"as_int": 1}]},
  "mm": {"dtype": 7, "sizes": [{"as_expr": {"expr_str": "s77", "hint": {"as_int": 4}}},
                               {"as_int": 3}], "strides": [{"as_int": 3}, {"as_int": 1}]}},
 "sym_int_values": {"rows": {"as_expr": {"expr_str": "s77", "hint": {"as_int": 4}}}}},
 "signature": {
  "input_specs": [{"parameter": {"arg": {"name": "p_w"}, "parameter_name": "fc.w"}},
                  {"user_input": {"arg": {"as_tensor": {"name": "x"}}}},
                  {"constant_input": {"name": "flag", "value": {"as_int": 3}}}],
  "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "mm"}}}},
                   {"user_output": {"arg": {"as_sym_int": {"as_name": "rows"}}}}]},
 "module_call_graph": [{"fqn": "", "signature": {"in_spec": "",
  "out_spec": "[1, {\"type\": \"builtins.dict\", \"context\": \"[\\\"out\\\", \\\"rows\\\"]\", \"children_spec\": [{\"type\": null, \"context\": null, \"children_spec\": []}, {\"type\": null, \"context\": null, \"children_spec\": []}]}]"}}]},
 "range_constraints": {"s77": {"min_val": 2, "max_val": null}},
 "guards_code": ["L['x'].size()[0] % 2 == 0"],
 "schema_version": {"major": 8, "minor": 20}, "torch_version": "2.13.0"})";
}

inline std::string small_weights_config() {
  return R"({"config": {"fc.w": {"path_name": "weight_0", "is_param": true, "use_pickle": false,
 "tensor_meta": {"dtype": 7, "sizes": [{"as_int": 2}, {"as_int": 3}], "layout": 7,
 "strides": [{"as_int": 1}, {"as_int": 2}], "storage_offset": {"as_int": 1}}}}})";
}

inline ZipMembers small_archive(std::string program = small_program()) {
  return {{"small/data/weights/weight_0", std::string(28, 'w')},
          {"small/data/weights/model_weights_config.json", small_weights_config()},
          {"small/data/constants/model_constants_config.json", R"({"config": {}})"},
          {std::string(kModel), std::move(program)},
          {"small/archive_format", "pt2"},
          {"small/archive_version", "0"},
          {"small/byteorder", "little"}};
}

// The members with the first occurrence of `from` in one of them replaced.
inline ZipMembers replaced(ZipMembers members, std::string_view name, std::string_view from,
                           std::string_view to) {
  for (auto& [member, payload] : members) {
    if (member != name) continue;
    const size_t position = payload.find(from);
    if (position == std::string::npos) return {};  // a test that replaces nothing must fail
    payload.replace(position, from.size(), to);
  }
  return members;
}

}  // namespace ferryman::frontend
