"""Settings in TOML: what is written is read, and what is refused in one line."""

import re

import numpy as np
import pytest

from jqd.records import Settings, load_settings, save


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "plan.toml"
    ts, shots = np.array([0.0, 1 / 3, 2e-7 + 1]), np.array([1, 2**40, 7])
    plan = Settings(ts, shots, "copying", "q,r", 'omega="x"+-1')
    assert save(path, plan) == path
    found = load_settings(path)
    np.testing.assert_array_equal(found.ts, ts)
    np.testing.assert_array_equal(found.shots, shots)
    assert found[2:] == plan[2:]
    with pytest.raises(ValueError, match="must be a new file"):
        save(path, plan)
    assert len(list(tmp_path.iterdir())) == 1


def test_settings_that_would_not_be_read_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="whole numbers from 1 on as `shots`"):
        save(tmp_path / "p.toml", Settings(np.ones(1), np.zeros(1)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("t = [1, 2]", "`shots`"),
        ("shots = [1, 2]", "`t`"),
        ("t = [1, 2]\nshots = [3]", "one number of `shots` per time, .* has 1 for 2"),
        ("t = [2, 1]\nshots = [3, 3]", "`t` must increase strictly"),
        ("t = [-1, 1]\nshots = [3, 3]", "times from 0 on"),
        ("t = [1]\nshots = [0]", "whole numbers from 1 on as `shots`, but .* has 0"),
        ("t = [1]\nshots = [1.5]", "whole numbers from 1 on"),
        ("t = [1]\nshots = [1e20]", "whole numbers from 1 on"),
        ("t = [inf]\nshots = [1]", "must be finite"),
        ("t = [1]\nshots = ['a']", "`shots`"),
        ("t = [1]\nshots = [[1], [1, 2]]", "broken"),
        ("t = [1]\nshots = [1]\nlaw = 3", "hold `law` as text, but .* has 3"),
        ("t = [1", "broken or truncated"),
        ("", "hold data"),
        ("[" * 5000, "broken"),
    ],
)
def test_what_is_refused(text, said, tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=said) as caught:
        load_settings(path)
    assert re.match(r"Argument `", str(caught.value))
    assert "plan.toml" in str(caught.value)
