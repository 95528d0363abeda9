"""The grid of models, data sets, budgets and seeds that notebooks 10 and 11 share.

Both compare networks with rivals on tables in the same way, so that their numbers can stand beside
each other, and notebook 11 reads the table of notebook 10. The way of a number: `settings`, `grid`
(which cells there are), `run_cells` (computes them), `reports` (a file each), `score_table` (the
table of all), `compare_models` (what the table says of models).
"""
