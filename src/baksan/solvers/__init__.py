"""Solvers: argmin of Q(a, X) over the parameters of a.

`base`       State, Solver, the problem they work on
`analytic`   the exact answer of least squares
`descent`    gradient descent, stochastic gradient descent, mini-batches: one class
`schedules`  how the rate changes from step to step
`kernels`    the descent's loop in the part of Python that Numba compiles
`compiled`   compiling it, cached across processes and never stale
`cuts`       the search for rectangular cuts
"""
