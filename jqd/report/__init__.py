"""Results that a person reads and a program reads back: tables, figures, files.

The modules that draw and that write datasets are imported at first use: matplotlib and
xarray take as long to import as JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._bars import progress as progress
from .._files import OutputError as OutputError
from .._files import provenance as provenance
from .._files import write_json as write_json
from .._lazy import homes as _homes
from .user_code import load_file as load_file

if TYPE_CHECKING:
    from ..figures.cards import figure_cards as figure_cards
    from ..figures.loss import figure_landscape as figure_landscape
    from ..figures.loss import figure_loss_line as figure_loss_line
    from ..figures.outcomes import figure_comparison as figure_comparison
    from ..figures.outcomes import figure_horizon as figure_horizon
    from ..figures.outcomes import figure_linearity as figure_linearity
    from ..figures.outcomes import figure_sensitivity as figure_sensitivity
    from ..figures.phase_space import draw_density as draw_density
    from ..figures.phase_space import figure_phase_space as figure_phase_space
    from ..figures.posterior import figure_corner as figure_corner
    from ..figures.posterior import figure_trace as figure_trace
    from ..figures.profiles import figure_profiles as figure_profiles
    from ..figures.recovery import figure_data as figure_data
    from ..figures.recovery import figure_fit as figure_fit
    from ..figures.recovery import figure_residuals as figure_residuals
    from ..figures.style import house_style as house_style
    from ..figures.style import save_figure as save_figure
    from ..figures.style import save_figures as save_figures
    from ..figures.style import subplots as subplots
    from ..inference.recovery_numbers import recovery_dataset as recovery_dataset
    from .experiment import Context as Context
    from .experiment import run_experiment as run_experiment
    from .loading import load as load
    from .posterior import posterior_summary as posterior_summary
    from .posterior import posterior_table as posterior_table
    from .results import json_schema as json_schema
    from .store import new_run_folder as new_run_folder
    from .store import write_csv as write_csv
    from .store import write_dataset as write_dataset
    from .tables import recovery_details as recovery_details
    from .tables import recovery_summary as recovery_summary
    from .tables import summary_table as summary_table
    from .user_laws import load_law as load_law

_HOMES = _homes(__file__)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(import_module(f"{_HOMES[name]}", __name__), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
