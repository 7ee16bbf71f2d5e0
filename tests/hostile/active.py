"""Finds what acts in a page when somebody opens it or clicks: what runs, loads, leads elsewhere or covers something."""

from __future__ import annotations

import re
from collections import Counter

from bs4 import BeautifulSoup, Comment, Tag

RUNS = {
    "script", "iframe", "frame", "frameset", "object", "embed", "applet", "portal", "base", "link", "form", "button",
    "textarea", "select", "template", "math", "video", "audio", "source", "track", "dialog", "marquee", "noscript",
    "foreignobject", "animate", "set", "use", "image", "style", "title", "svg", "meta",
}  # fmt: skip
"""Elements that run, load, send or change something; an honest page holds some of them, always the same."""
LOADS = {
    "src",
    "srcset",
    "poster",
    "background",
    "data",
    "xlink:href",
    "action",
    "formaction",
    "ping",
    "srcdoc",
    "lowsrc",
}
_SCHEME = re.compile(r"^[\x00-\x20]*([a-z][a-z0-9+.\-\s]*):", re.IGNORECASE)
_STYLE = re.compile(r"url\s*\(|@import|expression\s*\(|position\s*:|behavior|\\", re.IGNORECASE)


def active_parts(html: str) -> Counter[str]:
    """Return, with how often they are there, the parts of a page that act."""
    page = BeautifulSoup(html, "html.parser")
    found: Counter[str] = Counter()
    for tag in page.find_all(True):
        found.update(_of(tag))
    found.update(f"comment: {text}" for text in page.find_all(string=lambda text: isinstance(text, Comment)))
    return found


def foreign_parts(html: str, honest: str) -> list[str]:
    """Return what acts in a page and is not in an honest one."""
    return sorted((active_parts(html) - active_parts(honest)).elements())


def _of(tag: Tag) -> list[str]:
    parts = [f"element: {tag}"] if tag.name.lower() in RUNS else []
    for name, value in tag.attrs.items():
        text = " ".join(value) if isinstance(value, list) else str(value)
        scheme = _SCHEME.match(text)
        if name.lower().startswith("on"):
            parts.append(f"handler: {tag.name} {name}={text}")
        elif name.lower() in LOADS:
            parts.append(f"load: {tag.name} {name}={text}")
        elif name.lower() == "href" and scheme and scheme[1].lower() not in ("http", "https"):
            parts.append(f"link: {text}")
        elif name.lower() == "style" and _STYLE.search(text):
            parts.append(f"style: {text}")
    return parts


def formulas(html: str) -> list[str]:
    """Return the texts of a page that MathJax takes for formulas."""
    page = BeautifulSoup(html, "html.parser")
    for tag in page.find_all(["script", "style", "pre", "code", "textarea"]):
        tag.decompose()
    for tag in page.find_all(class_="tex2jax_ignore"):
        tag.decompose()
    page.smooth()
    texts = [str(text) for text in page.find_all(string=True)]
    return [text for text in texts if re.search(r"\$.*\$|\\\(|\\\[|\\begin", text)]
