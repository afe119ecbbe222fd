"""Converts one of Keras' own models with TensorFlow, in its environment: name, output path."""

import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

name, path = sys.argv[1:]
tf.keras.utils.set_random_seed(0)
model = getattr(tf.keras.applications, name)(weights=None)
random = np.random.default_rng(0)
for layer in model.layers:  # statistics that folding must deal with
    if isinstance(layer, tf.keras.layers.BatchNormalization):
        layer.set_weights(
            [w + 0.1 * random.random(w.shape).astype(w.dtype) for w in layer.get_weights()]
        )
# from_saved_model and a function with its model leave the weights variables, so freeze them first;
# with a batch of one, as the other files have it.
function = tf.function(model, input_signature=[tf.TensorSpec((1, 224, 224, 3), tf.float32)])
frozen = convert_variables_to_constants_v2(function.get_concrete_function())
converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
with open(path, "wb") as file:
    file.write(converter.convert())
