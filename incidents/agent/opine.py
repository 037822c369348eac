"""A model's word on a labelled failure, for `manage.py evaluate --model`: from the log alone, with no tool to read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import httpx
from anthropic import AnthropicError
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from openai import OpenAIError

from app.core.redact import redact
from incidents.agent import prompts
from incidents.agent.answer import CONCLUDE, Answer, Unfit, parsed, supported
from incidents.agent.judge import ALONE
from incidents.cases import Case
from incidents.classify import LogReading
from incidents.subtypes import SUBTYPES
from integrations.llm.build import chat_model

LOG_LIMIT = 12_000  # characters of a log that the model is told, its end
TIMEOUT_S, ANSWER_TOKENS = 60.0, 1_000
WEAK = 0.6  # a confidence of the rules below which the model's conclusion takes their place, as weakly


@dataclass
class Opiner:
    """Asks one model, counts what it used, and how often it gave no answer that holds."""

    provider: str
    model: str
    address: str
    key: str
    asked: int = 0
    failed: int = 0
    tokens: int = 0

    def __call__(self, case: Case, reading: LogReading) -> LogReading:
        """The rules' reading, or the model's where theirs is weak. Never raises for what the model does."""
        self.asked += 1
        try:
            answer = self._answer(case, reading)
        except (OpenAIError, AnthropicError, httpx.HTTPError, Unfit, ValueError, KeyError, TypeError):
            answer = None
        if answer is None or not supported(answer.claims, {"E1"}):
            self.failed += 1
            return reading
        kind = SUBTYPES.get(answer.subtype)
        if kind is None or kind.failure_class != answer.failure_class or reading.confidence >= WEAK:
            return reading
        return replace(reading, subtype=kind, confidence=min(answer.confidence, ALONE))

    def _answer(self, case: Case, reading: LogReading) -> Answer | None:
        model = chat_model(self.provider, self.model, self.address, self.key,
                           timeout_s=TIMEOUT_S, most_tokens=ANSWER_TOKENS)  # fmt: skip
        bound = model.bind_tools([{"type": "function", "function": CONCLUDE}])
        reply = bound.invoke([SystemMessage(prompts.rendered("system")), HumanMessage(_task(case, reading))])
        if not isinstance(reply, AIMessage):
            return None
        if reply.usage_metadata:
            self.tokens += reply.usage_metadata["total_tokens"]
        said = next((call["args"] for call in reply.tool_calls if call["name"] == CONCLUDE["name"]), None)
        return parsed(said) if said is not None else None


def _task(case: Case, reading: LogReading) -> str:
    classes: dict[str, list[str]] = {}
    for row in SUBTYPES.values():
        classes.setdefault(row.failure_class, []).append(row.name)
    return prompts.rendered("case", case=case, reading=reading, log=redact(case.log)[-LOG_LIMIT:], classes=classes)
