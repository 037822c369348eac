"""Template filters of the pages of knowledge."""

from __future__ import annotations

from datetime import date

from django import template
from django.forms import BoundField, Form
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from app.core.visible import visible
from knowledge.markdown import render
from knowledge.models import Entry
from knowledge.rule import rule_for

register = template.Library()


@register.filter
def markdown(text: object) -> SafeString:
    """What a person wrote, as HTML that can do nothing, with hidden characters made visible."""
    return mark_safe(render(visible(text)))  # noqa: S308 - knowledge/markdown.py lets no markup through


@register.filter
def one_line(rule: str) -> str:
    """The conditions of a rule beside each other."""
    return ", ".join(line.strip().rstrip(",") for line in str(rule).splitlines() if line.strip())


@register.filter
def as_rule(asset: str) -> str:
    """The rule of a note about one asset."""
    return rule_for(asset)


@register.filter
def days_ago(day: date) -> int:
    return (timezone.now().date() - day).days


@register.filter
def approved_share(entry: Entry) -> int:
    """Of the diagnoses that cited it, the percent whose fix a person approved."""
    cited, right = getattr(entry, "cited", 0), getattr(entry, "right", 0)
    return round(100 * right / cited) if cited else 0


@register.filter
def at(form: Form, name: str) -> BoundField:
    return form[name]


@register.filter
def any_of(form: Form, prefixes: str) -> bool:
    """Whether a field of one of these groups holds something, or is wrong."""
    wanted = tuple(f"{prefix}-" for prefix in prefixes.split())
    names = [name for name in form.fields if name.startswith(wanted)]
    return any(form[name].value() or form[name].errors for name in names)
