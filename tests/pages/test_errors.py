from __future__ import annotations

from typing import Any

from django.test import Client


def test_an_address_that_leads_nowhere_says_so_with_a_way_back(console: Any) -> None:
    answer = console.get("/incidents/424242/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()
    assert 'href="/incidents/"' in answer.content.decode()


def test_a_form_without_its_token_changes_nothing(cast: dict[str, Any], yen: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["on_call"])
    answer = client.post("/incidents/1042/comment/", {"text": "x"})
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()
