"""A rule being built: after any edit it is a rule or says what it lacks, and its counts are the rule's."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.audience.explore import RuleEditor
from smskit.audience.rules import RuleCache, parse
from smskit.audience.rules.fit import UnreadValueError
from smskit.errors import RuleError
from tests.profiles import examples
from tests.test_rules import frames, rules

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
PEOPLE = pd.DataFrame(
    {
        "level": ["gold", "silver", "gold", None],
        "spend": [10.0, 600.0, 700.0, 800.0],
        "city": ["上海", "北京", "上海", "上海"],
    }
)
GOLD = {"column": "level", "op": "==", "value": "gold"}
RICH = {"column": "spend", "op": ">", "value": 500}
HERE = {"column": "city", "op": "in", "value": ["上海"]}


def cache(frame: pd.DataFrame = PEOPLE) -> RuleCache:
    return RuleCache(frame, NOW)


def ids(editor: RuleEditor) -> list[int]:
    return [node.id for node in editor.root.walk()]


def place(editor: RuleEditor, wanted: dict[str, Any]) -> int:
    """The id of a comparison."""
    return next(node.id for node in editor.root.walk() if node.to_data() == wanted)


# --- read and written


@given(rules())
def test_a_rule_comes_back_as_it_was(data: dict[str, Any]) -> None:
    """An unchanged rule is written exactly as it was read, so its campaign is the same one."""
    assert RuleEditor(data).to_data() == data


@pytest.mark.parametrize("data", [None, GOLD, [GOLD, RICH], {"any": [GOLD, RICH]}, {"not": GOLD}])
def test_shapes_come_back_after_a_change_was_taken_back(data: Any) -> None:
    """A list, a lone comparison and nothing at all keep their shape when nothing was changed in the end."""
    editor = RuleEditor(data)
    editor.add(editor.root.id, "level", "is_null")
    changed = editor.to_data()
    editor.undo()

    assert changed != data
    assert editor.to_data() == data


# --- built by clicking


def test_built_from_nothing() -> None:
    """Comparisons and groups are put together into the rule a person means."""
    editor = RuleEditor()
    editor.add(editor.root.id, "level", "==", "gold")
    group = editor.add_group(editor.root.id, "any")
    editor.add(group, "spend", ">", 500)
    editor.wrap(editor.add(group, "city", "in", ["上海"]), "not")

    assert editor.to_data() == {"all": [GOLD, {"any": [RICH, {"not": HERE}]}]}


def test_incomplete_parts_are_named_and_not_counted() -> None:
    """A comparison without column, condition or value, and an empty group, say what they lack."""
    editor = RuleEditor([GOLD])
    blank = editor.add(editor.root.id)
    no_op = editor.add(editor.root.id, "spend")
    no_value = editor.add(editor.root.id, "spend", ">")
    group = editor.add_group(editor.root.id, "any")
    problems = {id_: str(error) for id_, error in editor.problems().items()}

    assert problems == {
        blank: "choose a column",
        no_op: "choose a condition",
        no_value: "give a value",
        group: "this group is empty; add a rule to it or remove it",
    }
    assert editor.counts(cache()).kept == 2
    with pytest.raises(RuleError, match="choose a column"):
        editor.to_data()


def test_what_the_segment_cannot_answer_is_named() -> None:
    """A column that is gone and a value that does not fit its column are said and not counted."""
    editor = RuleEditor(
        [GOLD, {"column": "spent", "op": ">", "value": 1}, {"column": "spend", "op": "==", "value": "x"}]
    )
    counts = editor.counts(cache())
    told = [str(error) for error in counts.problems.values()]

    assert "did you mean `spend`" in told[0]
    assert "does not fit `spend`" in told[1]
    assert counts.kept == 2
    assert editor.problems() == {}, "the rule itself is whole, another segment may answer it"


@pytest.mark.parametrize(
    ("part", "by", "expected"),
    [
        pytest.param(GOLD, 1, {"all": [{"any": [GOLD, RICH]}, HERE]}, id="down-into-a-group"),
        pytest.param(HERE, -1, {"all": [GOLD, {"any": [RICH, HERE]}]}, id="up-into-a-group"),
        pytest.param(RICH, -1, {"all": [GOLD, RICH, {"any": []}, HERE]}, id="up-out-of-a-group"),
        pytest.param(RICH, 1, {"all": [GOLD, {"any": []}, RICH, HERE]}, id="down-out-of-a-group"),
        pytest.param({"any": [RICH]}, -1, {"all": [{"any": [RICH]}, GOLD, HERE]}, id="past-a-comparison"),
        pytest.param(HERE, 1, {"all": [GOLD, {"any": [RICH]}, HERE]}, id="nowhere-to-go"),
    ],
)
def test_moved(part: dict[str, Any], by: Any, expected: Any) -> None:
    """Parts move as lines of an outline do: past comparisons, into groups and out of them."""
    editor = RuleEditor({"all": [GOLD, {"any": [RICH]}, HERE]})
    editor.move(place(editor, part), by)

    assert editor.root.to_data() == expected


def test_not_of_several_is_not_all_of_them() -> None:
    """A group of several parts that becomes a "not" keeps how they were joined."""
    editor = RuleEditor({"any": [GOLD, RICH]})
    editor.join(editor.root.id, "not")
    several = editor.to_data()
    editor.add(editor.root.id, "city", "in", ["上海"])

    assert several == {"not": {"any": [GOLD, RICH]}}
    assert editor.to_data() == {"not": {"all": [{"any": [GOLD, RICH]}, HERE]}}


def test_wrapped_and_unwrapped() -> None:
    """Unwrapping undoes wrapping, at the outermost group too."""
    editor = RuleEditor({"all": [GOLD, RICH]})
    inner = editor.wrap(place(editor, RICH), "any")
    outer = editor.wrap(editor.root.id, "not")
    whole = editor.to_data()
    editor.unwrap(outer)
    editor.unwrap(inner)

    assert whole == {"not": {"all": [GOLD, {"any": [RICH]}]}}
    assert editor.to_data() == {"all": [GOLD, RICH]}


def test_nesting_has_an_end() -> None:
    """Groups cannot be put into groups for ever, and what was there stays."""
    editor = RuleEditor([GOLD])
    for _ in range(11):
        editor.wrap(place(editor, GOLD), "any")

    with pytest.raises(RuleError, match="nested deeper"):
        editor.wrap(place(editor, GOLD), "any")
    assert editor.counts(cache()).kept == 2


# --- counts


def test_counts_part_by_part() -> None:
    """Each part says what it keeps alone, each step what is left after it."""
    editor = RuleEditor({"all": [GOLD, {"any": [RICH, HERE]}]})
    counts = editor.counts(cache())
    gold, group = editor.root.parts

    assert counts.after == {gold.id: 2, group.id: 2}
    assert counts.alone == {
        editor.root.id: 2,
        gold.id: 2,
        group.id: 4,
        group.parts[0].id: 3,
        group.parts[1].id: 3,
    }
    assert counts.mask.tolist() == [True, False, True, False]


@given(frames(), rules())
def test_counts_are_those_of_the_rule(frame: pd.DataFrame, data: dict[str, Any]) -> None:
    """The editor's mask and steps are exactly what ``Rule.filter`` says, asked again, too; or both refuse."""
    editor, asked = RuleEditor(data), cache(frame)
    try:
        mask, steps = editor.rule().filter(frame, now=NOW)
    except UnreadValueError:
        assert any(isinstance(problem, UnreadValueError) for problem in editor.problems(asked).values())
        return

    for _ in range(2):
        counts = editor.counts(asked)
        assert np.array_equal(counts.mask, mask)
        assert list(counts.after.values()) == [step.kept for step in steps]
        assert counts.kept == int(mask.sum())


def test_a_sieve_tells_true_from_one() -> None:
    """Values that Python takes for equal are different questions."""
    asked = cache(pd.DataFrame({"x": ["1", "true", "gold"]}))  # which reads as text
    kept = [asked.filter(parse({"column": "x", "op": "==", "value": v}))[0].tolist() for v in (1, True, 1.0)]

    assert kept == [[True, False, False], [True, True, False], [True, False, False]]


# --- whatever a person does

EDITS = st.lists(
    st.tuples(
        st.sampled_from(["add", "group", "change", "join", "wrap", "unwrap", "remove", "up", "down", "undo"]),
        st.integers(0, 30),
        st.sampled_from(["all", "any", "not"]),
        st.sampled_from([("level", "==", "gold"), ("spend", ">", 1), ("city", "", None), ("", "", None)]),
    ),
    max_size=25,
)


def do(editor: RuleEditor, edit: tuple[str, int, Any, tuple[str, str, Any]]) -> None:
    what, which, kind, leaf = edit
    there = ids(editor)
    node = editor.find(there[which % len(there)])
    if what == "undo":
        editor.undo()
    elif what in ("up", "down"):
        editor.move(node.id, -1 if what == "up" else 1)
    elif what in ("wrap", "unwrap", "remove"):
        if what == "wrap":
            editor.wrap(node.id, kind)
        elif what == "remove":
            editor.remove(node.id)
        elif node.kind != "leaf":
            editor.unwrap(node.id)
    elif node.kind == "leaf":
        editor.change(node.id, column=leaf[0], op=leaf[1], value=leaf[2])
    elif what == "add":
        editor.add(node.id, *leaf)
    elif what == "group":
        editor.add_group(node.id, kind)
    elif what == "join":
        editor.join(node.id, kind)


@settings(max_examples=examples(300))
@given(st.one_of(st.none(), rules()), EDITS)
def test_any_edits_leave_a_rule_or_say_what_is_lacking(data: Any, edits: list[Any]) -> None:
    """After whatever edits the data parses, or a named part is incomplete; ids stay unique; counts hold."""
    editor = RuleEditor(data)
    for edit in edits:
        with contextlib.suppress(RuleError):  # nested too deep
            do(editor, edit)
    there = ids(editor)
    counts = editor.counts(cache())

    assert len(there) == len(set(there))
    assert editor.root.kind != "leaf"
    assert all(n.kind != "not" or len(n.parts) <= 1 for n in editor.root.walk())
    assert set(editor.problems()) <= set(there)
    if editor.problems():
        with pytest.raises(RuleError):
            editor.to_data()
    else:
        again = RuleEditor(editor.to_data())
        assert again.to_data() == editor.to_data()
        if not counts.problems:
            mask, steps = parse(editor.to_data()).filter(PEOPLE, now=NOW)
            assert np.array_equal(mask, counts.mask)
            assert [step.kept for step in steps] == list(counts.after.values())
