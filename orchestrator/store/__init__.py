"""
The store: the only SQL. One writer thread a file, group commit, one file per noun (D2).

Begin with `store.py`; `writer.py` has the guarantees, `tables.py` the tables.
"""
