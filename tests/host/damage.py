"""What can happen to a notebook between the release and the submission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from host_course import index_of

Notebook = dict[str, Any]


def deleted(nb: Notebook) -> None:
    for name in ("double", "check-double", "check-Scale"):
        del nb["cells"][index_of(nb, name)]


def doubled(nb: Notebook) -> None:
    for name in ("double", "check-double"):
        cell = nb["cells"][index_of(nb, name)]
        nb["cells"].append({**cell, "source": cell["source"] + "  # the second one"})


def flags_turned(nb: Notebook) -> None:
    meta = nb["cells"][index_of(nb, "check-double")]["metadata"]
    meta["nbgrader"] |= {"grade": False, "locked": False, "solution": True}
    meta = nb["cells"][index_of(nb, "check-Scale")]["metadata"]
    meta["nbgrader"] |= {"points": 1000, "checksum": "x"}


def schema_changed(nb: Notebook) -> None:
    for name, version in (("double", 1), ("Scale", 99), ("check-Scale", "three")):
        nb["cells"][index_of(nb, name)]["metadata"]["nbgrader"]["schema_version"] = version


def garbage(nb: Notebook) -> None:
    for cell, meta in zip(nb["cells"], ["x", [], {"grade_id": 5}, {"grade": True}, None, {}, 7], strict=False):
        cell["metadata"] = {"nbgrader": meta, "name": 3, "tags": [1, 1], "collapsed": "no"}
    nb["cells"] += [None, 3, {}, {"cell_type": "code", "metadata": None, "source": [1, "x = 1\n"]}]
    nb["metadata"] = {"kernelspec": {"name": "no-such-kernel"}}
    nb["nbformat_minor"] = 99


def retyped(nb: Notebook) -> None:
    nb["cells"][index_of(nb, "check-double")] |= {"cell_type": "markdown", "attachments": {"a": {}}}
    nb["cells"][index_of(nb, "double")]["cell_type"] = "raw"
    nb["cells"][index_of(nb, "Scale")]["cell_type"] = "heading"


def ids_unknown(nb: Notebook) -> None:
    for name in ("double", "check-double"):
        nb["cells"][index_of(nb, name)]["metadata"]["nbgrader"]["grade_id"] = f"my-{name}"


def forged(nb: Notebook) -> None:
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            data = {"text/plain": "10.0"}
            cell["outputs"] = [
                {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1},
                {"output_type": "stream", "name": "stderr", "text": "noise"},
            ]


def half_a_character(nb: Notebook) -> None:
    nb["cells"][index_of(nb, "double")]["source"] = "x = '\ud800'"


def hostile_text(nb: Notebook) -> None:
    nb["cells"].append(
        {"cell_type": "markdown", "metadata": {}, "source": "<script>alert(1)</script> ![](http://evil)"}
    )
    nb["cells"].append({"cell_type": "raw", "metadata": {}, "source": "<script>alert(2)</script>"})


DAMAGED: dict[str, Callable[[Notebook], None]] = {
    f.__name__: f
    for f in (
        deleted, doubled, flags_turned, schema_changed, garbage, retyped, ids_unknown, forged, half_a_character,
        hostile_text,
    )
}  # fmt: skip
