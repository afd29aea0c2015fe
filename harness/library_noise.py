"""What libraries say about themselves, which nobody who uses us can do anything about.

Imports none of them.
"""

from __future__ import annotations

import logging
import os
import warnings
from functools import partial

_LIBRARIES = "torch|torchao|executorch|transformers|flatbuffers|huggingface_hub"
_LEFT_OUT = (UserWarning, FutureWarning, DeprecationWarning)

_LOGGED = {
    # Compiled parts for other machines, which torchao tries all the same.
    "torchao": "Failed to load ",
    "torchao.kernel.intmm": "Warning: Detected no triton",
    # By torch, of torchao's classes.
    "torch.utils._pytree": "<enum ",
}
"""By logger: how a line begins that is left out."""


def silence_libraries() -> None:
    """Leave out what libraries say about themselves; whatever else they log is shown.

    What a person asked for with ``-W``, ``PYTHONWARNINGS`` or the libraries' own variables stays.
    """
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    ignore = partial(warnings.filterwarnings, "ignore", append=True)
    for category in _LEFT_OUT:
        ignore(category=category, module=rf"({_LIBRARIES})(\.|$)")
    # Of torch, which says it in the name of whoever unpickles.
    ignore(message=r"`isinstance\(treespec, LeafSpec\)`", category=FutureWarning)
    for name, beginning in _LOGGED.items():
        logging.getLogger(name).addFilter(partial(_is_shown, beginning))


def _is_shown(beginning: str, record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(beginning)
