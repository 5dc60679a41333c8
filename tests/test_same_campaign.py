"""One definition of a campaign, sent live through every provider: same people, same texts, same accounts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from smskit.cli.provider_pages import builtin_names
from smskit.message.template import Template
from smskit.models import Mode
from smskit.planning.spec import DEFINITION, CampaignSpec
from smskit.sending.receipts import fetch
from smskit.settings import Environment
from smskit.simulator import Simulator, World
from tests import live

PEOPLE = 30
FIRST = 13745678900  # phones no other file of the project holds
BAD = [
    {"user_id": "twice", "phone": str(FIRST), "name": "重复", "coupon": 50},
    {"user_id": "nobody", "phone": "", "name": "无号", "coupon": 50},
    {"user_id": "wrong", "phone": "12345", "name": "错号", "coupon": 50},
    {"user_id": "nameless", "phone": str(FIRST + 900), "name": "", "coupon": 50},
]


@dataclass(frozen=True)
class Sent:
    """What became of the campaign through one provider."""

    definition: dict[str, Any]
    messages: dict[str, str]  # phone -> text, by the simulator's count
    books: dict[str, int]
    status: dict[str, Any]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segment with good rows, and one row for some of the reasons to be left out."""
    path = live.segment(tmp_path_factory.mktemp("same") / "segment.csv", PEOPLE, first=FIRST)
    good = pd.read_csv(path, dtype=str)
    pd.concat([good, pd.DataFrame(BAD).astype(str)]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def sent(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Sent]]:
    """The campaign through each way of sending."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMSKIT_KEYRING", "0")
        yield {name: send(way, source, tmp_path_factory.mktemp(name)) for name, way in live.WAYS.items()}


def send(way: live.Way, source: Path, folder: Path) -> Sent:
    """Plan, check, send, and wait for every receipt."""
    with Simulator(world=World()) as simulator:
        live.approve(simulator, way)
        environ = way.environ(simulator.url, folder)
        parameters = live.data(way, source)
        campaign = live.campaign(parameters, environ)
        plan = campaign.plan()
        outcome = campaign.send()
        row = campaign.ledger.campaigns.get("live-1", Mode.LIVE)
        assert row is not None
        end = time.monotonic() + 120
        while campaign.ledger.audience.counts(row.id).awaiting and time.monotonic() < end:
            assert fetch(campaign.ledger, [row], environment=Environment(environ)).settled.problems == []
            time.sleep(0.2)
        books = campaign.ledger.audience.counts(row.id)
        messages = {f"+{str(m.phone).lstrip('+')}": m.text for m in simulator.world.messages()}
        assert len(messages) == simulator.world.accepted()
        return Sent(
            CampaignSpec.from_data(parameters).definition(),
            messages,
            {
                name: getattr(books, name)
                for name in ("planned", "waiting", "accepted", "refused", "unknown", "delivered", "awaiting")
            },
            {
                "state": outcome.state,
                "segment": len(plan),
                "excluded": plan.excluded,
                "parts": plan.total_parts,
                "cost": plan.cost,
            },
        )


def test_every_builtin_provider_is_among_them(sent: dict[str, Sent]) -> None:
    """No provider is forgotten; `http` is whatever its file says, and has tests of its own."""
    assert {live.WAYS[name].provider for name in sent} == set(builtin_names()) - {"http"}


def test_definitions_differ_in_nothing_else(sent: dict[str, Sent]) -> None:
    """Only `provider` and `template_id` are not the same."""
    shared = set(DEFINITION) - {"provider", "template_id"}
    first, *others = [{name: way.definition[name] for name in shared} for way in sent.values()]

    assert all(other == first for other in others)


@pytest.mark.parametrize("name", live.WAYS)
def test_same_people_same_texts(sent: dict[str, Sent], name: str) -> None:
    """Each provider's simulator counts the same people, each with the text the template makes."""
    template = Template.parse(live.TEMPLATE, signature="GrowingIO")
    wanted = {
        f"+86{FIRST + i}": template.render({"name": f"用户{i}", "coupon": str((50, 100, 200)[i % 3])})
        for i in range(PEOPLE)
    }

    assert sent[name].messages == wanted


@pytest.mark.parametrize("name", live.WAYS)
def test_same_accounts(sent: dict[str, Sent], name: str) -> None:
    """Books, reasons, parts and cost are the same through each provider, and everybody was reached."""
    assert sent[name].books == {
        "planned": PEOPLE,
        "waiting": 0,
        "accepted": PEOPLE,
        "refused": 0,
        "unknown": 0,
        "delivered": PEOPLE,
        "awaiting": 0,
    }
    assert sent[name].status == sent["yunpian-singles"].status
    assert sent[name].status["excluded"] == {
        "no_phone": 1,
        "bad_phone": 1,
        "duplicate_phone": 1,
        "missing_variable": 1,
    }
