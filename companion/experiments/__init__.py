"""The experiments of the notebooks, one folder a topic; what several share lies beside them.

A folder's modules return plain tables and numbers; its `draw_*` modules draw these and compute
nothing. A folder with an `__init__.py` is shared by several notebooks.
"""
