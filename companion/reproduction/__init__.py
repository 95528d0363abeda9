"""What a re-run is worth: compare it with the committed results, certify it, refresh them.

`tolerances` says how far a value may be from the committed one, `compare` compares all of two
folders, `verify` judges a re-run as a whole, `certificate` writes what came out for people and
programs, and `refresh` makes a run the committed one.
"""
