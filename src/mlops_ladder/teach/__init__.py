"""Courses whose unit is the climb: repositories in which students solve tasks and are checked.

`student/` is copied into every course as the folder `course/`. Everything else runs at the
teacher's.
"""
