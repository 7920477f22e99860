"""Results that a person reads and a program reads back: tables, figures, files."""

from .animation import write_animation as write_animation
from .ellipses import draw_diffusion_ellipses as draw_diffusion_ellipses
from .experiment import Context as Context
from .experiment import load_experiment as load_experiment
from .experiment import run_experiment as run_experiment
from .phase_space import draw_density as draw_density
from .phase_space import figure_phase_space as figure_phase_space
from .phase_space import figure_time_strip as figure_time_strip
from .recovery import recovery_dataset as recovery_dataset
from .recovery import recovery_details as recovery_details
from .recovery import recovery_summary as recovery_summary
from .recovery_figures import figure_fit as figure_fit
from .recovery_figures import figure_landscape as figure_landscape
from .recovery_figures import figure_residuals as figure_residuals
from .store import OutputError as OutputError
from .store import new_run_folder as new_run_folder
from .store import provenance as provenance
from .store import write_csv as write_csv
from .store import write_dataset as write_dataset
from .store import write_json as write_json
from .style import house_style as house_style
from .style import save_figure as save_figure
from .style import subplots as subplots
from .tables import print_recovery as print_recovery
from .tables import summary_table as summary_table
