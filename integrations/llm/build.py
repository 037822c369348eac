"""A LangChain chat model for a provider, a name and an address. Runs in the agent's sandbox too: no Django here."""

from __future__ import annotations

from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel


def chat_model(
    provider: str, model: str, address: str, token: str, *, timeout_s: float, most_tokens: int
) -> BaseChatModel:
    """The model behind `address`, the gateway's; it never retries, because the bounds count every call."""
    common: dict[str, Any] = {"api_key": token, "max_retries": 0, "timeout": timeout_s, "max_tokens": most_tokens}
    if provider == "anthropic":
        made = init_chat_model(f"anthropic:{model}", base_url=address.removesuffix("/v1"), **common)
    else:
        made = init_chat_model(f"openai:{model}", base_url=address, use_responses_api=False, **common)
    assert isinstance(made, BaseChatModel)  # noqa: S101 - narrows a union for the type checker
    return made
