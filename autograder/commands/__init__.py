"""What each command does and prints; `autograder.cli` names them, and imports one only when it is called.

Each module has a `run` that takes a console and the command's arguments and returns the exit code.
"""
