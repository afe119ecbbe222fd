"""Models of Keras that compute each element of their results from one of each input.

    is_pointwise(model)         # then it may be computed in any order of axes
"""

from __future__ import annotations

from typing import Any

# Layers, and the classes of operations in keras.src.ops, by name.
_LAYERS = frozenset(
    "Activation ELU Identity InputLayer LeakyReLU Multiply Add ReLU Subtract".split()
)
_ACTIVATIONS = frozenset(
    "celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear "
    "log_sigmoid mish relu relu6 selu sigmoid silu soft_shrink softplus softsign squareplus tanh "
    "tanh_shrink threshold".split()
)
_OPERATIONS = frozenset(
    "Absolute Add Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh BitwiseAnd BitwiseNot "
    "BitwiseOr BitwiseXor Cast Ceil Celu Clip Cos Cosh Divide DivideNoNan Elu Equal Erf Erfinv Exp "
    "Exp2 Expm1 Floor FloorDivide Gelu Greater GreaterEqual HardShrink HardSigmoid HardSilu "
    "HardTanh Isfinite Isinf Isnan LeakyRelu Less LessEqual Log Log10 Log1p Log2 Logaddexp "
    "LogicalAnd LogicalNot LogicalOr LogicalXor LogSigmoid Maximum Minimum Mod Multiply Negative "
    "NotEqual Power Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Silu Sin Sinh SoftShrink "
    "Softplus Softsign SparsePlus SparseSigmoid Sqrt Square Squareplus Subtract Tan "
    "Tanh TanhShrink Threshold TrueDivide Trunc Where".split()
)


def is_pointwise(model: Any) -> bool:
    """Of a functional model. Tensors that are broadcast stand in a certain order of axes."""
    shapes = {tuple(t.shape) for t in (*model.inputs, *model.outputs)}
    return len(shapes) == 1 and all(_is_pointwise(op, shapes) for op in model.operations)


def _is_pointwise(operation: Any, shapes: set[tuple]) -> bool:
    kind = type(operation)
    of_layer = kind.__module__.startswith("keras.src.layers.") and kind.__name__ in _LAYERS
    if kind.__name__ == "Activation":  # softmax goes along an axis
        of_layer = of_layer and getattr(operation.activation, "__name__", "") in _ACTIVATIONS
    of_ops = kind.__module__.startswith("keras.src.ops.") and kind.__name__ in _OPERATIONS
    if not (of_layer or of_ops) or len(operation._inbound_nodes) != 1:
        return False
    (node,) = operation._inbound_nodes
    constants = [x for x in (*node.arguments.args, *node.arguments.kwargs.values()) if _is_array(x)]
    made = {tuple(tensor.shape) for tensor in node.output_tensors}
    return made <= shapes and not constants and not getattr(operation, "weights", ())


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and len(value.shape) > 0 and not hasattr(value, "_keras_history")
