"""Known solutions of an exercise, right and wrong, as what a test that a student wrote has to judge."""

from __future__ import annotations

from autograder.authoring import Alternative
from autograder.catalogue import Catalogue, Variant
from autograder.errors import UsageError
from autograder.stand_in import rehearse, suspect
from autograder.wire import Suspect


class Suspects:
    """Finds known solutions in a catalogue.

    Args:
        catalogue: of the assignment
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._suspects: dict[tuple[str, str], Suspect] = {}

    def right(self, exercise: str) -> list[Suspect]:
        """Return the reference and all alternatives of an exercise."""
        if (exercise, "") not in self._suspects:
            rehearse()
            reference = suspect(self._catalogue.reference[exercise], "the solution of the course itself.")
            self._suspects[exercise, ""] = reference
        variants = [v for v in self._catalogue.alternatives if v.exercise == exercise]
        return [self._suspects[exercise, ""], *map(self._suspect, variants)]

    def wrong(self, exercise: str, *names: str) -> list[Suspect]:
        """Return these known mistakes of an exercise, or all of them.

        Raises:
            UsageError: when one is not known.
        """
        known = {v.entry.name: v for v in self._catalogue.misconceptions if v.exercise == exercise}
        if unknown := [name for name in names if name not in known]:
            raise UsageError(f"{exercise} has no misconception {', '.join(unknown)}; it has {', '.join(known)}")
        return [self._suspect(known[name]) for name in names or known]

    def _suspect(self, variant: Variant) -> Suspect:
        """Return the suspect of a variant, always the same one: it remembers which questions have a small answer."""
        key = (variant.exercise, variant.entry.name)
        if key not in self._suspects:
            rehearse()
            says = variant.entry.why if isinstance(variant.entry, Alternative) else variant.entry.title
            self._suspects[key] = suspect(self._catalogue.namespace(variant)[variant.exercise], says)
        return self._suspects[key]
