"""`autograder check --watch`."""

from __future__ import annotations

import time

from rich.console import Console

from autograder.cell import Cell
from autograder.commands.checking import print_event, showing
from autograder.course import Assignment
from autograder.errors import NotGradable
from autograder.homework.apart import Apart, Checked, load
from autograder.homework.standing import Standing, standing_of
from autograder.homework.watch import Stamp, changed_cells, saves, stamp, to_check
from autograder.homework.worksheet import Worksheet
from autograder.report.clean import clean


class Watch:
    """Checks again whenever the file is saved, until Ctrl-C, and prints what that changed.

    Args:
        out: where
        worksheet: the student's file
        assignment: in its release folder
        names: the exercises that are watched
    """

    def __init__(self, out: Console, worksheet: Worksheet, assignment: Assignment, names: list[str]) -> None:
        self._out, self._worksheet, self._assignment, self._names = out, worksheet, assignment, names
        self._standings: dict[str, Standing] = {}
        self._cells: list[Cell] | None = None

    def run(self) -> int:
        """Watch; returns 0 when at the end everything passes."""
        self._print(f"Watching {self._worksheet.path}: save it to check again, Ctrl-C ends.")
        load(self._assignment)
        try:
            for begun in saves(self._worksheet.path):
                self._look(begun)
        except KeyboardInterrupt:
            self._out.print()
        return 0 if all(name in self._standings and self._standings[name].done for name in self._names) else 1

    def _look(self, begun: Stamp) -> None:
        try:
            submission = self._worksheet.read()
        except NotGradable as reason:
            self._say(f"cannot be read: {clean(str(reason))}")
            return
        todo = to_check(self._assignment, self._names, self._cells, submission.cells)
        if not todo:
            self._say("saved; no exercise has changed")
            return
        self._say("saved" if self._cells else "checking")
        untouched = [name for name in todo if submission.status[name] != "attempted"]
        cards = self._cards(submission.cells, [name for name in todo if name not in untouched], begun)
        found = {name: Standing(submission.status[name], ()) for name in untouched}
        found |= {card.result.id: standing_of(card.result) for card in cards}
        changed = changed_cells(self._cells or [], submission.cells)
        news = [name for name in found if name in changed or found[name] != self._standings.get(name)]
        self._tell(found, sorted(news, key=self._names.index), cards)
        if set(found) == set(todo):
            self._print_total()
            self._cells = submission.cells

    def _tell(self, found: dict[str, Standing], news: list[str], cards: list[Checked]) -> None:
        """Print how these exercises stand now, and the card of the first that the student works on and that fails."""
        for name in news:
            self._print_standing(name, self._standings.get(name), found[name])
        self._standings |= found
        if self._cells is None and len(self._names) > 1:
            return  # a first look at all of them is a list
        # What is missing has no card: it was deleted, or its cell raised, which has been said.
        tried = [card for card in cards if card.result.id in news and card.result.status == "attempted"]
        if to_mend := [card for card in tried if not card.result.passed]:
            self._print(f"\n{to_mend[0].text}")

    def _cards(self, cells: list[Cell], names: list[str], begun: Stamp) -> list[Checked]:
        if not names:
            return []
        cards: list[Checked] = []
        happening = Apart(cells, self._assignment, names).events(lambda: stamp(self._worksheet.path) == begun)
        for event in showing(self._out, happening):
            if isinstance(event, Checked):
                cards.append(event)
            else:
                print_event(self._out, event, names[len(cards) :])
        return cards

    def _print_standing(self, name: str, before: Standing | None, now: Standing) -> None:
        words = now.in_words
        if before is not None:
            words = f"{before.in_words} → {words}" if before.in_words != words else f"still {words}"
        width = max(map(len, self._names))
        self._print(f"  {now.mark} {name:{width}}  {words}")

    def _print_total(self) -> None:
        if len(self._names) > 1:
            done = sum(standing.done for standing in self._standings.values())
            self._print(f"  {done} of {len(self._names)} exercises done")

    def _say(self, what: str) -> None:
        self._print(f"\n{time.strftime('%H:%M:%S')}  {what}")

    def _print(self, text: str) -> None:
        self._out.print(text, markup=False, soft_wrap=True)
