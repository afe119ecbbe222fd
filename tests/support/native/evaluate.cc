#include "evaluate.h"

#include <utility>
#include <vector>

#include "borrowed_tensor.h"
#include "frontend/functionalise/drop_input_writes.h"
#include "frontend/functionalise/functionalise.h"
#include "frontend/live/live.h"
#include "frontend/translate/translate.h"
#include "ir/evaluate.h"
#include "native_error.h"

namespace nb = nanobind;

namespace ferryman::python {

namespace {

std::vector<TensorData> to_inputs(const Graph& graph, const std::vector<BlobRef>& blobs) {
  std::vector<TensorData> inputs;
  for (size_t i = 0; i < blobs.size() && i < graph.inputs().size(); ++i) {
    const TensorType& type = graph.type(graph.inputs()[i]);
    Ints shape = static_sizes(type.dims);
    Ints strides = row_major_strides(shape);
    inputs.push_back(
        unwrap(TensorData::strided(blobs[i], type.dtype, std::move(shape), std::move(strides), 0)));
  }
  return inputs;
}

std::vector<TensorData> evaluate(const BlobRef& live, const std::vector<BlobRef>& storages,
                                 const std::vector<BlobRef>& inputs) {
  Diagnostics diagnostics;
  auto program = frontend::functionalise(unwrap(frontend::read_live(live, storages)), diagnostics);
  if (!program) throw NativeError(diagnostics);
  program = frontend::drop_input_writes(std::move(*program), diagnostics);
  Ops ops;
  add_all_ops(ops);
  const Result<Graph> graph = frontend::translate(*program, ops, diagnostics);
  if (!graph.ok()) throw NativeError(diagnostics);
  return unwrap(evaluate_graph(*graph, to_inputs(*graph, inputs)));
}

nb::tuple to_python(const TensorData& data) {
  std::vector<std::byte> bytes(static_cast<size_t>(data.num_bytes()));
  data.read(0, bytes);
  nb::list shape;
  for (const int64_t size : data.shape()) shape.append(size);
  const std::string_view dtype = torch_name(data.dtype());
  return nb::make_tuple(nb::str(dtype.data(), dtype.size()), shape,
                        nb::bytes(bytes.data(), bytes.size()));
}

}  // namespace

nb::list evaluate_live(nb::bytes buffer, const nb::list& tensors, const nb::list& inputs) {
  const BlobRef live = borrow_bytes(std::move(buffer));
  const std::vector<BlobRef> storages = borrow_tensors(tensors);
  const std::vector<BlobRef> given = borrow_tensors(inputs);
  std::vector<TensorData> outputs;
  {
    nb::gil_scoped_release release;
    outputs = evaluate(live, storages, given);
  }
  nb::list result;
  for (const TensorData& output : outputs) result.append(to_python(output));
  return result;
}

}  // namespace ferryman::python
