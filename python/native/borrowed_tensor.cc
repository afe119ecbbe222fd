#include "borrowed_tensor.h"

#include <memory>
#include <span>

namespace nb = nanobind;

namespace ferryman::python {

namespace {

std::shared_ptr<const void> keep_alive(nb::object owner) {
  PyObject* object = owner.release().ptr();
  return {object, [](PyObject* held) {
            // After the interpreter is gone there is nothing left to give back to.
            if (!nb::is_alive()) return;
            nb::gil_scoped_acquire gil;
            nb::handle(held).dec_ref();
          }};
}

BlobRef borrow_tensor(const nb::tuple& tensor) {
  if (tensor.size() != 3) throw nb::value_error("a tensor is (address, num_bytes, owner)");
  const auto address = nb::cast<uintptr_t>(tensor[0]);
  const auto num_bytes = nb::cast<size_t>(tensor[1]);
  if (address == 0 && num_bytes != 0) throw nb::value_error("a tensor without memory");
  const auto* first = reinterpret_cast<const std::byte*>(address);
  return borrowed_blob(std::span(first, num_bytes), keep_alive(nb::borrow(tensor[2])));
}

}  // namespace

std::vector<BlobRef> borrow_tensors(const nb::list& tensors) {
  std::vector<BlobRef> blobs;
  blobs.reserve(tensors.size());
  for (nb::handle tensor : tensors) blobs.push_back(borrow_tensor(nb::cast<nb::tuple>(tensor)));
  return blobs;
}

BlobRef borrow_bytes(nb::bytes bytes) {
  const auto* first = static_cast<const std::byte*>(bytes.data());
  const std::span content(first, bytes.size());
  return borrowed_blob(content, keep_alive(std::move(bytes)));
}

}  // namespace ferryman::python
