"""Carries the tables of PostgreSQL along when the dictionary changes.

`plan` finds out what is to be done, or must not be done: `columns` and `constraints` compare each
table with the dictionary, as `catalog` has read it. `mirrors` keeps a renamed column under its old
name, too, for the release before.
"""
