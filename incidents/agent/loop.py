"""Behind the wall: let the model read and conclude. Knows no Django, no database and no secret but its own grant.

The job comes as JSON on the standard input; steps and the answer go out as lines of JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

import httpx
from anthropic import AnthropicError
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from openai import OpenAIError

from incidents.agent.answer import CONCLUDE, Unfit, parsed
from incidents.agent.relay import inside
from integrations.llm.build import chat_model

SHOWN = 8_000  # characters of one result that the model is told
A_TURN = 6  # tools of one turn; the rest is left out
REPEATS = 3  # times that the same question is asked before it counts as a loop
FORGIVEN = 2  # turns without a usable call
NUDGE = "Answer by calling a tool: `evidence` or another to read, `conclude` to end. Arguments are JSON."
TOOL_S = 40.0  # seconds for one reading
Json = dict[str, Any]


class Fault(Exception):
    """The model gave no usable answer; the message says why."""


def main() -> None:
    job = json.load(sys.stdin)
    try:
        with inside(job["socket"]) as port:
            answer = Loop(job, f"http://127.0.0.1:{port}").run()
        emit(answer=answer)
    except Fault as fault:
        emit(fault=str(fault))
    except (OpenAIError, AnthropicError, httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        emit(fault=f"{type(error).__name__}: {error}"[:500])


def emit(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


@dataclass
class Loop:
    job: Json
    address: str
    asked: dict[str, int] = field(default_factory=dict)

    def run(self) -> Json:
        """The raw answer, of the right shape. Raises Fault, or what the clients raise."""
        job, tools = self.job, self._tools()
        model = chat_model(
            job["provider"], job["model"], f"{self.address}/model/v1", job["token"],
            timeout_s=job["timeout_s"], most_tokens=job["answer_tokens"],
        ).bind_tools([{"type": "function", "function": tool} for tool in (*tools, CONCLUDE)])  # fmt: skip
        messages: list[BaseMessage] = [SystemMessage(job["system"]), HumanMessage(job["task"])]
        forgiven = FORGIVEN
        for _ in range(job["calls"]):
            reply = model.invoke(messages)
            emit(kind="said", text=_words(reply))
            messages.append(reply)
            if answer := _concluded(reply):
                return answer
            if not reply.tool_calls:
                forgiven -= 1
                if forgiven < 0:
                    raise Fault("It gave no typed answer, however often it was asked.")
                messages += [*_unread(reply), HumanMessage(NUDGE)]
                continue
            messages += [self._read(call) for call in reply.tool_calls[:A_TURN]]
            messages += [ToolMessage("Left out.", tool_call_id=call["id"]) for call in reply.tool_calls[A_TURN:]]
            messages += _unread(reply)
        raise Fault(f"It did not conclude within {job['calls']} calls.")

    def _tools(self) -> list[Json]:
        listed = self._rpc("tools/list", {})["tools"]
        return [{"name": t["name"], "description": t["description"], "parameters": t["inputSchema"]} for t in listed]

    def _read(self, call: Any) -> ToolMessage:
        question = json.dumps([call["name"], call["args"]], sort_keys=True)
        self.asked[question] = self.asked.get(question, 0) + 1
        if self.asked[question] > REPEATS:
            raise Fault("It asked the same again and again.")
        emit(kind="asked", text=f"{call['name']} {json.dumps(call['args'])}"[:2000])
        result = self._rpc("tools/call", {"name": call["name"], "arguments": call["args"]})
        text = str(result["content"][0]["text"]) if "content" in result else json.dumps(result)
        emit(kind="read", text=text[:SHOWN])
        return ToolMessage(text[:SHOWN], tool_call_id=call["id"])

    def _rpc(self, method: str, params: Json) -> Json:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"Authorization": f"Bearer {self.job['token']}"}
        answer = httpx.post(f"{self.address}/mcp", json=body, headers=headers, timeout=TOOL_S, trust_env=False)
        answer.raise_for_status()
        told: Json = answer.json()
        return told["result"] if "result" in told else {"error": told.get("error")}


def _concluded(reply: AIMessage) -> Json | None:
    """Raises Fault for a conclusion of another shape than was asked for."""
    call = next((call for call in reply.tool_calls if call["name"] == CONCLUDE["name"]), None)
    if call is None:
        return None
    try:
        parsed(call["args"])
    except Unfit as error:
        raise Fault(f"Its answer has another shape than was asked for. {error}") from error
    return dict(call["args"])


def _unread(reply: AIMessage) -> list[BaseMessage]:
    """Calls whose arguments were no JSON must be answered too, or the next question is refused."""
    return [ToolMessage("The arguments are no JSON.", tool_call_id=call["id"]) for call in reply.invalid_tool_calls]


def _words(reply: AIMessage) -> str:
    called = [f"{call['name']} {json.dumps(call['args'])}" for call in reply.tool_calls]
    broken = [f"{call['name']} {call['args']}" for call in reply.invalid_tool_calls]
    return "\n".join([str(reply.text), *called, *broken]).strip()[:SHOWN]


if __name__ == "__main__":
    main()
