"""What every branch provider promises, tried on each that there is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from integrations.effects import Branch, Receipt
from integrations.errors import BaseMoved, Refused
from integrations.ports import BranchProvider
from integrations.values import as_json
from tests.contracts.worlds import World


def staged(world: World, name: str = "inc-1") -> Branch:
    branch = world.provider.fork(name, world.assets)
    for change in world.changes:
        branch = world.provider.apply(branch, change)
    return branch


def test_it_is_a_branch_provider(world: World) -> None:
    assert isinstance(world.provider, BranchProvider)


def test_staging_leaves_production_alone(world: World) -> None:
    before, heads = world.content(), world.provider.heads(world.assets)
    branch = staged(world)
    assert world.content() == before
    assert world.provider.heads(world.assets) == heads == branch.base
    assert branch.head != branch.base


def test_a_fork_writes_no_data(world: World) -> None:
    assert world.provider.fork("inc-1", world.assets).bytes_written == 0


def test_fork_is_idempotent(world: World) -> None:
    branch = staged(world)
    again = world.provider.fork("inc-1", world.assets)
    assert (again.base, again.head) == (branch.base, branch.head)


def test_a_change_that_is_already_there_is_not_made_twice(world: World) -> None:
    first = staged(world)
    assert staged(world).head == first.head


def test_a_fork_over_an_older_base_is_refused(world: World) -> None:
    staged(world)
    world.move()
    with pytest.raises(BaseMoved):
        world.provider.fork("inc-1", world.assets)


@pytest.mark.parametrize("name", ["main", "", "../main", "a b", "-f", "x" * 200])
def test_a_name_that_is_not_ours_to_take_is_refused(world: World, name: str) -> None:
    before = world.content()
    with pytest.raises(Refused):
        world.provider.drop(world.provider.fork(name, world.assets))
    assert world.content() == before


def test_publish_switches_production_to_what_was_staged(world: World) -> None:
    branch, before = staged(world), world.content()
    receipt = world.provider.publish(branch, key="publish-1")
    assert world.content() != before
    assert dict(world.provider.heads(world.assets)) == {**branch.base, **receipt.after}
    assert receipt.before == branch.base and receipt.after == branch.head


def test_a_moved_base_is_refused(world: World) -> None:
    branch = staged(world)
    world.move()
    moved = world.content()
    with pytest.raises(BaseMoved):
        world.provider.publish(branch, key="publish-1")
    assert world.content() == moved
    assert world.provider.lookup("publish-1", branch) is None


def test_publish_under_the_same_key_happens_once(world: World) -> None:
    branch = staged(world)
    first = world.provider.publish(branch, key="publish-1")
    heads = world.provider.heads(world.assets)
    assert world.reopened().publish(branch, key="publish-1") == first
    assert world.provider.heads(world.assets) == heads


def test_lookup_finds_the_effect_after_a_crash(world: World) -> None:
    branch = staged(world)
    assert world.provider.lookup("publish-1") is None
    receipt = world.provider.publish(branch, key="publish-1")
    # The process died before it could keep the receipt: another one has only the key.
    assert world.reopened().lookup("publish-1", branch) == receipt
    assert world.reopened().lookup("publish-1") == receipt
    assert world.reopened().lookup("publish-2") is None


def test_undo_restores_the_content(world: World) -> None:
    before, branch = world.content(), staged(world)
    receipt = world.provider.publish(branch, key="publish-1")
    kept = Receipt(**json.loads(json.dumps(as_json(receipt))))
    undone = world.reopened().undo(kept, key="undo-1")
    assert world.content() == before
    assert world.reopened().lookup("undo-1") == undone
    assert undone.kind == "undo"


def test_undo_under_the_same_key_happens_once(world: World) -> None:
    receipt = world.provider.publish(staged(world), key="publish-1")
    first = world.provider.undo(receipt, key="undo-1")
    heads = world.provider.heads(world.assets)
    assert world.reopened().undo(receipt, key="undo-1") == first
    assert world.provider.heads(world.assets) == heads


def test_undo_is_refused_when_production_moved_after_the_publish(world: World) -> None:
    receipt = world.provider.publish(staged(world), key="publish-1")
    world.move()
    moved = world.content()
    with pytest.raises(BaseMoved):
        world.provider.undo(receipt, key="undo-1")
    assert world.content() == moved


def test_a_branch_that_is_not_where_it_was_left_is_refused(world: World) -> None:
    branch = world.provider.fork("inc-1", world.assets)
    staged(world)
    before = world.content()
    with pytest.raises(Refused):
        world.provider.publish(replace(branch, head=dict.fromkeys(branch.head, "1" * 19)), key="publish-1")
    assert world.content() == before


def test_a_branch_without_a_change_is_not_published(world: World) -> None:
    with pytest.raises(Refused):
        world.provider.publish(world.provider.fork("inc-1", world.assets), key="publish-1")


def test_drop_leaves_production_and_the_receipt(world: World) -> None:
    branch = staged(world)
    receipt = world.provider.publish(branch, key="publish-1")
    published = world.content()
    world.provider.drop(branch)
    world.provider.drop(branch)
    assert world.content() == published
    assert world.reopened().lookup("publish-1") == receipt


def test_undo_works_after_the_branch_is_dropped(world: World) -> None:
    before, branch = world.content(), staged(world)
    receipt = world.provider.publish(branch, key="publish-1")
    world.provider.drop(branch)
    world.provider.undo(receipt, key="undo-1")
    assert world.content() == before


def test_a_dropped_branch_can_be_forked_anew(world: World) -> None:
    world.provider.drop(staged(world))
    world.move()
    branch = staged(world)
    assert branch.base == world.provider.heads(world.assets)


def test_diff_shows_what_changed(world: World) -> None:
    branch = staged(world)
    diff = world.provider.diff(branch)
    assert [(t.removed, t.added, t.changed, t.same) for t in diff.tables] in ([], [(1, 0, 0, 9)] * 2)
    assert [(c.path, c.added, c.removed) for c in diff.code] in ([], [("a.sql", 1, 1)])
    assert diff.tables or diff.code
