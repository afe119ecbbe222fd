"""The layer that nobuco's models have for weights which no other layer holds."""

from __future__ import annotations

from typing import Any

from ..keras_here import keras


@keras.saving.register_keras_serializable(package="ferryman")
class WeightLayer(keras.layers.Layer):
    """A variable as a layer. Models of Ferryman have none of them; scripts name it in
    `custom_objects`, and converters may use it.

    weight_shape, weight_dtype, trainable: of the variable, which begins with zeros.
    """

    def __init__(self, weight_shape: Any, weight_dtype: Any, trainable: bool = True, **kwargs):
        super().__init__(trainable=trainable, **kwargs)
        self.weight_shape, self.weight_dtype = tuple(weight_shape), weight_dtype
        self.weight = self.add_weight(
            name="weight",
            shape=self.weight_shape,
            dtype=keras.backend.standardize_dtype(weight_dtype),
            trainable=trainable,
            initializer="zeros",
        )
        self.built = True

    @classmethod
    def create(cls, weight: Any, trainable: bool) -> WeightLayer:
        layer = cls(weight.shape, str(weight.dtype).rpartition(".")[2], trainable)
        layer.set_weights([weight])
        return layer

    def call(self, *args, **kwargs) -> Any:
        return keras.ops.convert_to_tensor(self.weight)

    def compute_output_spec(self, *args, **kwargs) -> Any:
        return keras.KerasTensor(self.weight_shape, dtype=self.weight.dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"weight_shape": self.weight_shape, "weight_dtype": str(self.weight_dtype)}
        return super().get_config() | own
