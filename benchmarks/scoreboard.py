"""Runs the same attacks against stock nbgrader, otter-grader and this kit, and prints what came of them.

python benchmarks/scoreboard.py --markdown scoreboard.md
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "hostile"))

import exam  # noqa: E402  # beside this file; the attacks and their course are found only now
from attack import Attack, notebook_of, read_attacks  # noqa: E402
from judging import NOT_RUN, Outcome, Sheet, judge  # noqa: E402
from ours import Ours  # noqa: E402
from running import TRACE  # noqa: E402
from stock_nbgrader import StockNbgrader  # noqa: E402
from stock_otter import StockOtter, make_environment  # noqa: E402
from table import Row, as_markdown, as_table, summary  # noqa: E402

ENVIRONMENT = HERE.parent / ".benchmarks" / "otter"
PACKAGES = ("nbgrader", "nbclient", "ipykernel", "torch")
PATIENCE = 8.0
"""How many times slower than it could be the machine may be at most."""
WIDTH = 160
"""Columns of the table where there is no terminal."""

Stock = StockNbgrader | StockOtter
Sheets = dict[str, Sheet]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only", multiple=True, metavar="FAMILY", help="Only these attacks, as FAMILY or FAMILY/NAME; may be repeated."
)
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Also write the scoreboard here.")
@click.option("--together", default=2, show_default=True, help="Stock graders at once; each is one busy process.")
def main(only: tuple[str, ...], markdown: Path | None, together: int) -> None:
    """Run the attacks against three graders, and print what came of them."""
    out = Console(width=None if sys.stdout.isatty() else WIDTH)
    attacks = choose(only)
    programs = make_environment(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="scoreboard-", ignore_cleanup_errors=True) as folder:
        tools, sheets = run_all(Path(folder), attacks, programs, together, out)
    done = [a for a in attacks if a.confined_only or all(a.student in some for some in sheets)]
    rows = [Row(a.family, a.name, [outcome_of(a, some, some is sheets[-1]) for some in sheets]) for a in done]
    versions = [*(f"{name} {version(name)}" for name in PACKAGES), otter_version(), f"Python {sys.version.split()[0]}"]
    out.print(as_table(tools, rows))
    for line in summary(tools, rows):
        out.print(f"{line[0]:>44}: " + ", ".join(f"{tool} {cell}" for tool, cell in zip(tools, line[1:], strict=True)))
    out.print(f"{len(done)} of {len(attacks)} attacks, with {', '.join(versions)}.")
    if markdown is not None:
        markdown.write_text(as_markdown(tools, rows, versions, NOTES), encoding="utf-8")


def choose(only: Sequence[str]) -> list[Attack]:
    """Return the attacks to run.

    Raises:
        ClickException: when something is asked for that no attack is called.
    """
    everything = read_attacks()
    known = {name for attack in everything for name in names_of(attack)}
    if unknown := sorted(set(only) - known):
        raise click.ClickException(
            f"no attack is called {', '.join(unknown)}: see the folders of tests/hostile/attacks"
        )
    return [attack for attack in everything if not only or names_of(attack) & set(only)]


def names_of(attack: Attack) -> set[str]:
    """Return what `--only` may call an attack."""
    return {attack.family, f"{attack.family}/{attack.name}"}


def controls() -> list[Attack]:
    """Return two honest submissions: one is right, one is wrong in everything."""
    settings = {"family": "control", "exercise": "", "verdicts": ["pass"]}
    return [
        Attack(name="right", aim="All right.", cells={}, **settings),
        Attack(name="wrong", aim="All wrong.", cells=exam.WRONG, **settings),
    ]


def run_all(
    folder: Path, attacks: Sequence[Attack], programs: Path, together: int, out: Console
) -> tuple[list[str], list[Sheets]]:
    """Grade the controls and the attacks with every tool; returns the tools' names and their sheets.

    Raises:
        ClickException: when a tool misjudges a control.
    """
    submissions = [*controls(), *attacks]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=out) as progress:
        ours = Ours(folder / "ours")
        task = progress.add_task(ours.name, total=3 * len(submissions))
        our_sheets = ours.grade({a.student: notebook_of(a, ours.release, ours.solved) for a in submissions})
        refuse_unfair(ours.name, our_sheets)
        progress.update(task, completed=len(submissions), description="the others")
        tools: list[Stock] = [
            StockNbgrader(folder / "one", ours.solved), StockOtter(folder / "two", ours.solved, programs)
        ]  # fmt: skip
        measure(tools, ours.solved, out)
        sheets: dict[Stock, Sheets] = {tool: {} for tool in tools}
        run_stock(sheets, controls(), ours.solved, together, lambda: progress.advance(task))
        for tool in tools:
            refuse_unfair(tool.name, sheets[tool])
        try:
            run_stock(sheets, attacks, ours.solved, together, lambda: progress.advance(task))
        except KeyboardInterrupt:
            progress.print("ended early: the table shows what was graded until now")
    return [*(tool.name for tool in tools), ours.name], [*(sheets[tool] for tool in tools), our_sheets]


def measure(tools: Sequence[Stock], solved: dict[str, str], out: Console) -> None:
    """Stretch the limits of the tools as far as this machine is slower today than it could be.

    A busy machine must not make an attack look as if it hung.
    """
    right = controls()[0]
    for tool in tools:
        tool.stretch = PATIENCE
        started = time.monotonic()
        tool.grade("measured", notebook_of(right, tool.release, solved))
        tool.stretch = min(PATIENCE, max(1.0, (time.monotonic() - started) / tool.usual))
        out.print(f"{tool.name}: limits x {tool.stretch:.1f} on this machine today")


def run_stock(
    sheets: dict[Stock, Sheets],
    attacks: Sequence[Attack],
    solved: dict[str, str],
    together: int,
    tick: Callable[[], None],
) -> None:
    """Grade every submission with every stock tool, a few at once, and fill in the sheets.

    Whoever writes files into places shared by all is graded alone, so that a file found there is surely theirs.
    """

    def grade(tool: Stock, attack: Attack) -> None:
        if not attack.confined_only:
            notebook = notebook_of(attack, tool.release, solved)
            sheets[tool][attack.student] = tool.grade(attack.student, notebook, alone=leaves_traces(attack))
        tick()

    jobs = [(tool, attack) for attack in in_turns(attacks) for tool in sheets]
    with ThreadPoolExecutor(together) as crowd:
        started: list[Future[None]] = [crowd.submit(grade, *job) for job in jobs if not leaves_traces(job[1])]
        try:
            for future in started:
                future.result()
        except BaseException:
            crowd.shutdown(cancel_futures=True)
            raise
    for job in jobs:
        if leaves_traces(job[1]):
            grade(*job)


def in_turns(attacks: Sequence[Attack]) -> list[Attack]:
    """Return the first attack of each family, then the second of each: so an early end has seen all families."""
    turns: Counter[str] = Counter()
    ordered = []
    for attack in attacks:
        ordered.append((turns[attack.family], attack.family, attack))
        turns[attack.family] += 1
    return [attack for _, _, attack in sorted(ordered, key=lambda entry: entry[:2])]


def leaves_traces(attack: Attack) -> bool:
    """Say whether an attack tries to leave files somewhere."""
    return any(TRACE in source for source in attack.cells.values())


def outcome_of(attack: Attack, sheets: Sheets, looks_for_shortcuts: bool) -> Outcome:
    """Judge what one tool made of an attack."""
    if attack.student not in sheets:
        return NOT_RUN
    return judge(
        sheets[attack.student], exam.MAXIMUM, attack.exercise, attack.verdicts, attack.suffers,
        looks_for_shortcuts=looks_for_shortcuts,
    )  # fmt: skip


def refuse_unfair(tool: str, sheets: Sheets) -> None:
    """Refuse to print a table about a grader that does not even judge honest work as it should.

    Raises:
        ClickException: when the right submission got less than full points, or the wrong one any.
    """
    right, wrong = controls()
    nothing = dict.fromkeys(exam.MAXIMUM, 0)
    for control, expected in ((right, exam.MAXIMUM), (wrong, nothing)):
        found = sheets[control.student]
        if found.scores is None or dict(found.scores) != expected:
            raise click.ClickException(
                f"{tool} gave the {control.name} control {found.scores} {found.problem}, expected {expected}: "
                "the comparison would not be fair, so there is no table"
            )


def otter_version() -> str:
    """Return the version that the requirements pin."""
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("otter-grader")).replace("[grading]==", " ")


NOTES = (HERE / "README.md").read_text(encoding="utf-8").partition("## How to read it")[2]

if __name__ == "__main__":
    main()
