"""The paper of the Husimi law, "Can Quantum Field Theory be Recovered ..?", part I.

The rules behind the law, one equation a function.

What leads to the law and what it is compared with: ordinary diffusions, coordinates of
phase space, the conditions that symmetry and conservation put on a diffusion, its forms
in complex and real variables, and the fields it is applied to. Pure functions of one
point: batch them with vmap.

Phase space: α (N,) complex, or ξ = (q_1, .., q_N, p_1, .., p_N). Functions of phase
space take such a point. A matrix over (α, α*) has shape (2N, 2N), in blocks. Arguments
have these meanings, where a function says nothing else:

    alpha, xi, z   one point, of α, of ξ or of scaled (Q, P)
    H              real function of the point
    hessian        its second derivatives: over (α*, α*), (N, N), or over all of the
                   doubled or scaled variables, (2N, 2N)
    parts          `HessianParts` as a function of z
    function       of the point, real or complex, of any shape
    density        ρ, a function of the point
    diffusion      D over (α, α*), (2N, 2N), or a function of α that gives it
    lengths        l_i > 0, scalar or (N,)
    scale          diagonal of L = diag(l, κ/l), (2N,)
    kappa          κ > 0, an action
    C              strength of the diffusion
    omega, k       ω and the wave number of a plane wave
    hbar, mass     ħ, m

Where the printed equation is inconsistent, `printed=True` gives it literally.
"""

from .amplifier import amplifier_collapse_time as amplifier_collapse_time
from .amplifier import amplifier_variances as amplifier_variances
from .blocks import appendix_rate as appendix_rate
from .blocks import complex_diffusion as complex_diffusion
from .blocks import expanded_rate as expanded_rate
from .blocks import hessian_parts as hessian_parts
from .blocks import real_blocks as real_blocks
from .blocks import real_diffusion as real_diffusion
from .conditions import as_doubled as as_doubled
from .conditions import energy_residual as energy_residual
from .conditions import momentum_reversed as momentum_reversed
from .conditions import reality_residual as reality_residual
from .conditions import reversed_diffusion as reversed_diffusion
from .conditions import symmetry_residual as symmetry_residual
from .conditions import time_reversal_residual as time_reversal_residual
from .coordinates import complex_coordinates as complex_coordinates
from .coordinates import doubled_vector as doubled_vector
from .coordinates import phase_space_vector as phase_space_vector
from .coordinates import scaled_coordinates as scaled_coordinates
from .coordinates import scaled_gradient as scaled_gradient
from .coordinates import scaled_hessian as scaled_hessian
from .coordinates import wave_operator as wave_operator
from .coordinates import wirtinger_matrix as wirtinger_matrix
from .evolution import complex_fokker_planck as complex_fokker_planck
from .evolution import complex_gradient as complex_gradient
from .evolution import complex_hessian as complex_hessian
from .evolution import energy_rate as energy_rate
from .evolution import hamiltonian_drift as hamiltonian_drift
from .evolution import liouville_rate as liouville_rate
from .evolution import minimal_diffusion as minimal_diffusion
from .evolution import phase_space_liouville_rate as phase_space_liouville_rate
from .evolution import weight_from_derivatives as weight_from_derivatives
from .evolution import weighted_diffusion as weighted_diffusion
from .fields import field_amplitudes as field_amplitudes
from .fields import field_strength as field_strength
from .fields import field_tensor_lagrangian as field_tensor_lagrangian
from .fields import mode_field as mode_field
from .gaussian_kets import apply_bilinear as apply_bilinear
from .pointer import pointer_density as pointer_density
from .stochastic import backward_kernel as backward_kernel
from .stochastic import fokker_planck_rate as fokker_planck_rate
from .stochastic import nelson_drift as nelson_drift
from .stochastic import nelson_kernel as nelson_kernel
from .stochastic import noise_covariance as noise_covariance
from .stochastic import sde_step as sde_step
from .stochastic import short_time_kernel as short_time_kernel
