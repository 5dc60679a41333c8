"""What an account has, signatures and templates, as each provider that can list them tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smskit.errors import SettingsError
from smskit.message.template import Template
from smskit.providers import provider_class
from smskit.sending.rehearsal import offers_of
from smskit.settings import Environment
from smskit.simulator import Simulator
from tests import live


@pytest.mark.parametrize("way", [live.SINGLES, live.ALIYUN, live.TENCENT], ids=lambda way: way.provider)
def test_what_the_account_has(simulator: Simulator, tmp_path: Path, way: live.Way) -> None:
    """The approved signature and template are offered as usable, and the text reads as the campaign's own."""
    live.approve(simulator, way)
    offers = offers_of(way.provider, Environment(way.environ(simulator.url, tmp_path)))
    (signature,), (template,) = offers.signatures or (), offers.templates or ()
    read = Template.parse(template.text, signature="GrowingIO", form=provider_class(way.provider).form)

    assert (signature.id, signature.usable) == ("GrowingIO", True)
    assert template.usable
    assert len(read.names) == 2
    assert not way.template_id or template.id == way.template_id


def test_a_provider_without_lists(simulator: Simulator, tmp_path: Path) -> None:
    """Chuanglan lists neither, which is something else than an account that has none."""
    offers = offers_of("chuanglan", Environment(live.CHUANGLAN.environ(simulator.url, tmp_path)))

    assert offers == (None, None)


def test_an_account_that_is_not_set_up() -> None:
    """Without credentials the missing variable is named."""
    with pytest.raises(SettingsError, match="SMSKIT_YUNPIAN_API_KEY"):
        offers_of("yunpian", Environment({"SMSKIT_KEYRING": "0"}))
