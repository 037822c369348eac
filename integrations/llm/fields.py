"""The settings of models, as Settings › Models asks for them."""

from __future__ import annotations

from integrations.fields import Field

MODEL_FIELDS = (
    Field("provider", "Provider", "openai, anthropic, ollama …, or any word beside an address.", default="openai"),
    Field("model", "Model", "The name that the provider knows it by."),
    Field("base_url", "Address", "Of a server that speaks OpenAI's language, when it is another one.", required=False),
    Field("key", "Key", "Not needed by a local model.", "secret", False),
    Field("price_in", "Price in", "US dollars for a million tokens that it reads.", required=False, default="1.00"),
    Field("price_out", "Price out", "US dollars for a million tokens that it writes.", required=False, default="5.00"),
    Field("calls", "Calls", "At most for one incident in a day.", required=False, default="12"),
    Field("tokens", "Tokens", "At most for one incident in a day.", required=False, default="60000"),
    Field("seconds", "Seconds", "At most for one look at an incident.", required=False, default="120"),
    Field("per_incident", "Money, incident", "US dollars at most in a day.", required=False, default="0.05"),
    Field("per_connection", "Money, connection", "US dollars at most in a day.", required=False, default="2.00"),
    Field("per_day", "Money, altogether", "US dollars at most in a day.", required=False, default="5.00"),
    Field("cooldown_min", "Cool-down", "Minutes between two looks at one incident.", required=False, default="30"),
    Field("floor", "Least severity", "low, info, warning, high or critical.", required=False, default="warning"),
)

EMBEDDING_FIELDS = (
    Field("provider", "Provider", "openai, mistralai, ollama …, or any word beside an address.", default="openai"),
    Field("model", "Model", "The name that the provider knows it by, for example text-embedding-3-small."),
    Field("base_url", "Address", "Of a server that speaks OpenAI's language, when it is another one.", required=False),
    Field("key", "Key", "Not needed by a local model.", "secret", False),
    Field("price_in", "Price", "US dollars for a million tokens.", required=False, default="0.02"),
    Field("per_day", "Money", "US dollars at most in a day.", required=False, default="1.00"),
    Field("least", "Least closeness", "0 to 1: what is less alike is not found.", required=False, default="0.5"),
)
