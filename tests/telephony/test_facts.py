# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Facts as they are spooled and kept: JSON and back."""

import dataclasses
import json

import pytest
import recordings
import replay

from telephony import facts

VALUES = {float: 1795394752.305863, int: 3, bool: True, str: "Ü<b>\r\n"}
NESTED = {
    "peers": ("1.1", "1.2"),
    "segments": (("ring", 1.0, 2.5), ("talk", 2.5, 9.0)),
    "values": (("Rate", "5"), ("Step", "given")),
}


#: All facts; those that only others are made of have no name that ends so.
KINDS = [
    kind
    for kind in vars(facts).values()
    if isinstance(kind, type)
    and issubclass(kind, facts.Fact)
    and not kind.__name__.endswith("Fact")
]


def example(kind):
    """Return a fact of ``kind`` in which no field has its default."""
    values = {
        field.name: NESTED.get(field.name) or VALUES[field.type]
        for field in dataclasses.fields(kind)
    }
    return kind(**values)


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind):
    """A fact survives JSON, with tuples that are tuples again."""
    fact = example(kind)
    assert facts.from_dict(json.loads(json.dumps(fact.to_dict()))) == fact
    assert facts.from_dict(fact.to_dict()) == fact
    assert hash(facts.from_dict(json.loads(json.dumps(fact.to_dict()))))


def test_recorded_facts():
    for name in recordings.names():
        for fact in replay.facts(replay.events(name)):
            assert facts.from_dict(json.loads(json.dumps(fact.to_dict()))) == fact


def test_older_release():
    """What a newer or older release wrote is read, as far as it goes."""
    fact = facts.from_dict({"fact": "LegRang", "time": 1.0, "call": "1", "leg": "2"})
    assert fact == facts.LegRang(time=1.0, call="1", leg="2")
    more = {**fact.to_dict(), "colour": "red"}
    assert facts.from_dict(more) == fact
    less = {"fact": "CallChanged", "time": 1.0, "call": "1"}
    assert facts.from_dict(less) == facts.CallChanged(time=1.0, call="1")


@pytest.mark.parametrize(
    "data",
    [
        {"fact": "LegRang", "time": 1.0, "call": "1"},
        {"fact": "LegFell", "time": 1.0},
        {"fact": "Tracker"},
        {"time": 1.0},
        {},
    ],
)
def test_unreadable(data):
    with pytest.raises(ValueError):
        facts.from_dict(data)


def test_immutable():
    fact = facts.LegRang(time=1.0, call="1", leg="2")
    with pytest.raises(dataclasses.FrozenInstanceError):
        fact.time = 2.0
