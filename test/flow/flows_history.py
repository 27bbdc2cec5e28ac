# SPDX-License-Identifier: Apache-2.0
"""Flows about the history of an application: tags, the graph, what is kept and what goes."""

from kit import check, flow


@flow()
def tag_and_untag(world):
    app = world.run_counter("myapp")
    for _ in range(3):
        world.json("snap")
    done = world.json("tag", "2", "boss")
    check(done == {"name": "myapp", "id": 2, "tag": "boss", "was": ""}, f"{done}")
    check(world.json("show", "boss")["id"] == 2, "the tag names another")
    world.expect("tag", "myapp@boss", "door", out="myapp@2 is tagged door, no more boss\n")
    world.expect("tag", "latest", "boss", out="myapp@3 is tagged boss\n")
    world.expect("tag", "latest", "boss", out="myapp@3 is tagged boss\n")
    world.refuse("tag", "1", "boss", why="the tag boss is taken by snapshot 3")
    world.expect("untag", "boss", out="myapp@3 is tagged boss no more\n")
    world.refuse("untag", "boss", why="no snapshot boss")
    world.refuse("untag", "3", why="untag myapp@3: it has no tag")
    world.expect("tag", "1", "boss", out=None)
    check([row["tag"] for row in world.json("list")] == ["boss", "door", ""], "list")
    for tag in ("3", "latest", "~1", "a b", "a@b", "x" * 64):
        for command in (("tag", "3", tag), ("snap", "-t", tag)):
            world.refuse(*command, why="tag")
    world.refuse("tag", "3", "--", "-x", why="no tag")
    world.refuse("tag", "3", "", why="untag", status=2)
    world.refuse("tag", "3", why="REF TAG", status=2)
    world.refuse("tag", "9", "nine", why="no snapshot 9")
    world.refuse("tag", "nobody@1", "nine", why="nobody")
    check(len(world.json("list")) == 3, "a refused snapshot is listed")
    app.count(1)
    world.expect("kill", out=None)
    world.expect("tag", "3", "end", out="myapp@3 is tagged end\n")
