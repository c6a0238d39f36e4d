"""Puts an existing repository under the ladder, as one commit on a branch to review.

`looking` finds what is there, `shape` remembers what is theirs for every later climb, `bringing`
puts the level beside it, and `wording` says all of that to a person.
"""
