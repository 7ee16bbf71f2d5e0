"""Two things to play with in the lessons: what happens to shapes in attention, and which words survive sampling.

    from autograder.playground import TensorPlayground
    TensorPlayground()

Both are anywidgets: in JupyterLab and Notebook 7 their sliders answer at once, without the kernel. In an export and on
a web page without widgets they leave a static picture, in a terminal a few lines of text.
"""

from __future__ import annotations

from autograder.playground.widgets import SamplingPlayground, TensorPlayground

__all__ = ["SamplingPlayground", "TensorPlayground"]
