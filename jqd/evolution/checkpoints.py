"""Checkpointed reverse mode of adaptive steps that has derivatives of its own."""

import functools
from typing import Any

import diffrax
import equinox as eqx
import equinox.internal as eqxi


class TwiceCheckpointed(diffrax.RecursiveCheckpointAdjoint):
    """Reverse mode with checkpoints, over which forward mode works.

    As `diffrax.RecursiveCheckpointAdjoint`, whose loops inside a step, over stages and
    save times, have reverse mode alone; here they are bounded and have both. A gradient
    takes two to four times as long.
    """

    def loop(self, *, solver: Any, max_steps: Any, **options: Any) -> Any:
        """The steps; called by `diffrax.diffeqsolve`."""
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
