"""Comments are Markdown: what a student wrote in them is shown as it stands."""

from __future__ import annotations

import re
from html import unescape

import pytest
from host_course import result
from nbconvert.filters.markdown import markdown2html

from autograder.host.wording import comment_on, escaped


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script> <b onclick=x> &lt; &amp;",
        "[x](javascript:alert(1)) ![x](http://127.0.0.1) <http://127.0.0.1> http://127.0.0.1",
        "*a* _b_ `c` ~~d~~ | e | # f [^1] [g]: h",
        r"$\href{x}{y}$ $$z$$ \(a\) \[b\] \begin{equation} \\(c\\) \$ \* \<",
    ],
)
def test_markdown_shows_it_as_it_is(text: str) -> None:
    html = markdown2html("Said: " + escaped(text))
    tags = set(re.findall(r"<[^>]*>", html))
    assert tags <= {"<p>", "</p>", '<span class="tex2jax_ignore">', "</span>"}
    assert unescape(re.sub(r"<[^>]*>", "", html)).strip() == "Said: " + text


def test_no_formula_begins_in_it() -> None:
    """MathJax, which reads the page after Markdown, leaves out what stands in such a span."""
    html = markdown2html(escaped(r"$a$ $$b$$ \(c\) \[d\] \begin{equation}"))
    read = re.sub(r'<span class="tex2jax_ignore">.*?</span>', "", html)
    assert "$" not in read
    assert "\\" not in read


@pytest.mark.parametrize("score", [0.0, 4.0])
def test_a_comment_says_when_the_locks_were_off(score: float) -> None:
    said = " Ran unconfined, with the locks off: this result is only as honest as the code behind it."
    assert comment_on(result("double", score), "unconfined") == comment_on(result("double", score)) + said
