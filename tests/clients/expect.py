"""What a refusal must look like: the exception's name and, where AWS's text is known, exactly that text."""

import contextlib
import re

import pytest
from botocore.exceptions import ClientError

ANY_TEXT = object()


@contextlib.contextmanager
def refused(code, message=ANY_TEXT):
    """The call inside must fail with this code. `message=None` means that the answer has no text."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if message is not ANY_TEXT:
        assert error["Message"] == (message or ""), error
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status == 400, error


def violations(text):
    """Splits the text of a ValidationException into a comparable set; enum members are in no fixed order."""
    counted = re.fullmatch(r"(\d+) validation errors? detected: (.*)", text, re.DOTALL)
    assert counted, text
    number, entries = int(counted.group(1)), counted.group(2).split("; ")
    assert ("errors" in text.split(":")[0]) == (number > 1), text
    assert number == len(entries), text
    return {sorted_enum(entry) for entry in entries}


def sorted_enum(entry):
    found = re.search(r"enum value set: \[(.*)\]$", entry)
    if not found:
        return entry
    return entry[: found.start(1)] + ", ".join(sorted(found.group(1).split(", "))) + "]"
