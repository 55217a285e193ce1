# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6. Why is it fast?
#
# In lesson 3 three ways took the same steps, and one of them was a thousand times faster than another. The
# answer was the same; so why not take the fast one and be silent? Because the reasons are few and simple, and
# they hold for your own analysis too: for a loop over events, for a histogram, for a file that does not fit in
# memory. This lesson measures them, **on your machine**.
#
# **What you will learn**
#
# * where the time of a step goes: Python, passes through memory, arithmetic;
# * what limits a machine: a picture with two lines;
# * the best trick of all, which is not to compute: the Gram matrix;
# * why random access is slow, and what a window is;
# * why the order of a sum matters, and how two threads can give the same bits as one;
# * float32 or float64;
# * *exact* least squares, condition numbers, and a popular library that is wrong without a word;
# * learning from a file that is larger than memory.
#
# All times are those of your machine at this moment. Run a cell twice and look how they scatter; close what
# else is running if they scatter much.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # for the threads of NumPy's matrix products

import baksan as bk
from baksan import sketch
from baksan.compiled import cores, threads
from baksan.losses import huber, logistic, squared
from baksan.simulate import telescope

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly

# %% [markdown]
# ## The samples
#
# Telescope images, gamma or hadron, as in lesson 5, only more of them.

# %%
n = 4_000 if SMALL else 200_000
X = telescope.events(n, seed=1).samples(answer="class", signal="gamma", id="event")
print(X)
print(f"{X.x.nbytes / 1e6:.0f} MB of features; this process may use {cores()} cores")


# %% [markdown]
# A stopwatch. It takes the best of a few tries: whatever disturbs a measurement makes it longer, never shorter,
# so the smallest time is the cleanest. And mostly we measure on one core (`threads` is the library's word for
# it, `threadpool_limits` that for the matrix products of NumPy): threads that wait for a busy core can make a
# product fifty times slower.


# %%
def seconds(work, tries=3):
    """The shortest of a few tries."""
    spent = []
    for _ in range(tries):
        clock = time.perf_counter()
        work()
        spent.append(time.perf_counter() - clock)
    return min(spent)


# %% [markdown]
# ## The same step, three ways
#
# One step of gradient descent of the logistic loss: a prediction for each event, its slope, and the sum of
# slope times features,
#
# $$p_i = w_0 + \sum_j w_j z_{ij}, \qquad g_j = \frac1n \sum_i c'(p_i, t_i)\, z_{ij}, \qquad
#   z_{ij} = \frac{x_{ij} - \bar x_j}{s_j} .$$
#
# The library has it in three ways: *python* is a loop over events and features in the interpreter; *generic* is
# NumPy; *compiled* is the loop of *python*, the very same lines, as machine code. First the answers: five steps
# each, on the same events.

# %%
few = X.take(np.arange(500 if SMALL else 2000))
ways = ("generic", "python", "compiled")
found = {
    way: bk.fit(bk.Linear(), few, logistic, bk.GradientDescent(2.0, steps=5, way=way))
    for way in ways
}
for way in ways:
    print(f"{way:9}", found[way].model.parameters[:3])
    same = np.allclose(found[way].model.parameters, found["generic"].model.parameters, rtol=1e-10)
    assert same, way

# %% [markdown]
# The last digits may differ, since the three add up in different orders; more on that below. Now the times.
# `solver.run` (lesson 3) gives the state after each step, so we can let it take a first step, which prepares
# everything, and then time the others.


# %%
def before_the_first_step(X):
    return bk.Linear().prepared(X.x, X.w, outputs=1)


def time_of_a_step(X, loss, steps=3, **settings):
    """Seconds for one step that sees all events."""
    run = bk.GradientDescent(0.01, steps=steps + 1, **settings).run(
        before_the_first_step(X), X, loss
    )
    next(run)
    return seconds(lambda: next(run), steps)


each = {"interpreted Python": 1e9 * time_of_a_step(few, logistic, way="python") / len(few)}
with threads(1), threadpool_limits(1):
    each["NumPy"] = 1e9 * time_of_a_step(X, logistic, way="generic") / n
    each["compiled"] = 1e9 * time_of_a_step(X, logistic, way="compiled", steps=20) / n
if cores() > 1:
    each[f"compiled, {cores()} threads"] = (
        1e9 * time_of_a_step(X, logistic, way="compiled", steps=20) / n
    )
sketch.bars(each, "time of a step for each event [ns]", log=True)

# %% [markdown]
# Mind the axis: it is logarithmic, from one grid line to the next the time is ten times as long. The largest gain
# by far is to leave the interpreter; what the compiled loop gains on NumPy is a factor of some; what threads add
# depends on your cores.
#
# ## Where the time goes: the interpreter
#
# An event has ten features, each is multiplied with a weight, twice: some sixty operations, and the processor
# can do several in each nanosecond. Python spends its time on something else: for each operation it looks up
# what the names mean, what kind of thing they are, and makes a new object for the result.

# %%
many = range(20_000 if SMALL else 2_000_000)


def multiply_and_add(w=1.0000001, x=0.5):
    p = 0.0
    for _ in many:
        p = p + w * x
    return p


spent = 1e9 * seconds(multiply_and_add) / len(many)
print(f"one multiplication and one addition in Python: {spent:.0f} ns")
print(
    f"times 2 × {X.x.shape[1]} for an event: {2 * X.x.shape[1] * spent:,.0f} ns; to which comes"
    " every index into an array and every call of a function"
)

# %% [markdown]
# ## Where the time goes: passes through memory
#
# NumPy does each operation for all events at once, in machine code. The interpreter is paid once per array and
# not once per number. But each line of NumPy **reads whole arrays from memory and writes a whole new one**.
# Here is the step by hand, line by line:

# %%
start = before_the_first_step(X)
w, t = np.full(X.x.shape[1], 0.1), 2.0 * X.y - 1.0
centred = X.x - start.centre
z = centred * start.inverse
p = z @ w
slope = -t / (1.0 + np.exp(t * p))
lines = {
    "x − centre": lambda: X.x - start.centre,
    "· 1/scale": lambda: centred * start.inverse,
    "z @ w": lambda: z @ w,
    "slope of the loss": lambda: -t / (1.0 + np.exp(t * p)),
    "slope @ z": lambda: slope @ z,
}
with threads(1), threadpool_limits(1):
    each = {name: 1e9 * seconds(line) / n for name, line in lines.items()}
    each["all of it, compiled"] = 1e9 * time_of_a_step(X, logistic, steps=20) / n
sketch.bars(each, "time for each event [ns]")

# %% [markdown]
# The two longest lines are those that compute nearly nothing: a subtraction and a multiplication. They write
# new arrays as large as the data, and memory that is new must be found, cleared and written. The matrix
# products have twice the arithmetic, but they only read. (The library's generic way costs more than the sum of
# these lines: it also adds up the loss itself, its formulas are written so that no margin is too large for
# them, and it takes new memory for every block of events.)
#
# The compiled step makes **one pass**: it takes 32 events, standardises them on the way, predicts, takes their
# slopes and adds up their share of the gradient while these 32 are still in the fastest memory of the
# processor, and goes on. Nothing as large as the data is ever written. That is called *fusing* the passes.
#
# ## What limits a machine: two lines
#
# A processor needs numbers, and numbers come from memory. Two figures say what it can do at most: how many
# bytes a second it can read, $b$, and how many operations a second it can do, $f$. A program that does $I$
# operations on each byte that it reads can do at most
#
# $$\min(f,\ I \cdot b) \quad \text{operations a second.}$$
#
# This is called the **roofline** (Williams, Waterman and Patterson, Comm. ACM 52 (2009) 65). Let us measure the
# roof. A product of the events with $k$ weight vectors at once does $2k$ operations on each number (8 bytes),
# so we can move along $I = k/4$. The events are noise here, and more than any cache holds; everything on one
# core.

# %%
d = 32
big = np.random.default_rng(0).normal(size=(20_000 if SMALL else 1_000_000, d))


def products(k, rows=2048):
    """x @ w for k weight vectors, a block of rows at a time, so that the result stays in the cache."""
    w, out = np.ones((d, k)), np.empty((rows, k))
    for first in range(0, len(big) - rows + 1, rows):
        np.matmul(big[first : first + rows], w, out=out)


square = np.random.default_rng(1).normal(size=(200 if SMALL else 1500,) * 2)
flat = big.ravel()
with threadpool_limits(1):
    peak = 2 * len(square) ** 3 / seconds(lambda: square @ square)
    bandwidth = big.nbytes / seconds(lambda: flat @ flat)
print(
    f"one core reads {bandwidth / 1e9:.0f} GB/s and multiplies matrices at {peak / 1e9:.0f} GFLOP/s"
)

# %% [markdown]
# And where do our programs stand? The fused step does about $4d$ useful operations on $8d$ bytes:
# $I = \tfrac12$. The Gram matrix, which comes next, does $d^2$ on the same bytes: $I = d/8$.

# %%
from baksan.solvers.gram import Gram

noise = bk.Samples(big, big @ np.ones(d))
with threads(1), threadpool_limits(1):
    ways = {k / 4: 2 * k * big.size / seconds(lambda k=k: products(k)) for k in (1, 4, 16, 64, 128)}
    step = 4 * big.size / time_of_a_step(noise, huber(1e9))
    gram = d * big.size / seconds(lambda: Gram.of(noise, squared, outputs=1))

figure, (ax,) = sketch.panels(height=3.2)
intensity = np.geomspace(0.1, 64, 101)
ax.plot(
    intensity, np.minimum(peak, intensity * bandwidth) / 1e9, color=sketch.MUTED, label="the roof"
)
ax.plot(list(ways), np.array(list(ways.values())) / 1e9, "o", ms=4, color=sketch.COLOURS[0],
        label="products with k weight vectors")  # fmt: skip
ax.plot(0.5, step / 1e9, "s", ms=7, color=sketch.COLOURS[1], label="one step, fused")
ax.plot(d / 8, gram / 1e9, "D", ms=7, color=sketch.COLOURS[2], label="Gram matrix, d = 32")
sketch.finish(ax, "operations on each byte, I", "10⁹ operations a second", log="xy")
figure

# %% [markdown]
# No point can lie above the roof (but for the scatter of the measurement); how far below one lies is what a
# programmer could still gain.
#
# Left of the corner memory is the limit, right of it arithmetic. A step of gradient descent lies on the left:
# **it costs at least what it costs to read the events once**, and nobody's program can make it faster, unless
# it reads fewer bytes. So there are three ways on: keep the numbers shorter (float32, below), make several
# steps on what was read (mini-batches do), or do not read at all.
#
# (Why is `huber(1e9)` in there? It is the squared loss under another name: quadratic as long as the error is
# below $10^9$. The library does not recognise it, and so takes every step the long way.)
#
# ## The best trick: do not compute
#
# For the squared loss the gradient is
#
# $$\frac{\partial Q}{\partial w} = \frac2n Z^T (Zw - t) = 2\,(G w - h), \qquad
#   G = \frac1n Z^T Z,\quad h = \frac1n Z^T t .$$
#
# $G$, the **Gram matrix**, is $(d+1) \times (d+1)$, and neither it nor $h$ changes from step to step. One pass
# makes them. After that a step costs $d^2$ operations, **whatever n is**. The library does so by itself:
# `way="auto"` and `squared` are enough. We let three programs walk the same path, and start the clock before
# the first event is touched.

# %%
shape = [name for name in X.names if name != "fSize"]
size = telescope.events(n, seed=1).samples(answer="fSize", features=shape, id="event")
start = before_the_first_step(size)
exact = bk.fit(bk.Linear(), size, squared, bk.Analytic())


def walked(loss, steps, **settings):
    """Seconds since the beginning and Q before the step, at some of the steps."""
    solver = bk.GradientDescent(0.1, momentum=0.9, nesterov=True, steps=steps, **settings)
    clock, passed, q = time.perf_counter(), [], []
    for state in solver.run(start, size, loss, every=max(1, steps // 60)):
        passed.append(time.perf_counter() - clock)
        q.append(state.loss)
    return np.array(passed), np.array(q)


with threads(1), threadpool_limits(1):
    paths = {
        "NumPy, all events each step": walked(squared, 30, way="generic"),
        "one fused pass each step": walked(huber(1e9), 300),
        "Gram matrix": walked(squared, 1200),
    }
    solved = seconds(lambda: bk.fit(bk.Linear(), size, squared, bk.Analytic()))

# %%
figure, (ax,) = sketch.panels(height=3.2)
for (name, (passed, q)), colour in zip(paths.items(), sketch.COLOURS, strict=False):
    ax.plot(passed, np.maximum(q - exact.loss, 1e-15), "o-", ms=2, lw=1, color=colour, label=name)
ax.axvline(solved, color=sketch.INK, ls=":", lw=1, label="exact solution (Analytic)")
sketch.finish(ax, "seconds", "Q − Q*", log="xy", columns=2)
figure

# %% [markdown]
# All three take the same steps; the curves are one curve, moved along the axis of time. And the exact solution,
# which needs $G$ and $h$ too, and then solves $d + 1$ equations, is there before the walkers have gone far: for
# least squares descent is a lesson, not a method.
#
# A step against the number of events:

# %%
sizes = [1000, 3000] if SMALL else [1000, 5000, 20_000, 80_000, 200_000]
parts = [size.take(np.arange(m)) for m in sizes]
with threads(1), threadpool_limits(1):
    cost = {
        "NumPy": [1e6 * time_of_a_step(part, squared, way="generic") for part in parts],
        "one fused pass": [1e6 * time_of_a_step(part, huber(1e9), 20) for part in parts],
        "Gram matrix": [1e6 * time_of_a_step(part, squared, 50) for part in parts],
    }
sketch.lines(sizes, cost, "events", "time of a step [µs]", log="xy")

# %% [markdown]
# Most of what is left of the Gram step is Python: the call, and the making of a `State`. In a real run some
# hundred steps are taken in one call.
#
# The logistic loss has no such matrix: its slope is not linear in $w$, each step must see the events. Whether a
# problem *has sums that are enough* is worth asking before any programming. (Statisticians call them
# sufficient.) Sums also add up: over files, over processes, over machines.
#
# ## Random access
#
# Memory is not read number by number. It hands over **lines** of 64 bytes, and when it sees you go straight on,
# it brings the next ones before you ask. Ask for rows here and there and it cannot guess; each row is waited
# for. How long depends on where it lies: in the first cache (some ten kB), the second (a MB), the third (tens
# of MB), or in the memory itself. Rows of eight numbers, 64 bytes, in order and at random, from smaller and
# larger tables:

# %%
takes = 20_000
tables = 2 ** np.arange(8, 14 if SMALL else 22)
out = np.empty((takes, 8))
fetch = {"in order": [], "at random": []}
for rows in tables:
    x = np.ones((rows, 8))
    orders = np.arange(takes) % rows, np.random.default_rng(0).integers(0, rows, takes)
    for name, order in zip(fetch, orders, strict=True):
        work = seconds(lambda x=x, order=order: np.take(x, order, axis=0, out=out, mode="clip"), 7)
        fetch[name].append(1e9 * work / takes)
sketch.lines(
    64 * tables / 1e6, fetch, "size of the table [MB]", "time to fetch a row [ns]", log="x"
)

# %% [markdown]
# In order it does not matter how large the table is. At random the time rises from cache to cache, and that
# although `np.take` asks for many rows at a time, so that the waits overlap. Stochastic gradient descent wants
# its events in random order, and a step on one event of ten features takes some ten nanoseconds: a tenth of the
# time in which memory answers. And each step needs the result of the one before; a program that fetches the row
# when it needs it waits each time in full.
#
# The library's answer is a **window**: it copies the next 32,768 events of the random order into one contiguous
# piece of memory (which fits in a cache), and then steps through that. The copying is random access too, but
# nothing in it depends on anything, so the processor asks for many rows at a time. The order of the steps is
# the same, to the bit. (The processor can also be *told* what will be needed: the program knows the order, so
# while it copies one row it asks for the row that comes 32 later. That halves the time again.) What is left of
# the price of shuffling:

# %%
sgd = {}
with threads(1), threadpool_limits(1):
    for name, shuffle in (("in order", False), ("shuffled", True)):
        solver = bk.StochasticGradientDescent(1e-3, epochs=1, shuffle=shuffle)
        run = solver.run(before_the_first_step(noise), noise, squared, every=len(noise))
        sgd[name] = 1e9 * seconds(lambda run=run: next(run), 1) / len(noise)
sketch.bars(sgd, f"time of a step of SGD on one event, {big.nbytes / 1e6:.0f} MB of events [ns]")

# %% [markdown]
# ## Waiting for one another
#
# Even in order, steps on single events do not come as fast as the memory delivers. A prediction needs the weights, the
# slope needs the prediction, the new weights need the slope, and the next prediction needs the new weights: a
# chain, each link of some processor cycles, and most of the processor waits. The way out is to see how the next
# prediction depends on the step in between. After a step with $q_0 = \text{rate} \cdot \text{slope}_0$ the weights are
# $w_1 = w_0 - q_0 z_0$, so
#
# $$\langle w_1, z_1 \rangle = \langle w_0, z_1 \rangle - q_0 \langle z_0, z_1 \rangle .$$
#
# Both products on the right can be made *before* $q_0$ is known. The library takes four events at a time: four predictions
# from the same weights and the six products of the events, none of which waits; then four slopes one after
# another, each a few operations after the last; then one update. More arithmetic, the same iterates to
# rounding, and half the time. Let us see it in NumPy:

# %%
z, t, step = noise.x[:4], noise.y[:4], 1e-3
one_by_one = np.zeros(z.shape[1])
for i in range(4):
    one_by_one -= step * 2 * (one_by_one @ z[i] - t[i]) * z[i]

w0, pairs, q = np.zeros(z.shape[1]), z @ z.T, np.zeros(4)
before = z @ w0
for i in range(4):
    q[i] = step * 2 * (before[i] - q[:i] @ pairs[:i, i] - t[i])
together = w0 - q @ z
print(np.abs(together - one_by_one).max())
assert np.allclose(together, one_by_one, rtol=1e-12)

# %% [markdown]
# ## The order of a sum
#
# Numbers in a computer have 53 binary digits, about 16 decimal ones. Each addition rounds. So a sum depends on
# its order:

# %%
import math

print((0.1 + 0.2) + 0.3, 0.1 + (0.2 + 0.3))
values = np.random.default_rng(0).lognormal(0, 4, 20_000)
exactly = math.fsum(values)  # rounds once, at the end
orders = {
    "first to last": np.cumsum(values)[-1],
    "last to first": np.cumsum(values[::-1])[-1],
    "small to large": np.cumsum(np.sort(values))[-1],
    "by pairs (np.sum)": np.sum(values),
}
for name, total in orders.items():
    print(f"{name:18} {total:.17g}  off by {total / exactly - 1:+.1e}")

# %% [markdown]
# None of this matters to physics, and all of it matters to work: if the same program on the same events gives
# other digits on a machine with more cores, you can never again tell a bug from a rounding. Threads are the
# usual reason. Cut a sum into as many parts as there are threads, and the order depends on their number:


# %%
def in_parts(values, number):
    return sum(part.cumsum()[-1] for part in np.array_split(values, number))


print("as many parts as threads:", *(f"{in_parts(values, m):.17g}" for m in (1, 2, 3)))

# %% [markdown]
# The library cuts the events into parts whose number depends on $n$ alone (at most 64). Threads take the next
# part when they are free, each part is added up by itself, and the parts are added in their order. So any
# number of threads gives the same bits:

# %%
answers = {}
for number in (1, 2, 3):
    with threads(number):
        answers[number] = bk.fit(bk.Linear(), X, logistic, bk.GradientDescent(2.0, steps=20)).model
        print(number, "threads:", repr(float(answers[number].parameters[1])))
assert np.array_equal(answers[1].parameters, answers[2].parameters)
assert np.array_equal(answers[1].parameters, answers[3].parameters)

# %% [markdown]
# ## Shorter numbers
#
# A float32 has 4 bytes and 24 binary digits. If reading is the limit, half the bytes take half the time.
# `Samples` keep float32 as it is; the kernels read float32 and **add up in float64**.

# %%
short = bk.Samples(big.astype(np.float32), noise.y)
full, half = (time_of_a_step(s, huber(1e9), 10) for s in (noise, short))
print(f"a step on float64: {1e3 * full:.2f} ms, on float32: {1e3 * half:.2f} ms")
fits = [bk.fit(bk.Linear(), s, squared, bk.Analytic()).model.weights for s in (noise, short)]
print(f"largest error of a weight (each should be 1): {np.abs(fits[0] - 1).max():.1e} and "
      f"{np.abs(fits[1] - 1).max():.1e}")  # fmt: skip

# %% [markdown]
# The features of a detector are rarely known to seven digits, so storing them so is no loss. *Adding up* in
# float32 is. Two traps that have ruined real analyses:

# %%
ones = np.ones(20_000_000, dtype=np.float32)
print("twenty million ones, added one after another in float32:", np.cumsum(ones)[-1])
moment = np.float32(1.79e9)  # seconds since 1970
print("the float32 after this second comes", np.spacing(moment), "seconds later")

# %% [markdown]
# Once the sum is $2^{24} = 16{,}777{,}216$, adding 1 changes nothing. And a time stamp, a right ascension in
# arcseconds, an event number: nothing that is a large number with small differences belongs in float32.
#
# ## Exact is not exact
#
# Least squares has a formula (lesson 2). On paper there is one answer. Here are events with two features: the
# energy of a gamma ray, in eV, and the angle of its arrival, in radians. Both matter; each unit of the angle
# counts 1.

# %%
rng = np.random.default_rng(2)
energy = rng.uniform(1e9, 30e9, 1000)
angle = rng.uniform(0, 1.3, 1000)
response = 1e-10 * energy + angle + rng.normal(0, 0.04, 1000)
features = (bk.Feature("energy", "eV"), bk.Feature("angle", "rad"))
gammas = bk.Samples(np.column_stack([energy, angle]), response, features=features)

# %%
from sklearn.linear_model import LinearRegression

theirs = LinearRegression().fit(gammas.x, gammas.y)
ours = bk.fit(bk.Linear(), gammas, squared, bk.Analytic())
print(f"scikit-learn: weight of the angle {theirs.coef_[1]:.3g},"
      f" R² = {theirs.score(gammas.x, gammas.y):.3f}")  # fmt: skip
print(f"baksan:       weight of the angle {ours.model.weights[1]:.3g} ± {ours.errors()[2]:.2g},"
      f" R² = {1 - ours.loss / gammas.y.var():.3f}")  # fmt: skip
print("baksan says: ", ours.message)

# %% [markdown]
# No warning, no error, and the angle is *gone*. What happened? LAPACK's routine for least squares is told a
# threshold, and directions in which the features vary less than this share of the largest are taken for
# rounding, and set to zero. The energy varies by $10^{10}$, the angle by 0.4. In the units eV and rad the angle
# looks like nothing. (scikit-learn sets the share to $10^{-6}$ since its version 1.7; ours is 1.9. Its older
# versions get this one right.) In GeV nothing would have happened; so the unit decided about the physics.
#
# The cure is one you know from lesson 3: bring each feature to its own scale *before* deciding what is small.
# The library does, and it knows how bad the rest is. The number for it is the **condition**
#
# $$\kappa = \frac{\text{largest}}{\text{smallest singular value of}\ Z} ,$$
#
# the factor by which relative errors in the data can grow in the weights. With numbers of 16 digits and
# $\kappa = 10^k$ expect about $16 - k$ right digits, if the method is good. The normal equations of lesson 2
# work with $Z^T Z$, whose condition is $\kappa^2$: they lose *twice* as many, and have none left at
# $\kappa = 10^8$. Let us look: six features that nearly depend on each other, and a true answer, 1 for each,
# without noise.


# %%
def alike(kappa, n=500, d=6):
    """Features of about one size with this condition, and y their sum."""
    rng = np.random.default_rng(3)
    u = rng.normal(size=(n, d))
    u, _ = np.linalg.qr(u - u.mean(axis=0))
    v, _ = np.linalg.qr(rng.normal(size=(d, d)))
    x = np.sqrt(n) * u * np.geomspace(1, 1 / kappa, d) @ v.T
    return bk.Samples(x, x.sum(axis=1))


kappas = 10.0 ** np.arange(1, 14)
off = {"normal equations": [], "scikit-learn": [], "baksan": []}
for kappa in kappas:
    S = alike(kappa)
    weights = (
        np.linalg.solve(S.x.T @ S.x, S.x.T @ S.y),
        LinearRegression().fit(S.x, S.y).coef_,
        bk.fit(bk.Linear(), S, squared, bk.Analytic()).model.weights,
    )
    for name, found in zip(off, weights, strict=True):
        off[name].append(max(np.abs(found - 1).max(), 1e-16))
sketch.lines(kappas, off, "condition κ", "largest error of a weight (each is 1)", log="xy")

# %% [markdown]
# Slope 2 for the normal equations; slope 1, as good as numbers of 16 digits allow, for `Analytic`; and a
# threshold at $10^6$, from which scikit-learn leaves features out. How does `Analytic` manage with one pass? It
# forms the Gram matrix of *centred and scaled* features, factorises it, and reads $\kappa^2$ off the factor. If
# it is small, the answer stands. If not, one more pass computes what remains of the gradient *from the events*,
# and corrects. If it is hopeless, it takes an orthogonal method (QR), which never squares κ, for several times
# the price. The page *Performance* has the thresholds.
#
# Above $\kappa = 10^6$ the message says so; if features depend on each other exactly, it says that as well:

# %%
S = alike(1e7)
print(bk.fit(bk.Linear(), S, squared, bk.Analytic()).message)
twice = bk.Samples(np.column_stack([S.x[:, 0], S.x[:, 1], S.x[:, 0] + S.x[:, 1]]), S.y)
print()
print(bk.fit(bk.Linear(), twice, squared, bk.Analytic()).message)

# %% [markdown]
# A condition that comes from *units* is harmless once it is scaled away. One that comes from *features that say
# the same* stays, and no method helps: the data do not know how to share the weight between them. Predictions
# are fine, the single weights are not; look at `Fit.errors()`.
#
# ## Larger than memory
#
# A night of a telescope does not fit in memory, and need not. A `Stream` is a recipe for reading: blocks of
# events, as often as they are wanted. We write a file into a temporary folder, and read it as one would read a
# file a thousand times larger.

# %%
from baksan.data.parquet import write_blocks
from baksan.data.streaming import open_stream

folder = tempfile.TemporaryDirectory()
file = Path(folder.name) / "night.parquet"
write_blocks(telescope.blocks(n, seed=1, rows=n // 20), file)
reports = []
night = open_stream(
    file, answer="fSize", features=size.names, rows=n // 20, progress=reports.append
)
print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB;", night)

# %% [markdown]
# It goes into `fit` in place of samples. Least squares reads it **once**: the Gram matrices of the blocks add
# up to that of all.

# %%
reports.clear()
streamed = bk.fit(bk.Linear(), night, squared, bk.Analytic())
said = [report.partition(": ")[2] for report in reports]
print("the progress said:", *said[:3], "…", said[-1])
difference = np.abs(streamed.model.weights / exact.model.weights - 1).max()
print(f"weights differ from those of the samples in memory by {difference:.1e}, relatively")
assert difference < 1e-9

# %% [markdown]
# In memory at one time: a few blocks (one is worked on while the next is read), never all. For descents there
# is `night.epoch(seed, epoch)`, which must *shuffle*, and cannot: a random order needs all events at hand. What
# it can do is hold a **buffer**. New events take the places of random ones, and those go out. So an event moves
# by about the length of the buffer, and no further. Each dot is an event; to the right its place in the file,
# upwards when it came out.

# %%
m = 4000
numbers = bk.Samples(np.arange(m, dtype=float)[:, None])
blocks = [numbers.take(np.arange(first, first + 100)) for first in range(0, m, 100)]
figure, axes = sketch.panels(4, 2.5, sharex=True, sharey=True)
for ax, buffer in zip(axes, (1, m // 16, m // 4, m), strict=True):
    stream = bk.stream.Stream(lambda: blocks, buffer=buffer)
    came = np.concatenate([chunk.x[:, 0] for chunk in stream.epoch(0, 0)])
    ax.plot(came, np.arange(m), ".", ms=1, color=sketch.COLOURS[0])
    sketch.finish(ax, "place in the file", title=f"buffer {buffer:,}")
sketch.finish(axes[0], "place in the file", "place in the epoch", title="buffer 1")
figure

# %% [markdown]
# With a buffer of one event nothing is shuffled, with a buffer for all everything is. In between a file that is
# *sorted* stays sorted on the large scale; if it holds first all hadrons, then all gammas, the descent forgets
# the first while it looks at the second. Better to shuffle such a file once, when it is written.
#
# The same fit, by mini-batches out of the stream:

# %%
solver = bk.MiniBatch(0.01, batch=32, epochs=2)
small_steps = bk.fit(bk.Linear(), night, squared, solver)
print(f"Q − Q* = {small_steps.loss - exact.loss:.1e}:", small_steps.message)
folder.cleanup()

# %% [markdown]
# ## Questions
#
# 1. Twice as many cores make the fused step hardly faster on some machines. Which line of the roofline picture
#    says so, and which programs gain most from cores?
# 2. Why do several answers (or several classes) at once cost less than one after the other?
# 3. `x -= centre` changes an array in place. Which part of the price of `x − centre` does it save, and why does
#    the library not do it to your events?
# 4. The Gram matrix makes a step free of $n$. For which $d$ does it no longer pay?
# 5. A colleague's fit gives other digits each time it runs on eight threads. What do you ask?
# 6. Is it a mistake in scikit-learn to drop what varies less than $10^{-6}$? When would you want it?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 06.1`.)

# %% [markdown]
# ### Exercise 06.1. Standardise the weights
#
# A linear model has the d + 1 weights `w`, intercept first, for standardised features
# z = (x − `centre`) / `scale`, where `centre` and `scale` hold d numbers each. Return the
# d + 1 weights, intercept first, that give the same predictions from x itself, so that no
# event needs to be standardised.


# %%
def raw_weights(w, centre, scale):
    raise NotImplementedError


bk.check("06.1", raw_weights)

# %% [markdown]
# ### Exercise 06.2. Sums that are enough
#
# `x` holds n events with d features, one a row, `y` their answers. Return the lesson's Gram
# matrix G, of d + 1 rows and columns, and the vector h of d + 1 numbers, intercept first,
# both as means over the events: with them, and without the events, Q and its slope are known
# for any weights.


# %%
def gram_sums(x, y):
    raise NotImplementedError


bk.check("06.2", gram_sums)

# %% [markdown]
# ### Exercise 06.3. The variance in one pass
#
# `blocks` gives arrays of numbers, one after another, in a `for` loop; it can be gone through
# once. Return the variance of all the numbers together, the mean square of their distances
# from their common mean. There is memory for a few blocks only, and the numbers may be far
# from zero.


# %%
def variance(blocks):
    raise NotImplementedError


bk.check("06.3", variance)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **By hand.** Time $\sum_i x_i^2$ of a million numbers: a Python loop over a list, a loop over an array,
#    `sum(x**2)`, `np.sum(x**2)`, `x @ x`.
#    You should find that the loop over the *array* is the slowest of all, and a factor of some hundred between
#    the loop over the list and `x @ x`.
# 2. **The number of passes.** Rewrite the step by hand so that it standardises the *weights* in place of the
#    events:
#    $\langle w, z\rangle = \langle w/s, x\rangle - \langle w/s, \bar x\rangle$, and the same for the gradient.
#    Check that it gives the same gradient.
#    You should find five times less time or better. Then put the mean at $10^9$ times the scale and look at the
#    digits: that is why the library subtracts first.
# 3. **Columns or rows?** Take one column of `big` and sum it, then one column of `np.asfortranarray(big)`,
#    where each column lies together.
#    You should find about a factor of five: by rows each line of 64 bytes is read for one number of 8.
# 4. **The price of a cache line.** In the picture of the stairs take rows of 1, 2, 4, 8, 16 and 32 numbers at
#    random from tables of two million rows.
#    You should find that 1 to 4 cost nearly the same, and that from 8 on the time grows with the length:
#    several lines for each row.
# 5. **The variance in one pass.** Compute the variance of 10⁶ numbers with the mean 10⁸ and the standard
#    deviation 1 as $\overline{x^2} - \bar x^2$, and as $\overline{(x - \bar x)^2}$; then the first one on
#    $x - x_1$.
#    You should find 1 for the second and the third, and an even number, 0, 2 or 4, for the first: near
#    $10^{16}$ the numbers of a computer are 2 apart. The library's Gram matrix is the third.
# 6. **The sorted file.** Make a stream of the first 20,000 images sorted by class (`X.take`, `np.argsort`;
#    blocks of 1000) and fit `logistic` by
#    `StochasticGradientDescent(0.01, epochs=3)` with buffers of 1000, 10,000 and 20,000. Compare `Q` and the
#    share of images called gamma.
#    You should find Q = 1.15, 0.47 and 0.45, and 95, 78 and 73 % called gamma, where 65 % are: it saw gammas
#    last.
# 7. **Half the digits.** In the picture of conditions round the features to float32 first (and make them
#    float64 again). Where are the weights gone?
#    You should find the same error for all three methods, about $10^{-9} \kappa$, until nothing is left near
#    $10^8$: no method knows digits that the features have lost.
