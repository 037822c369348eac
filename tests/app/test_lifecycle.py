from __future__ import annotations

from app.core.lifecycle import LIVE, MOVES, NEXT


def test_every_status_that_can_be_reached_has_its_own_row_of_moves() -> None:
    for kind, moves in MOVES.items():
        reachable = {to for targets in moves.values() for to in targets}
        assert reachable <= set(moves), kind


def test_every_next_step_stands_on_a_known_status() -> None:
    assert all(status in MOVES[kind] for kind, status in NEXT)


def test_live_proposals_are_those_that_are_on_their_way() -> None:
    assert set(LIVE) <= set(MOVES["proposal"])
