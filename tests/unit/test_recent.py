"""The table of recent entries."""

from __future__ import annotations

from cco.ledger.recent import Recent


def test_the_table_of_recent_entries() -> None:
    forgotten: list[tuple[str, int]] = []
    table: Recent[str, tuple[str, int]] = Recent(
        2,
        3,
        lambda _, value: value[0],
        lambda session, value: forgotten.append((session, value[1])),
    )
    for session, key, value in (("s", "a", 1), ("s", "b", 2), ("s", "a", 3), ("s", "c", 4)):
        table.put(key, (session, value))
    assert forgotten == [("s", 2)]
    table.put("d", ("t", 5))
    table.put("e", ("u", 6))
    assert forgotten == [("s", 2), ("s", 3)]
    assert list(table.items()) == [("c", ("s", 4)), ("d", ("t", 5)), ("e", ("u", 6))]
    table.put("c", ("t", 7))  # an entry may change hands
    assert (table.pop("c"), table.pop("c"), table.get("c"), len(table)) == (("t", 7), None, None, 2)
