"""The table, for the terminal and for a file, and what it adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from judging import Kind, Outcome
from rich.table import Table
from rich.text import Text

COLOURS = {
    Kind.UNEARNED: "bold red",
    Kind.NOT_TOLD: "red",
    Kind.LOST: "yellow",
    Kind.SHORT: "yellow",
    Kind.HANDLED: "green",
}
COUNTS = {
    Kind.UNEARNED: "gave an unearned mark",
    Kind.NOT_TOLD: "gave marks for a shortcut it was not told of",
    Kind.LOST: "lost the result",
    Kind.SHORT: "took marks that were earned",
    Kind.HANDLED: "handled",
    Kind.NOT_RUN: "not run",
}


@dataclass(frozen=True)
class Row:
    """One attack and what came of it in each tool, in the order of the tools."""

    family: str
    name: str
    outcomes: Sequence[Outcome]


def as_table(tools: Sequence[str], rows: Sequence[Row]) -> Table:
    """Return the table for the terminal."""
    table = Table("attack", *tools, title="The same attacks, three graders")
    for row in rows:
        cells = [Text(str(outcome), style=COLOURS.get(outcome.kind, "dim")) for outcome in row.outcomes]
        table.add_row(f"{row.family}/{row.name}", *cells)
    return table


def as_markdown(tools: Sequence[str], rows: Sequence[Row], versions: Sequence[str], notes: str) -> str:
    """Return the whole scoreboard as Markdown. It names versions and no date: the same outcomes give the same text."""
    lines = ["# Scoreboard", "", f"{len(rows)} attacks, with {', '.join(versions)}.", ""]
    lines += [*_grid(["", *tools], summary(tools, rows)), ""]
    for family in dict.fromkeys(row.family for row in rows):
        cells = [[row.name.replace("_", " "), *map(_strong, row.outcomes)] for row in rows if row.family == family]
        lines += [f"## {family}", "", *_grid(["attack", *tools], cells), ""]
    return "\n".join([*lines, notes.strip(), ""])


def summary(tools: Sequence[str], rows: Sequence[Row]) -> list[list[str]]:
    """Return the lines of the summary: of all attacks, how many came to which end, for each tool."""
    lines = []
    for kind, words in COUNTS.items():
        counts = [sum(row.outcomes[i].kind is kind for row in rows) for i in range(len(tools))]
        lines.append([words, *(f"{count} of {len(rows)}" for count in counts)])
    more = {
        "did harm besides": lambda outcome: bool(outcome.harm),
        "cost points of right work elsewhere": lambda outcome: outcome.elsewhere > 0,
    }
    for words, holds in more.items():
        lines.append([words, *(f"{sum(holds(row.outcomes[i]) for row in rows)}" for i in range(len(tools)))])
    return lines


def _strong(outcome: Outcome) -> str:
    text = str(outcome).replace("|", "\\|")
    return f"**{text}**" if outcome.kind is Kind.UNEARNED else text


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
