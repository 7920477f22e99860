"""Secrets of addresses, taken out of whatever is printed, logged or kept."""

import re

# Who asks stands before the last @ of a word, since a secret key may hold / itself;
# tokens stand behind ? or #.
_USER = re.compile(r"(\w[\w+.-]*:/{1,2})\S*@")
_QUERY = re.compile(r"(\w[\w+.-]*:/{1,2}[^\s?#'\"]*[?#])[^\s'\"]+")
HIDDEN = "***"


def without_secrets(text: str) -> str:
    """A text whose addresses name no user, key or token.

    Args:
        text: for instance `s3://KEY:SECRET@bucket/sweep?token=T`.

    Returns:
        The same with `***` in their place: `s3://***@bucket/sweep?***`.
    """
    return _QUERY.sub(rf"\1{HIDDEN}", _USER.sub(rf"\1{HIDDEN}@", text))
