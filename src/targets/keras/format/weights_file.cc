#include "targets/keras/format/weights_file.h"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "support/check.h"

namespace ferryman::keras {

namespace {

constexpr int64_t kBytesAtOnce = int64_t{4} << 20;  // of elements that are read and written at once

// The library keeps no lock of its own.
std::mutex hdf5_mutex;

// Closes what the library gave.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  hid_t operator*() const { return id_; }
  bool is_open() const { return id_ >= 0; }
  // Of a file: what was still to be written may fail.
  bool close() { return close_(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_;
  Close close_;
};

// IEEE half precision, which the library has no name for.
hid_t half_type() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

// bfloat16 is bytes that an attribute names.
hid_t opaque_type() {
  const hid_t type = H5Tcreate(H5T_OPAQUE, 2);
  H5Tset_tag(type, "");
  return type;
}

Handle element_type(DType dtype) {
  const auto copy = [](hid_t type) { return Handle(H5Tcopy(type), H5Tclose); };
  switch (dtype) {
    case DType::kF16:
      return {half_type(), H5Tclose};
    case DType::kBF16:
      return {opaque_type(), H5Tclose};
    case DType::kF32:
      return copy(H5T_IEEE_F32LE);
    case DType::kF64:
      return copy(H5T_IEEE_F64LE);
    case DType::kI8:
      return copy(H5T_STD_I8LE);
    case DType::kI16:
      return copy(H5T_STD_I16LE);
    case DType::kI32:
      return copy(H5T_STD_I32LE);
    case DType::kI64:
      return copy(H5T_STD_I64LE);
    case DType::kU8:
    case DType::kBool:
      return copy(H5T_STD_U8LE);
    case DType::kU16:
      return copy(H5T_STD_U16LE);
    case DType::kU32:
      return copy(H5T_STD_U32LE);
    case DType::kU64:
      return copy(H5T_STD_U64LE);
    case DType::kC64:
    case DType::kC128:
      break;
  }
  check(false, "a complex weight");
  return {-1, H5Tclose};
}

class WeightsFile {
 public:
  explicit WeightsFile(hid_t file)
      : file_(file),
        of_groups_(H5Pcreate(H5P_GROUP_CREATE), H5Pclose),
        of_datasets_(H5Pcreate(H5P_DATASET_CREATE), H5Pclose) {
    H5Pset_obj_track_times(*of_groups_, false);
    H5Pset_obj_track_times(*of_datasets_, false);
    H5Pset_alloc_time(*of_datasets_, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(*of_datasets_, H5D_FILL_TIME_NEVER);
  }

  bool write(const std::string& folder, const std::vector<Variable>& variables) {
    std::map<std::string, int> numbers;
    for (const Variable& variable : variables) {
      const std::string place = folder + (variable.place.empty() ? "" : "/" + variable.place);
      const std::string vars = place + "/vars";
      if (!make_groups(vars)) return false;
      if (!write_dataset(fmt::format("{}/{}", vars, numbers[vars]++), variable)) return false;
    }
    return true;
  }

 private:
  // Those on the way as well.
  bool make_groups(const std::string& path) {
    for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
      const std::string name = path.substr(0, end);
      if (!groups_.emplace(name, true).second) {
        if (end == std::string::npos) return true;
        continue;
      }
      const Handle group(H5Gcreate2(file_, name.c_str(), H5P_DEFAULT, *of_groups_, H5P_DEFAULT),
                         H5Gclose);
      if (!group.is_open()) return false;
      if (end == std::string::npos) return true;
    }
  }

  bool write_dataset(const std::string& name, const Variable& variable) {
    const TensorData& data = variable.data;
    const std::vector<hsize_t> sizes(variable.shape.begin(), variable.shape.end());
    const auto rank = static_cast<int>(sizes.size());
    const Handle type = element_type(data.dtype());
    const Handle space(
        rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, sizes.data(), nullptr),
        H5Sclose);
    const Handle dataset(
        H5Dcreate2(file_, name.c_str(), *type, *space, H5P_DEFAULT, *of_datasets_, H5P_DEFAULT),
        H5Dclose);
    if (!type.is_open() || !space.is_open() || !dataset.is_open()) return false;
    if (data.dtype() == DType::kBF16 && !name_type(*dataset, "bfloat16")) return false;
    return rank == 0 ? write_elems(*dataset, *type, *space, *space, data, 0, data.num_bytes())
                     : write_in_chunks(*dataset, *type, *space, variable);
  }

  static bool write_in_chunks(hid_t dataset, hid_t type, hid_t space, const Variable& variable) {
    const TensorData& data = variable.data;
    const int64_t num_rows = variable.shape.front();
    if (data.num_elems() == 0) return true;
    const int64_t row_bytes = data.num_bytes() / num_rows;
    const int64_t rows_at_once = std::clamp<int64_t>(kBytesAtOnce / row_bytes, 1, num_rows);
    for (int64_t row = 0; row < num_rows; row += rows_at_once) {
      const int64_t count = std::min(rows_at_once, num_rows - row);
      std::vector<hsize_t> start(variable.shape.size(), 0);
      std::vector<hsize_t> counts(variable.shape.begin(), variable.shape.end());
      start[0] = static_cast<hsize_t>(row);
      counts[0] = static_cast<hsize_t>(count);
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, counts.data(), nullptr);
      const Handle memory(H5Screate_simple(static_cast<int>(counts.size()), counts.data(), nullptr),
                          H5Sclose);
      if (!write_elems(dataset, type, *memory, space, data,
                       row * (row_bytes / byte_size(data.dtype())), count * row_bytes))
        return false;
    }
    return true;
  }

  static bool write_elems(hid_t dataset, hid_t type, hid_t memory, hid_t space,
                          const TensorData& data, int64_t begin, int64_t num_bytes) {
    std::vector<std::byte> bytes(static_cast<size_t>(num_bytes));
    data.read(begin, bytes);
    return H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, bytes.data()) >= 0;
  }

  static bool name_type(hid_t dataset, const std::string& name) {
    const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(*type, name.size());
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const Handle attribute(H5Acreate2(dataset, "dtype", *type, *space, H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose);
    return attribute.is_open() && H5Awrite(*attribute, *type, name.data()) >= 0;
  }

  hid_t file_;
  Handle of_groups_, of_datasets_;
  std::map<std::string, bool> groups_;
};

// Groups and datasets in the form that is shorter, which readers know since 2008.
Handle create_file(const std::string& path) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(*access, H5F_LIBVER_V18, H5F_LIBVER_V18);
  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_obj_track_times(*creation, false);
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, *creation, *access), H5Fclose};
}

bool write_all(const Model& model, const std::string& path) {
  Handle file = create_file(path);
  if (!file.is_open()) return false;
  {
    WeightsFile weights(*file);
    for (const WeightGroup& group : weight_groups(model))
      if (!weights.write(group.path, group.layer->variables)) return false;
  }
  return file.close();
}

}  // namespace

Status write_weights(const Model& model, const std::string& path) {
  const std::lock_guard lock(hdf5_mutex);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // not to stderr
  if (write_all(model, path)) return {};
  return Diag::error(DiagCode::kCannotWrite, "the file of weights cannot be written")
      .because("the HDF5 library failed; is there room on the disk?");
}

}  // namespace ferryman::keras
