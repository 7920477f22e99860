"""Other programs: whether they are installed, and their runs of closed systems."""

import functools
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import numpy as np

# Optional programs to do without, though they may be installed.
LEFT_OUT: set[str] = set()
Programs = dict[str, Any]


def optional(name: str) -> ModuleType | None:
    """A module, or None where it is not installed."""
    if name in LEFT_OUT:
        return None
    try:
        module = importlib.import_module(name)
    except ImportError:
        return None
    if name == "dynamiqs":
        module.set_precision("double")
    return module


def peer(
    module: str, title: str
) -> Callable[[Callable[..., Programs]], Callable[..., Programs]]:
    """Gives the programs of an optional package, {title: None} where it is not there.

    The function that it wraps takes the package first.
    """

    def wrap(build: Callable[..., Programs]) -> Callable[..., Programs]:
        @functools.wraps(build)
        def programs(*arguments: Any, **options: Any) -> Programs:
            found = optional(module)
            if found is None:
                return {title: None}
            return build(found, *arguments, **options)

        return programs

    return wrap


qutip = peer("qutip", "QuTiP")
dynamiqs = peer("dynamiqs", "dynamiqs")


def torch_device(torch: ModuleType) -> str:
    """ "cuda" where jax runs on a GPU and torch can use it too."""
    on_gpu = jax.default_backend() == "gpu" and torch.cuda.is_available()
    return "cuda" if on_gpu else "cpu"


def by_qutip(
    qt: Any, H: Any, start: Any, ts: Any, *e_ops: Any, **options: Any
) -> np.ndarray:
    """Means of the operators at `ts`, (E, T), or kets, (T, n), where there are none."""
    options |= {"progress_bar": "", "store_states": not e_ops}
    if options.get("method") != "diag":
        # the budget of steps, not the default, where times are far apart
        options |= {"nsteps": 10**6}
    found = qt.sesolve(H, start, ts, e_ops=list(e_ops), options=options)
    if e_ops:
        return np.array(found.expect)
    return np.array([psi.full()[:, 0] for psi in found.states])


def dynamiqs_methods(dq: Any, *texts: str) -> Programs:
    """Methods by texts such as "Dopri8 1e-8", whose number is both tolerances."""

    def method(text: str) -> Any:
        name, *number = text.removesuffix(" (default)").split()
        return getattr(dq.method, name)(
            **{key: float(x) for x in number for key in ("rtol", "atol")}
        )

    return {f"dynamiqs {text}": method(text) for text in texts}


def by_dynamiqs(
    dq: Any, H: Any, start: Any, ts: Any, *e_ops: Any, method: Any, gradient: Any = None
) -> Any:
    """Means of the operators at `ts`, (.., E, T), or kets, (.., T, n, 1)."""
    found = dq.sesolve(
        H, start, ts, exp_ops=list(e_ops) or None, method=method, gradient=gradient,
        progress_meter=False,
    )  # fmt: skip
    return found.expects if e_ops else found.states.to_jax()
