"""Messages about arguments of Python, in the words that the user typed."""

import re
from collections.abc import Collection, Sequence

# Options by arguments of Python, where they differ in more than a dash.
OPTIONS = {
    "H": "hamiltonian",
    "candidates": "times",
    "fading": "nuisance fading",
    "flip": "nuisance flip",
    "infidelity": "lambda",
    "infidelity_error": "lambda-error",
    "nuisances": "nuisance",
    "psi": "state",
    "psi0": "state",
    "readout": "nuisance readout",
    "rho": "nuisance rho",
    "rival": "against",
}
# A file may hold these, too, or a run folder: they are options where they were typed.
HELD = ("levels", "mass", "n_max", "points", "shots", "sigma", "store", "t0")
_HEAD = re.compile(r"Arguments? `.*?(?= must )")
_NAME = re.compile(r"`([A-Za-z_]\w*)(?=[`\[])")


def by_options(message: str, known: Collection[str], words: Sequence[str]) -> str:
    """The message with options of a command for the arguments it is about.

    Args:
        message: "Argument `psi0` must ..": other texts, and names that are no option
            of the command, stay as they are.
        known: options of the command, such as --state.
        words: what was typed.
    """
    typed = {word.partition("=")[0] for word in words}

    def option(name: re.Match[str]) -> str:
        for said in (name[1].replace("_", "-"), OPTIONS.get(name[1], "")):
            flag = f"--{said.partition(' ')[0]}"
            if flag in known and (name[1] not in HELD or flag in typed):
                return f"`--{said}"
        return name[0]

    head = _HEAD.match(message)
    if head is None:
        return message
    return _NAME.sub(option, head[0]) + message[head.end() :]
