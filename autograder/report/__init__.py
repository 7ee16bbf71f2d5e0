"""What people see of a record, and the only place that decides what a student may see.

    exercise_card_html, exercise_card_text   one exercise, for the student
    class_overview_html                      a class, for the instructor, as one page
    class_table                              a class, for the instructor, in the terminal
    what_went_wrong                          a submission in one line

Everything here is a pure function of its arguments: the same records give the same bytes. Students see nothing but the
fields of an `ExerciseResult` that `card.py` names, in the words of `words.py`.
"""

from autograder.report.card import exercise_card_html, exercise_card_text
from autograder.report.overview import class_overview_html
from autograder.report.summary import what_went_wrong
from autograder.report.table import class_table

__all__ = ["class_overview_html", "class_table", "exercise_card_html", "exercise_card_text", "what_went_wrong"]
