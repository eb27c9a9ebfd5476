"""A run of the local service under faults, and the checks of what must be true after it.

    python -m tests.e2e.chaos --repositories 24 --users 6 --minutes 2 --seed 7

`sources` are served by `hosting`; `users` add them while `faults` does harm; `observation` looks at the outcome and
`checks` judges it; `run` puts them together.
"""
