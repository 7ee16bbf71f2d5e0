"""Known solutions of an exercise, right and wrong, as what a test that a student wrote has to judge."""

from __future__ import annotations

from autograder.authoring import Alternative, Misconception
from autograder.catalogue import Catalogue
from autograder.errors import UsageError
from autograder.stand_in import suspect
from autograder.wire import Suspect


class Suspects:
    """Finds known solutions in a catalogue.

    Args:
        catalogue: of the assignment
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def right(self, exercise: str) -> list[Suspect]:
        """Return the reference and all alternatives of an exercise."""
        found = [suspect(self._catalogue.reference[exercise], "the solution of the course itself.")]
        for variant in self._catalogue.alternatives:
            if variant.exercise == exercise:
                assert isinstance(variant.entry, Alternative)
                found.append(suspect(self._catalogue.namespace(variant)[exercise], variant.entry.why))
        return found

    def wrong(self, exercise: str, *names: str) -> list[Suspect]:
        """Return these known mistakes of an exercise, or all of them.

        Raises:
            UsageError: when one is not known.
        """
        known = {v.entry.name: v for v in self._catalogue.misconceptions if v.exercise == exercise}
        if unknown := [name for name in names if name not in known]:
            raise UsageError(f"{exercise} has no misconception {', '.join(unknown)}; it has {', '.join(known)}")
        found = []
        for variant in [known[name] for name in names or known]:
            assert isinstance(variant.entry, Misconception)
            found.append(suspect(self._catalogue.namespace(variant)[exercise], variant.entry.title))
        return found
