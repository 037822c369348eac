"""One name per asset: what tools call by path, host or account gets its canonical name, or nothing would ever match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.untrusted import mapping, rows, text, without_credentials
from integrations.values import AssetRef, Environment, Json


class Names:
    """Reads a connection's `aliases` and `staging_prefixes`.

    `aliases` maps a namespace as sent to the canonical one, or to `{"namespace": ..., "strip": "wh."}` where names
    carry a prefix (the database) that ours do not. `staging_prefixes` begin schemas and job namespaces of rehearsals.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.aliases = {str(key).rstrip("/").lower(): value for key, value in mapping(config.get("aliases")).items()}
        self.prefixes = tuple(text(prefix).lower() for prefix in rows(config.get("staging_prefixes")) if prefix)
        self.own = text(config.get("namespace"), 300)

    def dataset(self, data: Json) -> AssetRef:
        """Lower case but for quoted parts; the schema of a rehearsal is mapped back to the one of production."""
        namespace, strip = self._canonical(text(data.get("namespace"), 300))
        name = _lower(text(data.get("name"), 300)).removeprefix(strip)
        parts = name.split(".")
        if len(parts) > 1:
            parts[-2] = self._without_prefix(parts[-2])
        return AssetRef(namespace, ".".join(part for part in parts if part))

    def job(self, job: Json) -> AssetRef:
        namespace, _ = self._canonical(text(job.get("namespace"), 300))
        return AssetRef(self._without_prefix(namespace) or self.own, text(job.get("name"), 300))

    def environment(self, job: Json, datasets: Sequence[Json]) -> Environment:
        schemas = [text(data.get("name")).lower().split(".")[-2:-1] for data in datasets]
        names = [text(job.get("namespace")).lower(), *(part for schema in schemas for part in schema)]
        staged = bool(self.prefixes) and any(name.startswith(self.prefixes) for name in names)
        return "staging" if staged else "production"

    def sent_namespace(self, data: Json) -> str:
        return without_credentials(text(data.get("namespace"), 300))

    def _canonical(self, sent: str) -> tuple[str, str]:
        clean = without_credentials(sent).rstrip("/")
        alias = self.aliases.get(clean.lower(), clean)
        if isinstance(alias, dict):
            return text(alias.get("namespace"), 300), text(alias.get("strip"), 300).lower()
        return text(alias, 300) or self.own, ""

    def _without_prefix(self, name: str) -> str:
        for prefix in self.prefixes:
            if name.lower().startswith(prefix) and len(name) > len(prefix):
                return name[len(prefix) :].lstrip("_-.")
        return name


def _lower(name: str) -> str:
    """`Raw.Orders` is `raw.orders`; `"Raw"."Orders"` keeps its case and loses its quotes."""
    return ".".join(part.strip('"') if part.startswith('"') else part.lower() for part in name.split("."))
