# SPDX-License-Identifier: Apache-2.0
"""The journeys of an application. Each takes one that is not started.

    resume   many snapshots, close after each other, while it works
    revert   a snapshot, a change, revert in place, undo, revert again
    restore  a snapshot, kill -9, restore
    chain    three snapshots, each gone back to, out of order, some after kill -9

Every way back is followed by a look at /proc, by the application's own word, and by a
further snapshot and change: going back must leave it usable.
"""

from kit import Skip, check
from world import Load

RESUME_SNAPS = 30
NEEDS_CAPABILITY = "as an ordinary user: a restore takes CAP_CHECKPOINT_RESTORE"


def may_restore(world):
    return any(row["name"] == "clone3_set_tid" and row["present"] for row in world.json("check"))


def changed(app):
    """A change that shows: else going back would prove nothing."""
    before = app.state()
    app.change()
    after = app.state()
    check(before != after, "the change made no difference")
    return after


def goes_on(app, when):
    app.snap()
    changed(app)
    app.snap()
    check(app.is_same_process(), f"{when}: the process is another")


def under_snapshots(app):
    """Many, as close as they go, of one that runs and works; it is adopted, and let go."""
    app.attach()
    with Load(app.turn) as load:
        stops = sorted(app.world.json("snap", app.name)["stop_ns"] for _ in range(RESUME_SNAPS))
    check(load.turns, "no work was done meanwhile")
    app.world.json("detach", app.name)
    check(app.is_same_process(), "the process is another")
    print(f"  {app.name}: stopped {RESUME_SNAPS} times for {stops[len(stops) // 2] / 1e6:.1f} ms "
          f"(at most {stops[-1] / 1e6:.1f}); {load.turns} turns of work, the longest took "
          f"{load.longest_s * 1000:.0f} ms", flush=True)


def resume(app):
    app.start(attach=True)
    before = app.state()
    under_snapshots(app)
    check(before != app.state(), "the work made no difference")
    app.attach()
    app.finish()


def revert(app):
    app.start()
    was = app.state()
    held, view = app.snap(), app.look()
    later = changed(app)
    app.revert(held)
    app.same_proc(view, "after the revert", "reverted")
    app.check(was, "after the revert")
    app.world.json("undo", app.name)
    app.check(later, "after undo")
    changed(app)
    app.revert(held)
    app.check(was, "after the second revert")
    goes_on(app, "after the second revert")
    app.finish()


def restore(app):
    if not may_restore(app.world):
        raise Skip(NEEDS_CAPABILITY)
    app.start()
    was = app.state()
    held, view = app.snap(), app.look()
    changed(app)
    app.kill9()
    app.restore(held)
    app.same_proc(view, "after the restore", "rebuilt")
    app.check(was, "after the restore")
    goes_on(app, "after the restore")
    app.finish()


def chain(app):
    app.start()
    with_restore = may_restore(app.world)
    states = []
    for number in range(3):
        was = changed(app) if number else app.state()
        states.append((was, app.snap()))
    changed(app)
    for number, killed in ((1, False), (2, False), (0, True), (2, False), (1, True), (0, False)):
        was, ident = states[number]
        if killed and with_restore:
            app.kill9()
            app.restore(ident)
        else:
            app.revert(ident)
        app.check(was, f"back at state {number}")
        if killed:
            goes_on(app, f"back at state {number}")
    app.finish()


ALL = (resume, revert, restore, chain)
