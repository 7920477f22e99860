"""Errors of a design whose shots are more, or fewer."""

import numpy as np
from jaxtyping import ArrayLike, Float

from jqd.inference.design import Design


def errors_by_shots(
    design: Design, shots: ArrayLike, label: str
) -> Float[np.ndarray, " n"]:
    """Standard errors of a constant with the shares of a design, priors included.

    (F N/N_0 + P)^(-1): the information of the data grows with the shots, that of the
    priors does not.

    Args:
        design: by N_0 shots, in one stage.
        shots: numbers of shots N, (n,).
        label: name of the constant.

    Returns:
        The errors, (n,).
    """
    more = np.asarray(shots, float)[:, None, None] / float(design.shots)
    S = more * np.asarray(design.record)[None] + np.asarray(design.prior)[None]
    # constants differ in their units
    unit = 1 / np.sqrt(np.diagonal(S, axis1=1, axis2=2))
    V = np.linalg.inv(S * unit[:, :, None] * unit[:, None, :])
    each = unit * np.sqrt(np.diagonal(V, axis1=1, axis2=2))
    return each[:, design.labels.index(label)]
