# SPDX-License-Identifier: Apache-2.0
"""The sqlite3 shell in the middle of a transaction.

What a snapshot holds is the process: the rows that are not committed, its locks, its files'
offsets. Files stay as they are on the disk. So going back to the middle of a transaction is
right when the lock is held again, the rows are there for the shell and for nobody else, and
committing or rolling back then leaves a database that is whole. It is fair while nobody else
has written to the database meanwhile; that is for the one who goes back to know, and the
journeys keep to it.

In journal mode "delete" sqlite takes its journal away when a transaction ends. A snapshot
from the middle knows that journal as a file of the disk, so a revert after the end refuses.
"""

import contextlib
import re
import sqlite3

import journeys
from kit import check
from world import ConsoleApplication, program

ROWS = 100


class Sqlite(ConsoleApplication):
    needs = ("sqlite3",)
    mode = "?"

    def __init__(self, world):
        super().__init__(world)
        self.file = world.path("data.db")
        self.asked = 0

    def command(self):
        return [program("sqlite3"), "-batch", self.file]

    def sql(self, text):
        """Rows, of one column, that the shell prints; they must be no part of what is typed."""
        self.asked += 1
        mark = f"{self.asked}"
        talk = self.talk()
        talk.type(f"{text}\rSELECT 'end' || '-' || {mark};\r")
        got = talk.wait(rf"(?s)^(.*?)end-{mark}\r?\n")[1]
        fault = re.search(r"(?i)error[^\n]*", got)
        check(not fault, f"sqlite3: {fault and fault[0]}")
        return [line for line in got.splitlines() if re.fullmatch(r"[-\w]+=[\w.]*", line)]

    def ready(self):
        return self.sql("SELECT 'ready=' || 1;") == ["ready=1"]

    def fill(self):
        told = self.sql(f"PRAGMA journal_mode = {self.mode}; SELECT 'x=1';\r"
                        "CREATE TABLE t(id INTEGER PRIMARY KEY, text);\r"
                        "BEGIN IMMEDIATE;")
        check(told == ["x=1"], f"journal_mode: {told}")
        self.change()

    def change(self):
        """More rows of the open transaction."""
        self.sql("INSERT INTO t(text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                 f"SELECT i + 1 FROM n WHERE i < {ROWS}) "
                 "SELECT hex(zeroblob(20)) || i FROM n;")

    def rows(self):
        return int(self.sql("SELECT 'rows=' || count(*) FROM t;")[0].split("=")[1])

    @contextlib.contextmanager
    def other(self):
        """Somebody else's connection. It only reads."""
        other = sqlite3.connect(self.file, timeout=0, isolation_level=None)
        try:
            yield other
        finally:
            other.close()

    def committed(self):
        with self.other() as other:
            return other.execute("SELECT count(*) FROM t").fetchone()[0]

    def is_locked(self):
        with self.other() as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as fault:
                check("locked" in str(fault), f"another connection: {fault}")
                return True
            other.execute("ROLLBACK")
            return False

    def state(self):
        """(locked, rows for the shell, rows for others)"""
        return self.is_locked(), self.rows(), self.committed()

    def turn(self):
        """A transaction from beginning to end."""
        before = self.rows()
        self.sql("COMMIT; BEGIN IMMEDIATE; INSERT INTO t(text) VALUES ('turn');")
        check((self.rows(), self.committed()) == (before + 1, before), "a row was lost")

    def finish(self):
        rows = self.rows()
        self.sql("COMMIT;")
        self.whole(rows)
        super().finish()

    def whole(self, rows):
        check(self.sql("SELECT 'journal=' || journal_mode FROM pragma_journal_mode;")
              == [f"journal={self.mode}"], "the journal mode")
        with self.other() as other:
            told = other.execute("PRAGMA integrity_check").fetchone()[0]
            found = other.execute("SELECT count(*), max(id) FROM t").fetchone()
        check(told == "ok", f"integrity_check: {told}")
        check(found == (rows, rows), f"the file has {found[0]} rows, the last is {found[1]}, "
              f"not {rows}")


def begin(app):
    """In the middle of a transaction with some rows; the snapshot, the rows."""
    app.start()
    rows = app.rows()
    check(app.state() == (True, rows, 0), f"state {app.state()}")
    return app.snap(), rows


def revert_commit(app):
    """Committed, reverted, committed again: the rows are there, and once."""
    held, rows = begin(app)
    app.sql("COMMIT;")
    check(app.state() == (False, rows, rows), f"after COMMIT: {app.state()}")
    app.revert(held)
    check(app.is_locked(), "after the revert it does not hold its lock")
    check(app.rows() == rows, "after the revert the rows are not there")
    app.finish()


def revert_rollback(app):
    """Rolled back, reverted, committed: the rows are there after all."""
    held, rows = begin(app)
    app.sql("ROLLBACK;")
    check(app.state() == (False, 0, 0), f"after ROLLBACK: {app.state()}")
    app.revert(held)
    check(app.state() == (True, rows, 0), f"after the revert: {app.state()}")
    app.finish()


def revert_then_rollback(app):
    """Committed, reverted, rolled back: the file is what it was on the disk."""
    held, rows = begin(app)
    app.sql("COMMIT;")
    app.revert(held)
    app.sql("ROLLBACK;")
    found = app.rows()
    check(found in (0, rows), f"{found} rows after the rollback")
    app.whole(found)
    app.sql("BEGIN IMMEDIATE;")
    app.finish()


def revert_refused(app):
    """The transaction has ended and with it the journal's name: refused, and nothing changed."""
    held, rows = begin(app)
    app.sql("COMMIT;")
    line = app.world.refuse("revert", f"{app.name}@{held}", why=r"fd \d+.* gone")
    check(app.is_same_process() and app.state() == (False, rows, rows),
          f"after the refusal ({line.strip()}): {app.state()}")
    app.sql("BEGIN IMMEDIATE;")
    app.change()
    journeys.goes_on(app, "after the refusal")
    app.finish()


class Truncate(Sqlite):
    name, mode = "sqlite-truncate", "truncate"
    journeys = journeys.ALL + (revert_commit, revert_rollback, revert_then_rollback)


class Wal(Sqlite):
    name, mode = "sqlite-wal", "wal"
    journeys = Truncate.journeys


class Delete(Sqlite):
    name, mode = "sqlite-delete", "delete"
    journeys = journeys.ALL + (revert_refused,)


APPLICATIONS = (Truncate, Wal, Delete)
