"""Takes in what a class handed in: a zip from an LMS, or a folder, into nbgrader's submitted/STUDENT/ASSIGNMENT/.

Students choose the names and the contents of their files, so a source is hostile until shown otherwise. The rules:

1.  Nothing is executed, imported or unpacked by path. Each notebook is read by itself, up to the course's
    `notebook_mib`, and written under a name of ours. Zips inside are not opened.
2.  Refused, and reported: absolute paths, `..`, drive letters, backslashes, symbolic and hard links, devices, pipes,
    sockets; in a zip also what is encrypted, packed by a method other than deflate, damaged, or shares its bytes with
    other entries. One refused file is no reason to leave out another.
3.  A source with more than 200,000 files, and a zip that is none or is cut off, is refused as a whole: nothing is
    written.
4.  Whose file it is, its path says, in one of these shapes. One folder around everything is seen through.

        STUDENT/ASSIGNMENT/*.ipynb                           nbgrader
        STUDENT/*.ipynb                                      one folder for each student
        STUDENT.ipynb                                        one file for each student
        Full Name_12345_assignsubmission_file/*.ipynb        Moodle; 12345 is the participant
        namewithoutspaces[_LATE]_USER_FILE_original.ipynb    Canvas; USER and FILE are numbers
        submission_12345/*.ipynb                             Gradescope

5.  A roster says which student that is: the row in which one of the keys stands that the path offers, such as Canvas's
    user number, Moodle's participant or full name, or the folder's name. Nobody is guessed: whoever fits no row,
    several rows, or the same row as somebody else is collected under the LMS's name and reported. Without a roster, the
    LMS's name with its number is the student's id.
6.  Ids become names of folders by `safe_id`; two students never share one.
7.  Of several notebooks of one student, this one is graded: ASSIGNMENT.ipynb (from Canvas also ASSIGNMENT-1.ipynb, a
    later attempt), else one that begins so; then the least deep; then the one with the LMS's higher number (Canvas
    gives all files the time of the download); then the newest; then the first in the source. If it cannot be read, the
    next one is. Of the first 20 in this order the others are kept beside it; all of them are reported.
8.  A different notebook that was collected before is kept beside the new one. Collecting the same again changes
    nothing.
9.  All other files are left where they are, and named in the report: the first few, and how many more.
10. Nothing is written through a symbolic link in submitted/.
"""

from autograder.intake.collect import MOST_READ, Intake, Line, Report, sort_out
from autograder.intake.names import Roster, read_roster, safe_id
from autograder.intake.sources import open_source

__all__ = ["MOST_READ", "Intake", "Line", "Report", "Roster", "open_source", "read_roster", "safe_id", "sort_out"]
