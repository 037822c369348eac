"""Notes of a large organisation, and questions that colleagues ask in other words; the same for the same seed.

What a note and its question share are the names of who delivers what, often in another form or misspelt; what went
wrong is said in words of its own on each side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from knowledge.rule import Case

NAMES = """
north blue iron quick silver grand east clear high red stone bright lake oak free gold deep wind ever fair green hill \
amber cold elm fox gray hazel ivy jade
gate peak hawk line field port wood stream bank star ridge mark well point shore path land crest brook cliff dale fell \
glen ford haven mill moor pond rock vale
"""
HEADS, TAILS = (line.split() for line in NAMES.strip().splitlines())
THINGS = (
    "invoices/billing documents, refunds/returned payments, shipments/parcels, exchange rates/fx quotes, "
    "stock counts/inventory, loyalty points/bonus balances, headcount plan/staffing forecast, web sessions/visits, "
    "ad spend/marketing cost, subscriptions/recurring plans, price list/tariffs, store hours/opening times, "
    "supplier scores/vendor ratings, chargebacks/disputed payments, gift cards/vouchers, delivery slots/time slots, "
    "tax codes/vat keys, claims/damage reports, call logs/phone records, survey answers/questionnaires, "
    "fuel cards/petrol receipts, meter readings/consumption values, leads/prospects, contracts/agreements, "
    "payroll runs/salary batches, bookings/reservations, baskets/carts, warranty cases/guarantee requests, "
    "warehouse moves/stock transfers, customer tickets/support requests, tickets sold/admissions, seat plans/seating"
)
SUBJECTS = [tuple(one.strip().split("/")) for one in THINGS.split(", ")]


@dataclass(frozen=True)
class Trouble:
    """One thing that is known: how a note says it, and how somebody asks who has not read the note."""

    name: str
    title: str
    body: str
    asks: tuple[str, ...]
    error: str
    failure_class: str


TROUBLES = (
    Trouble("window", "{thing} of {who} only load at night", "Their interface answers between 02:47 and 03:12 and "
            "refuses all day. Wait for that slot.", ("Why does {who} send us a 503 for {other} during office time?",
            "{who} {other}: when may I call their API?"), "HTTP 503 from {slug}: service closed", "transient"),
    Trouble("uplift", "{thing} of {who} are adjusted by ten percent", "Finance adds a surcharge on purpose at month "
            "end. It is agreed and no defect.", ("The sum for {who} {other} rose by a tenth. Is that intended?",
            "Is the increase in {other} from {who} deliberate?"), "total of {slug} 10.2 % above its band", "data"),
    Trouble("sheet", "{thing} of {who} come from a spreadsheet", "Planning overwrites the tab by hand and empties it. "
            "Ask Dolores to put the rows back.", ("{who} {other} has no rows since this morning, whom do I contact?",
            "Who owns the file behind {other} of {who}?"), "0 rows read for {slug}", "data"),
    Trouble("header", "{thing} of {who} need a special header", "The cluster lets in only calls that carry the key "
            "under X-Relay. It lies in the vault.", ("401 when fetching {other} from {who}: which secret goes where?",
            "How do I authenticate against {who} for {other}?"), "401 unauthorized: {slug}", "infrastructure"),
    Trouble("dupes", "{thing} of {who} arrive twice after a restart", "Their exporter replays the last file. Keep the "
            "first row of each number.", ("We see repeated rows in {other} delivered by {who}",
            "Double entries in {who} {other}: what is safe to drop?"), "unique test failed on {slug}_id", "data"),
    Trouble("monday", "{thing} of {who} are late on Mondays", "Their weekend batch ends at noon. Nothing is broken "
            "before 13:00.", ("{other} by {who} has not arrived at the start of the week",
            "Start of week and the {who} {other} feed is stale, should I worry?"), "{slug} is 5 hours old", "data"),
    Trouble("decimal", "{thing} of {who} use a comma for cents", "The German export writes 1.234,50. Parse with the "
            "right locale.", ("Numbers in {other} from {who} are a hundred times too large",
            "{who}: cannot cast '1.234,50' while reading {other}"), "could not convert 1.234,50 in {slug}", "code"),
    Trouble("quota", "{thing} of {who} have a call budget", "One thousand requests a day, reset at midnight UTC. Do "
            "not hammer it.", ("Too many requests, says {who} when we pull {other}",
            "How often may we query {who} about {other}?"), "429 Too Many Requests: {slug}", "transient"),
    Trouble("rename", "{thing} of {who} rename fields every spring", "The contract year brings new field names; the "
            "mapping file is ours to edit.", ("Column not found in {other} after the {who} release",
            "{who} changed attribute names of {other} again?"), "column amount_net not found in {slug}", "data"),
    Trouble("memory", "{thing} of {who} need more memory in December", "Volume triples before Christmas. Give the job "
            "eight gigabytes.", ("The {other} job for {who} gets killed by the kernel at year end",
            "OOM while building {who} {other}"), "exit 137 while loading {slug}", "infrastructure"),
    Trouble("yen", "{thing} of {who} mix currencies", "Stores in Japan bill in yen without telling. Hold what is not "
            "in the map.", ("JPY next to dollars in {other} of {who}",
            "Amounts in {who} {other} jumped for the Tokyo branches"), "unknown value JPY in {slug}", "data"),
    Trouble("freeze", "{thing} of {who} must not be touched in March", "The auditors read the table directly. Changes "
            "wait until April.", ("May I correct {other} from {who} during the annual audit?",
            "Patch for {who} {other} was refused in spring, is there a lock?"), "{slug} is locked", "infrastructure"),
)  # fmt: skip


@dataclass(frozen=True)
class Note:
    trouble: Trouble
    who: str
    thing: str
    other: str
    form: str  # how its rule finds it: asset, class, error, glob, none
    number: int
    says_other: bool = False  # whether it gives the other name as well
    says_error: bool = False  # whether it quotes what the log says

    @property
    def slug(self) -> str:
        return f"{self.who.lower()}_{self.thing.replace(' ', '_')}"

    @property
    def asset(self) -> str:
        return f"raw.{self.slug}"

    @property
    def title(self) -> str:
        return self.filled(self.trouble.title)

    @property
    def body(self) -> str:
        more = " Also called {other}." if self.says_other else ""
        more += f" Seen as: {self.trouble.error}." if self.says_error else ""
        return self.filled(self.trouble.body + more)

    @property
    def rule(self) -> str:
        rules = {
            "asset": f"asset = {self.asset}",
            "class": f"asset = {self.asset} and class = {self.trouble.failure_class}",
            "error": f'error ~ "E{self.number:05d}"',
            "glob": f"asset = raw.{self.who.lower()}_* and class = {self.trouble.failure_class}",
        }
        return rules.get(self.form, "")

    def filled(self, text: str, other: str = "") -> str:
        said = text.format(who=self.who, thing=self.thing, other=other or self.other, slug=self.slug)
        return said[0].upper() + said[1:]


@dataclass(frozen=True)
class Question:
    """A case, and the place of the note that answers it."""

    case: Case
    answer: int
    kind: str


def notes(count: int, random: Random) -> list[Note]:
    """No two of one trouble about one thing of one side; every tenth stands beside another on the same thing."""
    who = [f"{head}{tail}".title() for head in HEADS for tail in TAILS]
    made: list[Note] = []
    taken: set[tuple[str, str, str]] = set()
    while len(made) < count:
        side, (thing, other) = random.choice(who), random.choice(SUBJECTS)
        if made and random.random() < 0.1:
            side, thing, other = made[-1].who, made[-1].thing, made[-1].other
        trouble = random.choice(TROUBLES)
        if (key := (side, thing, trouble.name)) in taken:
            continue
        taken.add(key)
        form = random.choices(["asset", "class", "error", "glob", "none"], [40, 15, 15, 5, 25])[0]
        says = random.random() < 0.4, random.random() < 0.5
        made.append(Note(trouble, side, thing, other, form, len(made), *says))
    return made


def questions(made: list[Note], count: int, random: Random) -> list[Question]:
    """Two of five about an asset that broke or one below it, one of five about an error, the others in words alone."""
    by_form: dict[str, list[Note]] = {}
    for note in made:
        by_form.setdefault(note.form, []).append(note)
    about = {"asset": [*by_form["asset"], *by_form["class"]], "error": by_form["error"], "words": made}
    return [_question(kind, random.choice(about[kind]), made, random) for kind in _kinds(count)]


def _kinds(count: int) -> Iterator[str]:
    for number in range(count):
        yield ("asset", "asset", "error", "words", "words")[number % 5]


def _question(kind: str, note: Note, made: list[Note], random: Random) -> Question:
    error, other = note.filled(note.trouble.error), note.other if note.says_other else inflected(note.thing, random)
    said = note.filled(random.choice(note.trouble.asks), other)
    if kind == "words":
        return Question(Case(text=misspelt(said, note.who, random)), note.number, kind)
    noise = "\n".join(f"2026-11-20 02:{n:02d} INFO step {n} of the load finished" for n in range(6))
    job = f"load_{note.slug}"
    if kind == "error":
        beside = random.choice(made)
        case = Case({beside.asset: 0}, "airflow", error=f"{noise}\nE{note.number:05d}: job failed")
        return Question(case, note.number, kind)
    steps = random.choice([0, 0, 1, 2])
    assets = {note.asset: steps, job: steps}
    if steps:
        assets |= {
            f"mart.{random.choice(made).slug}": 0,
            f"stg_{note.slug}": steps - 1,
            random.choice(made).asset: steps,
        }
    case = Case(assets, "airflow", "prod", note.trouble.failure_class, error=f"{noise}\n{error}")
    return Question(case, note.number, kind)


def inflected(thing: str, random: Random) -> str:
    """`exchange rates`: exchange rate feed, the exchange rate, exchange_rates."""
    stem = thing.removesuffix("s")
    return random.choice([f"{stem} feed", f"the {stem}", thing.replace(" ", "_"), f"{stem} data"])


def misspelt(text: str, name: str, random: Random) -> str:
    """One of five writes the name with two letters the wrong way round, one without its capital."""
    at, roll = random.randrange(1, len(name) - 2), random.random()
    wrong = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return text.replace(name, wrong if roll < 0.2 else name.lower() if roll < 0.4 else name)
