"""transformers for the examples. It imports torchvision, which has to be whole before.

    from examples.language import transformers
"""

import examples.vision  # noqa: F401  isort: skip
import transformers  # noqa: F401  isort: skip
