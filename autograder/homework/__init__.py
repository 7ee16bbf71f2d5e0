"""What runs on a student's machine: the self-check of a notebook, live or as a file, and what helps on from there.

selfcheck       `check`, `hint` and `after`, as a notebook calls them
live            the public checks, collected once and run in this process
evidence        what a failed check saw, in facts and a picture
prerequisites   which earlier exercise is missing
recordings      names a known mistake by its numbers, where the catalogue is not at hand
hints           tier by tier
worksheet       a student's file: a notebook, or a Python file in percent format
apart           the self-check of its exercises, in a process of its own
watch           the same again each time it is saved, for what has changed
standing        how far the exercises of a course are
kept            the way back to a stub, without losing what was written
"""
