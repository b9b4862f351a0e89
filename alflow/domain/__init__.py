"""The nouns of alflow: frozen values, standard library only.

A `Project` owns `ClassLabel`s and `Item`s. A `Round` asks about some pool items (its `Candidate`s); people answer
with `Label`s; closing a round writes an `Evaluation`.

Each noun is imported from the file of its subject.
"""
