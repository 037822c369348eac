"""The form of Settings › Models, from the same fields as the connection's own."""

from __future__ import annotations

from typing import Any

from integrations.forms import ConnectionForm
from integrations.registry import entry


class ModelForm(ConnectionForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(entry("model"), *args, **kwargs)
        del self.fields["name"]
