"""`jqd design husimi`: when to take heterodyne samples, or maps, of the Husimi law."""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from ..evolution import Propagator
from ..inference import Study
from ..instruments import Direct, SampleMoments
from ..observe import Moments
from ..records import Record
from ..records.phase_space import least_samples, sample_orders
from ..status import Status
from .design_options import Candidates, Designing, Measured
from .designing import Planned, carry_out
from .options import check_word, parse_free, with_options
from .simulate_husimi import (
    KERR,
    WORDS,
    Amplitude,
    Kind,
    OfMap,
    OfOneMode,
    blank_record,
    instrument_of,
    law_of_kets,
    operator_of,
    read_amplitude,
    refuse_negative,
    true_parameters,
)
from .simulation import check_positive, follow, parse_times, rows, sets

# Points of a map that a fit compares, unless told.
POINTS = 600


@with_options()
def husimi(
    *,
    hamiltonian: OfOneMode = KERR,
    assigned: Annotated[
        list[str] | None, sets("C (1), parameters of --hamiltonian (U 1)")
    ] = None,
    alpha0: Amplitude = "1.2+0.5i",
    times: Candidates = "0.1:3:30",
    record: Kind = "samples",
    sigma: OfMap = 1e-2,
    free: Measured = "C",
    designing: Designing,
) -> int:
    """Find the times at which samples of one mode, or maps, best determine C.

    A shot is one sample, or one measurement of a whole map. Samples count by
    their moments, as `jqd recover husimi` compares them.
    """
    check_word("record", record, tuple(WORDS))
    check_positive(sigma=sigma)
    truth = true_parameters(hamiltonian, assigned or ())
    operator, names = operator_of(hamiltonian, truth), parse_free(free)
    priors = designing.priors(names)
    refuse_negative(record, truth["C"])
    ts, amplitude = parse_times(times), read_amplitude(alpha0)
    blank = blank_record(record, ts, amplitude, truth).thinned(POINTS)
    words: list[Any] = [word for text in assigned or () for word in ("--set", text)]
    words += [] if hamiltonian == KERR else ["--hamiltonian", hamiltonian]
    words += ["--alpha0", alpha0, "--record", record]
    words += ["--sigma", sigma] if record == "map" else []
    orders = sample_orders(1)

    def prepare() -> Planned:
        law, psi0 = law_of_kets(operator, truth["C"], blank)
        instrument = instrument_of(blank, sigma)
        run = follow(law, psi0, ts, instrument, Propagator())
        ended, study = Status(int(run.status)), None
        if ended is Status.OK:
            values, noise, shown = rows(run, ts), instrument.noise, instrument
            if record == "samples":
                noise = SampleMoments(orders)
                shown = Direct(of=Moments(orders), noise=noise)
                values = jax.vmap(Moments(orders).bind(law))(jnp.asarray(ts), values)
            data = Record(ts, np.asarray(values), noise, t0=0.0)
            study = Study(
                law, data, psi0=psi0, free=names, instrument=shown, nuisances=priors
            )
        # fewer samples at a time would not show how their moments scatter
        least = 1 if record == "map" else least_samples(1)
        return Planned("husimi", type(law).__name__, study, ended, words, least=least)

    return carry_out(designing, free, prepare)
