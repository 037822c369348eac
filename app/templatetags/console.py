"""Template tags of the console: small words and marks that every page shares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from app.core.visible import visible

register = template.Library()
register.filter(visible)

CODE = re.compile(r"`([^`\n]+)`")
DAY = 86_400  # seconds


# --- marks -------------------------------------------------------------------------------------------------------


@register.simple_tag
@lru_cache(maxsize=64)
def icon(name: str, size: str = "") -> SafeString:
    shape = "icon icon--sm" if size else "icon"
    return format_html('<svg class="{}" aria-hidden="true"><use href="#i-{}"/></svg>', shape, name)


@register.simple_tag
@lru_cache(maxsize=16)
def severity(name: str) -> SafeString:
    """Four bars and the word, so that colour does not stand alone."""
    on = {"critical": 4, "high": 3, "warning": 2, "info": 1}.get(name, 0)
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="2.5" height="{}" rx=".5"/>',
        (("on" if at < on else "off", 3.5 * at, 9 - 3 * at, 3 + 3 * at) for at in range(4)),
    )
    svg = format_html('<svg viewBox="0 0 13.5 12" aria-hidden="true">{}</svg>', bars)
    return format_html('<span class="sev sev--{}">{}{}</span>', name, svg, name.capitalize())


@register.simple_tag
@lru_cache(maxsize=32)
def chip(failure_class: str, otherwise: str = "Classifying") -> SafeString:
    """A failure class, always icon plus word; `otherwise` where there is none, or not yet."""
    if not failure_class:
        return format_html('<span class="chip chip--line">{}</span>', otherwise)
    mark = icon(failure_class, "sm")
    return format_html('<span class="chip chip--{}">{}{}</span>', failure_class, mark, failure_class.capitalize())


@register.simple_tag
def owner_mark(owner: Any) -> SafeString:
    if owner is None:
        return mark_safe('<span class="avatar avatar--none" title="Unassigned"></span>')
    return format_html('<span class="avatar" title="{}">{}</span>', visible(owner.label), owner.initials)


@register.simple_tag
def progress(standing: Any) -> SafeString:
    """Seven steps as small bars; beside a word, so hidden from readers."""
    bars = format_html_join("", '<i class="{}"></i>', ((bar,) for bar in standing.bars))
    style = "progress is-done" if standing.shape == "ok" else "progress"
    return format_html('<span class="{}" aria-hidden="true">{}</span>', style, bars)


@register.simple_tag(takes_context=True)
def nav_link(context: template.Context, url: str, image: str, word: str, count: int | str = 0) -> SafeString:
    here = context["request"].path.startswith(url)
    badge = format_html('<span class="badge" aria-label="{} waiting for you">{}</span>', count, count) if count else ""
    return format_html(
        '<a class="nav__link" href="{}"{}>{}<span>{}</span>{}</a>',
        url,
        mark_safe(' aria-current="page"') if here else "",
        icon(image),
        word,
        badge,
    )


@register.simple_tag(takes_context=True)
def live(context: template.Context, event: str) -> str:
    """The htmx trigger of a block that follows `event`: the stream where there is one, else a poll."""
    calm = "delay:300ms"  # because several records of one move arrive together
    own = f"incident-changed from:body {calm}"
    return f"sse:{event} {calm}, sse:refetch {calm}, {own}" if context.get("stream_url") else f"every 10s, {own}"


# --- time --------------------------------------------------------------------------------------------------------


@register.simple_tag
def when(at: datetime | str | None, form: str = "short") -> SafeString:
    """A `<time>` in UTC: `short` leaves out the day when it is today's, `clock` has seconds, `full` has everything."""
    moment = _moment(at)
    if moment is None:
        return mark_safe('<span class="muted">never</span>')
    if form == "full":
        words = f"{moment:%-d %b %Y, %H:%M:%S} UTC"
    elif form == "clock":
        words = f"{moment:%H:%M:%S}"
    elif moment.date() == timezone.now().date():
        words = f"{moment:%H:%M}"
    else:
        words = f"{moment:%-d %b %H:%M}"
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(timespec="seconds"), words)


@register.filter
def age(at: datetime | str | None, until: datetime | str | None = None) -> str:
    """How long ago, short: 40s, 11m, 3h 04m, 2d 3h."""
    moment = _moment(at)
    return "" if moment is None else span(((_moment(until) or timezone.now()) - moment).total_seconds())


@register.filter
def left(at: datetime | None) -> str:
    """How long until `at`, or an empty word when it has passed."""
    return span((at - timezone.now()).total_seconds()) if at and at > timezone.now() else ""


@register.filter
def span(seconds: float | timedelta | None) -> str:
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    if not isinstance(seconds, int | float):
        return ""  # a template asked for what is not there
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < DAY:
        return f"{whole // 3600}h {whole % 3600 // 60:02}m"
    return f"{whole // DAY}d {whole % DAY // 3600}h"


@register.filter
def lasted(seconds: float | None) -> str:
    """How long something took: 41 s, 4m 37s, 1h 05m."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60}m {whole % 60:02}s" if whole < 3600 else span(whole)


def _moment(at: datetime | str | None) -> datetime | None:
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            return None
    if at is None:
        return None
    return at if timezone.is_aware(at) else at.replace(tzinfo=timezone.get_default_timezone())


# --- words -------------------------------------------------------------------------------------------------------


@register.filter
def prose(value: object) -> SafeString:
    """A sentence, escaped, with what stands between backticks as code."""
    return mark_safe(CODE.sub(r"<code>\1</code>", escape(visible(value))))  # noqa: S308 - escaped in the line


@register.filter
def full_stop(value: object) -> str:
    """A sentence ends as one, whoever wrote it."""
    text = str(value or "").rstrip()
    return f"{text}." if text and text[-1] not in ".!?…:”" else text


@register.filter
def without_full_stop(value: object) -> str:
    """For a sentence whose citations stand before its end."""
    return str(value or "").rstrip().removesuffix(".")


@register.filter
def cites(labels: Iterable[str]) -> SafeString:
    links = [
        format_html(' <a class="cite" href="#{}">{}</a>', visible(label), visible(label)) for label in labels or ()
    ]
    return mark_safe("".join(links))  # noqa: S308 - made of escaped parts


@register.filter
def fingerprint(value: str | None, groups: int = 16) -> str:
    """A hash in groups of four, the first `groups` of them."""
    text = value or ""
    return " ".join(text[at : at + 4] for at in range(0, min(len(text), groups * 4), 4))


@register.filter
def initials(name: str) -> str:
    parts = str(name).replace("_", " ").replace("-", " ").split()
    return "".join(part[0] for part in parts[:2]).upper()


@register.filter
def words(value: object) -> str:
    """An identifier as words: `rerun_with_parameters` becomes `rerun with parameters`."""
    return visible(value or "").replace("_", " ").replace("-", " ")


@register.filter
def get(mapping: Any, key: str) -> Any:
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.filter
def number(value: Any) -> str:
    """A count or an amount with its thousands apart; whatever is no number stays as it is, made visible."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return visible(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


@register.filter
def options(value: str) -> list[tuple[str, str]]:
    """`open:Open decide:Needs_decision` as pairs of a key and its words."""
    return [(key, word.replace("_", " ")) for key, _, word in (part.partition(":") for part in value.split(" "))]


@register.filter
def unclassified(standing: Any) -> str:
    """What stands in the place of a failure class that nobody found, or not yet."""
    return "Classifying" if getattr(standing, "word", "") in {"Opened", "Diagnosing"} else "Unclassified"


@register.filter
def event(incident: Any) -> str:
    """The name under which the stream tells of this incident."""
    return f"incident-{incident.number}"


@register.filter
def percent(share: Any) -> int:
    """A rate of 0..1 as whole percent, for the width of a bar."""
    try:
        return max(0, min(100, round(float(share) * 100)))
    except (TypeError, ValueError):
        return 0


@register.filter
def plain(value: Any) -> str:
    """Any JSON value on one line, hidden characters made visible."""
    if isinstance(value, dict):
        return ", ".join(f"{visible(key)}: {plain(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(part) for part in value)
    return number(value) if value is not None else "—"


@register.filter
def add_number(prefix: str, value: int) -> str:
    return f"{prefix}{value}"
