"""Solvers: argmin of Q(a, X) over the parameters of a.

`base`           State, Solver, the problem they work on
`analytic`       the exact answer of least squares, found by `least_squares` from the `gram` matrix
`descent`        gradient descent, stochastic gradient descent, mini-batches: one class
`adaptive`       Adam, AdamW, RMSprop; the `rules` of a step
`settings`       what a step sees, how long it is, when it ends; `rates` and `schedules`
`steps`          the rule of one step: for any model, and for the linear one in kernels
`online`         one event a call
`kernels`        the linear model's loops in the part of Python that Numba compiles
`kernels_single` the same for steps on single events; `kernels_cost` what an event costs
`cuts`           the search for rectangular cuts
"""

from baksan.solvers import schedules

__all__ = ["schedules"]
