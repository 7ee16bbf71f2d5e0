"""What a student does in a terminal: check a notebook file, watch it, look at the course, go back to a stub.

worksheet   the file itself: a notebook, or a Python file in percent format
apart       the self-check of its exercises, in a process of its own
watch       the same again each time it is saved, for what has changed
standing    how far the exercises of a course are
kept        the way back to a stub, without losing what was written
"""
