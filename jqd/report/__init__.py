"""Results that a person reads and a program reads back: tables, figures, files.

What draws and what writes datasets is imported when it is first asked for: matplotlib
and xarray take as long to import as JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._files import OutputError as OutputError
from .._files import provenance as provenance
from .._files import write_json as write_json
from .user_code import load_file as load_file

if TYPE_CHECKING:
    from .animation import write_animation as write_animation
    from .animation import write_frames as write_frames
    from .ellipses import draw_diffusion_ellipses as draw_diffusion_ellipses
    from .experiment import Context as Context
    from .experiment import run_experiment as run_experiment
    from .panels import draw_dots as draw_dots
    from .panels import draw_lines as draw_lines
    from .phase_space import draw_density as draw_density
    from .phase_space import figure_phase_space as figure_phase_space
    from .phase_space import figure_time_strip as figure_time_strip
    from .phase_space import label_plane as label_plane
    from .profiles import figure_loss_line as figure_loss_line
    from .profiles import figure_profiles as figure_profiles
    from .recovery import recovery_dataset as recovery_dataset
    from .recovery import recovery_details as recovery_details
    from .recovery import recovery_summary as recovery_summary
    from .recovery_figures import figure_fit as figure_fit
    from .recovery_figures import figure_landscape as figure_landscape
    from .recovery_figures import figure_residuals as figure_residuals
    from .schema import json_schema as json_schema
    from .store import new_run_folder as new_run_folder
    from .store import write_csv as write_csv
    from .store import write_dataset as write_dataset
    from .style import house_style as house_style
    from .style import save_figure as save_figure
    from .style import subplots as subplots
    from .tables import print_recovery as print_recovery
    from .tables import summary_table as summary_table

_PARTS = {
    "animation": ("write_animation", "write_frames"),
    "ellipses": ("draw_diffusion_ellipses",),
    "experiment": ("Context", "run_experiment"),
    "panels": ("draw_dots", "draw_lines"),
    "phase_space": (
        "draw_density",
        "figure_phase_space",
        "figure_time_strip",
        "label_plane",
    ),
    "profiles": ("figure_loss_line", "figure_profiles"),
    "recovery": ("recovery_dataset", "recovery_details", "recovery_summary"),
    "recovery_figures": ("figure_fit", "figure_landscape", "figure_residuals"),
    "schema": ("json_schema",),
    "store": ("new_run_folder", "write_csv", "write_dataset"),
    "style": ("house_style", "save_figure", "subplots"),
    "tables": ("print_recovery", "summary_table"),
}
_HOMES = {name: part for part, names in _PARTS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
