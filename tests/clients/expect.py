"""What a refusal must look like: the exception's name and, where AWS's text is known, exactly that text."""

import contextlib
import enum
import re

import pytest
from botocore.exceptions import ClientError

ANY_TEXT = object()


class Reason(enum.Enum):
    """Why KMS denies, and AWS's words for it."""

    IDENTITY = "because no identity-based policy allows the {action} action"
    KEY_POLICY = "because no resource-based policy allows the {action} action"
    BOUNDARY = "because no permissions boundary allows the {action} action"
    SESSION = "because no session policy allows the {action} action"
    GUARD = "because no service control policy allows the {action} action"
    DENY_IDENTITY = "with an explicit deny in an identity-based policy"
    DENY_KEY_POLICY = "with an explicit deny in a resource-based policy"
    DENY_BOUNDARY = "with an explicit deny in a permissions boundary"
    DENY_SESSION = "with an explicit deny in a session policy"
    DENY_GUARD = "with an explicit deny in a service control policy"
    # Another account's key, or none: nobody learns which.
    ELSEWHERE = (
        "this resource because the resource does not exist in this Region, no resource-based policies allow access, "
        "or a resource-based policy explicitly denies access"
    )


@contextlib.contextmanager
def refused(code, message=ANY_TEXT, status=400):
    """The call inside must fail with this code. `message=None` means that the answer has no text."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if message is not ANY_TEXT:
        assert error["Message"] == (message or ""), error
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status, error


def denied(caller, action, resource, reason):
    """KMS must deny this action to the caller, for this reason."""
    why = reason.value.format(action=action)
    on = "" if reason is Reason.ELSEWHERE else f" resource: {resource}"
    return refused("AccessDeniedException", f"User: {caller.arn} is not authorized to perform: {action} on{on} {why}")


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
