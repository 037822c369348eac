"""Vault entries that point on to AWS Secrets Manager: `aws-sm://name`, or `aws-sm://name#key` of a JSON secret.

Region and credentials are those of the process (boto3's own chain). Needs the extra `aws`.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from integrations.errors import SecretUnavailable

SCHEME = "aws-sm://"
_REFERENCE = re.compile(r"aws-sm://(?P<name>[A-Za-z0-9/_+=.@:-]{1,180})(?:#(?P<key>[A-Za-z0-9_.-]{1,60}))?")
ANSWER_S = 5  # seconds for an answer; a diagnosis waits for it


def read(reference: str) -> str:
    """The value that `reference` points to. Raises SecretUnavailable, in words that hold nothing of the secret."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise SecretUnavailable(f"{reference[:80]!r} is not written as aws-sm://name or aws-sm://name#key.")
    text = _fetched(found["name"])
    return _part(text, found["name"], found["key"]) if found["key"] else text


def _fetched(name: str) -> str:
    try:
        import botocore.exceptions
    except ImportError as error:
        raise SecretUnavailable(f"{name} is in AWS: install the extra `aws` to read it.") from error
    try:
        answer = _client().get_secret_value(SecretId=name)
    except botocore.exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "an error")
        raise SecretUnavailable(f"AWS Secrets Manager does not give {name}: {code}.") from error
    except botocore.exceptions.BotoCoreError as error:
        why = type(error).__name__
        raise SecretUnavailable(f"AWS Secrets Manager cannot be asked for {name}: {why}.", retry_after_s=5.0) from error
    if "SecretString" in answer:
        return str(answer["SecretString"])
    raise SecretUnavailable(f"{name} is a binary secret; only text can be used.")


def _part(text: str, name: str, key: str) -> str:
    try:
        value = json.loads(text)[key]
    except (ValueError, LookupError, TypeError):
        raise SecretUnavailable(f"{name} has no {key}, or is no JSON object.") from None  # the text is the secret
    if not isinstance(value, str):
        raise SecretUnavailable(f"{key} of {name} is no text.")
    return value


@lru_cache(maxsize=1)
def _client() -> Any:
    import boto3
    import botocore.config

    limits = botocore.config.Config(connect_timeout=ANSWER_S, read_timeout=ANSWER_S, retries={"total_max_attempts": 2})
    return boto3.client("secretsmanager", config=limits)
