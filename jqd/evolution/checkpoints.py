"""Checkpointed reverse mode of adaptive steps that can itself be differentiated."""

import functools
from typing import Any

import diffrax
import equinox as eqx
import equinox.internal as eqxi


class TwiceCheckpointed(diffrax.RecursiveCheckpointAdjoint):
    """Reverse mode with checkpoints that forward mode can differentiate.

    `diffrax.RecursiveCheckpointAdjoint` has loops inside a step, over stages and save
    times, that support reverse mode alone; here they are bounded and support both
    modes. A gradient takes two to four times as long.
    """

    def loop(self, *, solver: Any, max_steps: Any, **options: Any) -> Any:
        """Run the steps; `diffrax.diffeqsolve` calls this."""
        for name in ("throw", "passed_solver_state", "passed_controller_state"):
            del options[name]
        # solvers without a loop over stages need nothing
        staged = isinstance(solver, diffrax.AbstractRungeKutta)
        if staged and solver.scan_kind is None:
            solver = eqx.tree_at(
                lambda s: s.scan_kind, solver, "bounded", is_leaf=lambda x: x is None
            )
        loop = functools.partial
        return self._loop(
            solver=solver, max_steps=max_steps,
            inner_while_loop=loop(eqxi.while_loop, kind="bounded"),
            outer_while_loop=loop(
                eqxi.while_loop, kind="checkpointed", checkpoints=self.checkpoints
            ),
            **options,
        )  # fmt: skip
