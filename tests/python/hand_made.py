"""A small model with the file and the report that a converter should make of it, both by hand, so
that verification and the report are tested apart from the converter.

    module, args = hand_made.module(), hand_made.args()
    report = hand_made.write(path, module)          # what _native.convert_live returns
    report = hand_made.write(path, module, spoil="bias")   # and a file with an error
    report = hand_made.write(path, module, is_free=True)   # and a file whose batch is free
"""

import json

import flatbuffers
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn


class ConvRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, image, flag=True):
        x = self.conv(image)
        return {"features": torch.relu(x), "flag": flag, "twice": (2 * x,)}


def module():
    torch.manual_seed(0)
    return ConvRelu().eval()


def args():
    return (torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(1)),)


def write(path, conv_relu, spoil=None, is_free=False):
    """image NCHW -> TRANSPOSE -> CONV_2D -> RELU, and MUL by two; both outputs back to NCHW."""
    weight = conv_relu.conv.weight.detach().numpy().transpose(0, 2, 3, 1)
    bias = conv_relu.conv.bias.detach().numpy().copy()
    if spoil == "bias":
        bias[2] += 0.5
    file = _File(is_free)
    image = file.tensor("image", (1, 3, 6, 6))
    nhwc = file.transpose(image, (0, 2, 3, 1), (1, 6, 6, 3))
    conv = file.tensor("conv", (1, 4, 4, 4))
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    options.dilationHFactor = options.dilationWFactor = 1
    file.op("CONV_2D", [nhwc, file.constant(weight), file.constant(bias)], conv, options)
    relu = file.tensor("relu", (1, 4, 4, 4))
    file.op("RELU", [conv], relu)
    twice = file.tensor("twice", (1, 4, 4, 4))
    two = file.constant(np.float32([3 if spoil == "mul" else 2]))
    file.op("MUL", [two, conv], twice, schema.MulOptionsT())
    outputs = [file.transpose(x, (0, 3, 1, 2), (1, 4, 4, 4)) for x in (relu, twice)]
    path.write_bytes(file.pack([image], outputs))
    return json.dumps(_report(path, image, (conv, relu, twice), outputs, is_free))


def _report(path, image, values, outputs, is_free):
    batch = "batch" if is_free else 1
    sizes = [{"name": "batch", "symbol": "s77", "min": 1, "max": None, "hint": 1}]
    shape = [batch, 4, 4, 4]
    last, same = [0, 2, 3, 1], [0, 1, 2, 3]

    def node(name, target, tensor, op):
        location = {"module_path": "conv" if name == "conv2d" else "", "module_type": "",
                    "node": name, "file": "net.py", "line": 7}  # fmt: skip
        return {"node": name, "target": f"aten.{target}", "type": "f32[1, 4, 4, 4]",
                "location": location, "ops": [op],
                "placement": {"tensor": tensor, "factors": shape, "perm": last}}  # fmt: skip

    def port(index, name, tensor, factors):
        return {"index": index, "name": name, "shape": factors, "dtype": "float32",
                "placement": {"tensor": tensor, "factors": factors, "perm": same}}  # fmt: skip

    conv, relu, twice = values
    return {
        "inputs": [port(0, "image", image, [batch, 3, 6, 6])],
        "outputs": [
            port(0, "features", outputs[0], shape),
            port(2, "twice_0", outputs[1], shape),
        ],
        "nodes": [
            node("conv2d", "conv2d.default", conv, "CONV_2D"),
            node("relu", "relu.default", relu, "RELU"),
            node("mul", "mul.Tensor", twice, "MUL"),
        ],
        "stages": [{"name": "plan layout", "seconds": 0.001}],
        "ops": {"CONV_2D": 1, "MUL": 1, "RELU": 1, "TRANSPOSE": 3},
        "file_bytes": path.stat().st_size,
        "layout": {
            "bytes_moved": 944,
            "lower_bound": 944,
            "optimal": True,
            "transposes": [{"reason": "output 'features' is channels first", "bytes": 256}],
        },
        "nan": "fast",
        "sizes": sizes if is_free else [],
        "remarks": [],
    }


class _File:
    """Just enough of a writer: float32 tensors and the operators named above. Where the batch is
    free, it is -1 in all signatures of four axes."""

    def __init__(self, is_free=False):
        self._is_free = is_free
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._codes = {}

    def tensor(self, name, shape, dtype=schema.TensorType.FLOAT32, buffer=0):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), dtype, buffer
        if self._is_free and len(shape) == 4 and not buffer:
            tensor.shapeSignature = [-1, *shape[1:]]
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def constant(self, array):
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        kind = schema.TensorType.INT32 if array.dtype == np.int32 else schema.TensorType.FLOAT32
        return self.tensor("", array.shape, kind, len(self._model.buffers) - 1)

    def op(self, name, inputs, output, options=None):
        code = getattr(schema.BuiltinOperator, name)
        if code not in self._codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode = code
            entry.deprecatedBuiltinCode = min(code, 127)
            entry.version = 1
            self._codes[code] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(entry)
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = self._codes[code], inputs, [output]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            op.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            op.builtinOptions = options
        self._graph.operators.append(op)

    def transpose(self, source, perm, shape):
        result = self.tensor("transposed", shape)
        self.op("TRANSPOSE", [source, self.constant(np.int32(perm))], result)
        return result

    def pack(self, inputs, outputs):
        self._graph.inputs, self._graph.outputs = inputs, outputs
        self._model.subgraphs = [self._graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
