"""The host: nbgrader. The only package of the kit that imports it.

nbgrader keeps the course: it makes releases, collects, holds the gradebook, shows the formgrader, writes feedback. The
marks come from outside, put into its preprocessor lists by `nbgrader_config.py`:

    exporter        reads any file as a submission, or says why it cannot, and then leaves no old mark standing
    mend            gives a damaged notebook back the cells and the marks of the release
    preprocessors   writes our results in the place of outputs, and comments
    export          marks as CSV, in which an ungraded submission is empty, not 0
    release, clear  source notebook to release notebook, for `autograder build`
    gradebook       all of the above for a class, for `autograder grade`
"""

from __future__ import annotations

import sys

# jsonschema, on which notebooks stand, prepares a grammar of internationalised web addresses when it is imported, if it
# finds the package for that. It takes two seconds, half of all that nbgrader needs to start, and no notebook has use
# for it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None: "cannot be imported"
