"""The form of Settings › Models, from the same fields as the connection's own."""

from __future__ import annotations

from typing import Any

from integrations.forms import ConnectionForm
from integrations.registry import entry


class ModelForm(ConnectionForm):
    """Of the connection that its `kind` names: `model` or `embedding`."""

    def __init__(self, kind: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(entry(kind), *args, **kwargs)
        del self.fields["name"]
