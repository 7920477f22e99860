"""Sites joined by links: the space of a lattice or of any weighted graph."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks


class Graph(eqx.Module):
    """Sites 0..n-1 and weighted links between them.

    On a lattice of spacing h each link has the weight w = 1/h²: the kinetic energy of a
    particle is (ħ²/2m) Σ_links w |ψ_b - ψ_a|².

    Attributes:
        weights: w of each link, shape (L,), 1/length².
        pairs: (a, b) of each link (static).
        sites: n (static).
    """

    weights: Float[Array, " L"]
    pairs: tuple[tuple[int, int], ...] = eqx.field(static=True)
    sites: int = eqx.field(static=True)

    def __init__(
        self,
        pairs: Sequence[Sequence[int]] | np.ndarray,
        weights: ArrayLike = 1.0,
        sites: int | None = None,
    ):
        """Make the graph.

        Args:
            pairs: (L, 2) numbers of the sites that each link joins.
            weights: w, shape (L,) or scalar, positive.
            sites: n; None for one more than the largest number.

        Raises:
            ValueError: a link from a site to itself, given twice, or to a site that is
                not there; weights that are not positive.
        """
        _checks.check_numbers(pairs, "pairs")
        table = np.asarray(pairs)
        pairs_of_two = table.ndim == 2 and table.shape[1] == 2 and len(table) > 0
        if not pairs_of_two or table.dtype.kind not in "iu":
            raise ValueError(
                "Argument `pairs` must be whole numbers of shape (L, 2), but has shape "
                f"{table.shape} and dtype {table.dtype}."
            )
        if sites is not None and not isinstance(sites, int | np.integer):
            raise ValueError(
                f"Argument `sites` must be a whole number or None, but is "
                f"{_checks.shown(sites)}."
            )
        self.sites = int(table.max()) + 1 if sites is None else int(sites)
        self.pairs = tuple((int(a), int(b)) for a, b in table)
        sorted_pairs = {tuple(sorted(pair)) for pair in self.pairs}
        if table.min() < 0 or table.max() >= self.sites:
            raise ValueError(
                f"Argument `pairs` must name sites 0..{self.sites - 1}, but names "
                f"{table.min()} to {table.max()}."
            )
        if len(sorted_pairs) < len(table) or any(a == b for a, b in self.pairs):
            raise ValueError(
                "Argument `pairs` must join two different sites and name each link "
                "once, but does not."
            )
        _checks.check_positive(weights, "weights")
        if np.ndim(weights):
            _checks.check_shape(weights, "weights", (len(self.pairs),))
        weights = jnp.asarray(weights)
        if not jnp.issubdtype(weights.dtype, jnp.inexact) or weights.weak_type:
            weights = weights.astype(jnp.result_type(float))
        self.weights = jnp.broadcast_to(weights, (len(self.pairs),))

    @property
    def ndim(self) -> int:
        """1, since states are vectors."""
        return 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a state, (n,)."""
        return (self.sites,)

    @property
    def cell(self) -> float:
        """The weight of a site in a sum over the density."""
        return 1.0

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """The two sites of each link, shape (L,) each."""
        table = np.asarray(self.pairs)
        return table[:, 0], table[:, 1]
