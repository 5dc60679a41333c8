"""A draft takes choices one by one, and what it comes to is exactly what a parameter file would say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smskit.errors import InputError, SpecError
from smskit.planning.draft import Draft, ProviderChange
from smskit.planning.spec import CampaignSpec
from smskit.settings.places import from_project


def test_a_draft_may_be_incomplete() -> None:
    """Values can be chosen in any order; the whole is asked for once, and then something missing is named."""
    draft = Draft()
    draft.set(signature="【GrowingIO】", max_cost=5)

    assert (draft["signature"], str(draft["max_cost"]), draft["user_id"]) == ("GrowingIO", "5", "user_id")
    with pytest.raises(SpecError, match="`campaign` is required"):
        draft.spec()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"max_recipient": 3}, "did you mean `max_recipients`", id="unknown"),
        pytest.param({"holdout": 2}, "holdout", id="out-of-range"),
        pytest.param({"template": "LTAI5tMadeUpForTests0001"}, "credential", id="credential"),
    ],
)
def test_a_bad_value_changes_nothing(values: dict[str, object], words: str) -> None:
    """What is refused leaves the draft as it was, its good values too, and nobody is told."""
    draft, told = Draft({"signature": "A"}), []
    draft.on_change(told.append)

    with pytest.raises(SpecError, match=words):
        draft.set(signature="B", **values)
    assert draft.to_data() == {"signature": "A"}
    assert told == []


def test_listeners_hear_what_changed() -> None:
    """A listener hears the names of values that are different now, and nothing when none is."""
    draft, told = Draft({"signature": "A"}), []
    draft.on_change(told.append)
    draft.set(signature="A")
    draft.set(signature="B", holdout=0.1)
    draft.set(holdout=None)

    assert told == [{"signature", "holdout"}, {"holdout"}]


def test_empty_is_a_value_where_it_means_something() -> None:
    """An empty user id column or send window is a choice of its own, not the default."""
    draft = Draft({"user_id": "", "send_window": "", "campaign": ""})

    assert (draft["user_id"], draft["send_window"]) == ("", "")
    assert draft.to_data() == {"user_id": "", "send_window": ""}


def test_saved_and_read_back(tmp_path: Path) -> None:
    """The file a draft writes is what papermill reads: the same campaign comes back; test phones stay out."""
    draft = Draft({"campaign": "c-1", "segment": "s.csv", "rules": [{"column": "a", "op": "is_null"}]})
    draft.set(test_phones=["13800138000"], user_id="")
    file = draft.save(tmp_path / "deep" / "campaign.yaml")

    assert CampaignSpec.from_yaml(file) == draft.spec().model_copy(update={"test_phones": []})
    assert Draft.read(file).to_data() == {n: v for n, v in draft.to_data().items() if n != "test_phones"}
    assert "13800138000" not in file.read_text()


@pytest.mark.parametrize("data", [{"signature": "A"}, {}], ids=["some", "nothing"])
def test_an_incomplete_draft_is_kept_for_the_next_notebook(tmp_path: Path, data: dict[str, object]) -> None:
    """What was chosen so far is read back as it is; as a campaign it is refused, naming what is missing."""
    draft = Draft(data)
    file = draft.save(tmp_path / "campaign.yaml")

    assert draft.missing == ("campaign", "segment")
    assert Draft.read(file).to_data() == data
    with pytest.raises(SpecError, match="`campaign` is required"):
        CampaignSpec.from_yaml(file)


def test_notebooks_meet_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is one from the project's root, wherever the notebook lies."""
    (tmp_path / "environment.yml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    file = Draft({"campaign": "c-1", "segment": "s.csv"}).save("campaign.yaml")

    assert file == tmp_path / "campaign.yaml"
    assert Draft.read("campaign.yaml")["campaign"] == "c-1"
    assert Draft.read(file).missing == ()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A file in the way is said in words."""
    (tmp_path / "file").write_text("")

    with pytest.raises(InputError, match="cannot write"):
        Draft({"campaign": "c-1", "segment": "s.csv"}).save(tmp_path / "file" / "campaign.yaml")


def test_a_repeating_campaign_stays_one(tmp_path: Path) -> None:
    """A placeholder is kept in the file that is written, and filled in for the campaign that is run."""
    file = tmp_path / "weekly.yaml"
    file.write_text("campaign: weekly-{week}\nsegment: s.csv\n", encoding="utf-8")
    draft = Draft.read(file)
    draft.set(signature="A")
    saved = draft.save(tmp_path / "again.yaml")

    assert re.fullmatch(r"weekly-20\d\d-W\d\d", draft.spec().campaign)
    assert draft["campaign"] == "weekly-{week}"
    assert saved.read_text(encoding="utf-8").startswith("campaign: weekly-{week}\n")
    with pytest.raises(SpecError, match="placeholder"):
        draft.set(campaign="weekly-{wek}")


def test_a_path_is_said_from_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People read a file's place within their project, and the whole of it elsewhere."""
    (tmp_path / "home" / "notebooks").mkdir(parents=True)
    (tmp_path / "home" / "environment.yml").touch()
    monkeypatch.chdir(tmp_path / "home" / "notebooks")

    assert from_project(tmp_path / "home" / "campaign.yaml") == "campaign.yaml"
    assert from_project(tmp_path / "other.yaml") == str(tmp_path / "other.yaml")


LISTED = {"signature": "A", "template_id": "77", "template": "你好{name}", "variables": {"name": "name"}}


def names(change: ProviderChange) -> dict[str, tuple[str, ...]]:
    """What a change of provider dropped, restored and kept; only what there is."""
    found = {"dropped": change.dropped, "restored": change.restored, "kept": change.kept}
    return {what: parameters for what, parameters in found.items() if parameters}


def test_a_listed_template_belongs_to_its_provider() -> None:
    """Its id and text go when another provider is taken, and come back with what is bound meanwhile."""
    draft, heard = Draft({"provider": "yunpian", **LISTED}), []
    draft.on_change(heard.append)
    away = draft.change_provider("aliyun")
    meanwhile = draft.to_data()
    draft.set(signature="B", template_id="SMS_1", template="{name}您好", variables={"name": "nick"})
    home = draft.change_provider("yunpian")
    again = draft.to_data()
    back = draft.change_provider("aliyun")

    assert meanwhile == {"provider": "aliyun", "signature": "A", "variables": {"name": "name"}}
    assert (away.before["provider"], away.now["provider"]) == ("yunpian", "aliyun")
    assert names(away) == {"dropped": ("template_id", "template"), "kept": ("signature",)}
    assert heard[0] == {"provider", "template_id", "template"}
    assert again == LISTED | {"variables": {"name": "nick"}}
    assert names(home) == {"restored": ("signature", "template_id", "template")}
    assert draft["template_id"] == "SMS_1"
    assert back.restored == ("signature", "template_id", "template")


def test_a_text_of_ones_own_stays() -> None:
    """Words without an id are the campaign's own: another provider may send them, too."""
    draft = Draft({"signature": "A", "template": "你好"})
    there = draft.change_provider("chuanglan")
    draft.set(template="您好")
    home, reworded = draft.change_provider("yunpian"), draft["template"]
    draft.change_provider("aliyun")
    draft.set(template_id="SMS_1", template="{name}您好")
    again = draft.change_provider("yunpian")

    assert names(there) == {"kept": ("signature", "template")}
    assert names(home) == {"kept": ("signature", "template")}
    assert names(again) == {"dropped": ("template_id",), "restored": ("template",), "kept": ("signature",)}
    assert draft["template"] == reworded == "您好"


def test_the_same_provider_changes_nothing() -> None:
    """Chosen again, a provider keeps what there is."""
    draft = Draft(LISTED)
    change = draft.change_provider("yunpian")

    assert change.before == change.now
    assert draft.to_data() == LISTED
