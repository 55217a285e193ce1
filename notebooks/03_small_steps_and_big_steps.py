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
# # 3. Small steps and big steps
#
# Least squares has a formula. Almost nothing else has: neither the absolute loss of the last lesson nor
# any neural network. What always works is to walk downhill: take the gradient of the loss, make a step
# against it, and repeat. This lesson walks on a loss whose minimum we know exactly, so that we can see
# how well each way of walking does.
#
# **What you will learn**
#
# * gradient descent in three lines, and that the library's is the same;
# * what a rate (the length of a step) does when it is too small, good, big, and too big: $2/L$;
# * why features must be standardised: the condition number;
# * what momentum is good for;
# * stochastic and mini-batch descent: fast, noisy, and how to calm the noise;
# * when to stop, how to go on, and how to learn online, one event at a time;
# * that three very different programs take the same steps, and what each costs.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os

import numpy as np

import baksan as bk
from baksan import sketch
from baksan.losses import Q, squared
from baksan.report import plots
from baksan.simulate import telescope

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly

# %% [markdown]
# ## The samples
#
# Images of gamma showers in a Cherenkov telescope (the library's toy simulation). The question: how much
# light is in the image, `fSize` (the lg of the number of photons), judged from its shape alone?

# %%
table = telescope.events(1500 if SMALL else 15_000, seed=1, gamma_fraction=1.0)
shape = ("fConc", "fLength", "fWidth", "fConc1", "fAsym", "fM3Long", "fM3Trans", "fAlpha", "fDist")
X = table.samples(answer="fSize", features=shape)
X, test = X.split(0.67, seed=1)
print(f"{len(X):,} images;", ", ".join(str(feature) for feature in X.features))

# %% [markdown]
# ## Three lines
#
# First one feature only, `fConc`, the share of the two brightest pixels. We standardise it,
# $z = (x - \bar x)/s$, and begin at the best constant, $a = \bar y$; so there is one weight to find:
#
# $$Q(w) = \frac1n \sum_i (\bar y + w z_i - y_i)^2, \qquad
#   \frac{dQ}{dw} = \frac2n \sum_i z_i\,(\bar y + w z_i - y_i) .$$
#
# Gradient descent is the line in the loop:
#
# $$w \leftarrow w - \text{rate} \cdot \frac{dQ}{dw} .$$
#
# (The library keeps the weights of the standardised features in `model.matrix`: one row, the intercept
# first. `model.weights` tells them in your units.)

# %%
one = X.select(["fConc"])
z = (one.x[:, 0] - one.x.mean()) / one.x.std()
t = one.y - one.y.mean()

w, rate = 0.0, 0.1
for _step in range(20):
    slope = 2 * np.mean(z * (w * z - t))
    w = w - rate * slope
print("by hand:        ", w)

found = bk.fit(bk.Linear(), one, squared, bk.GradientDescent(rate=0.1, steps=20))
print("GradientDescent:", found.model.matrix[0, 1], "|", found.message)
exact = bk.fit(bk.Linear(), one, squared, bk.Analytic())
print("Analytic:       ", exact.model.matrix[0, 1])
assert np.isclose(w, found.model.matrix[0, 1], rtol=1e-12)

# %% [markdown]
# The library took the same twenty steps, to the last digit but rounding, and says that it stopped because
# its budget was spent. It is not at the minimum yet; `Analytic` has that.
#
# ## The rate
#
# $Q(w)$ is a parabola: $Q(w) = Q^* + (w - w^*)^2$, since the mean of $z^2$ is 1. Put it into the step:
#
# $$w_{t+1} - w^* = (1 - 2\,\text{rate})\,(w_t - w^*) .$$
#
# The distance to the minimum is multiplied by the same number in every step. The rate decides which:
#
# | rate | factor | what happens |
# |---|---|---|
# | 0.03 | 0.94 | creeps |
# | 0.3 | 0.4 | arrives |
# | 0.95 | −0.9 | jumps over the minimum each time, and still arrives |
# | 1.05 | −1.1 | each jump is longer than the last |
#
# `fit` does three things that we now do one by one, to watch. It **prepares** the model (fixes mean and
# standard deviation of the features from these events, and sets the intercept to the best constant); then
# a solver's `run` gives a `State` after each step; and `moved(w)` is the model with the weights of one.


# %%
def before_the_first_step(X):
    return bk.Linear().prepared(X.x, X.w, outputs=1).at_constant(X.y.mean())


start = before_the_first_step(one)
paths = []
for rate in (0.03, 0.3, 0.95, 1.05):
    states = bk.GradientDescent(rate, steps=10).run(start, one, squared)
    walked = [start.parameters, *(state.parameters for state in states)]
    loss = [Q(start.moved(w), one, squared) for w in walked]
    paths.append({"label": f"rate {rate}", "weight": [w[1] for w in walked], "loss": loss})

best = exact.model.matrix[0, 1]
grid = np.linspace(best - 1.1, best + 1.1, 101)
curve = [Q(start.moved(np.array([one.y.mean(), w])), one, squared) for w in grid]
plots.loss_over_weight(grid, curve, paths, label="weight of fConc")

# %% [markdown]
# Each panel begins at the black dot, with the weight 0, and shows ten steps. The factors of the table can be
# read off: small steps on one side, jumps from wall to wall, and jumps that climb out.
#
# In general, with the curvature $L$ (the largest second derivative of $Q$; here $L = 2$), gradient descent
# is stable below
#
# $$\text{rate} < \frac{2}{L},$$
#
# and a good choice is $1/L$, which is what `rate="auto"` takes. Go beyond the limit, and the library says
# so instead of printing `nan`:

# %%
for rate in (1.05, 30.0, "auto"):
    tried = bk.fit(bk.Linear(), one, squared, bk.GradientDescent(rate, steps=200))
    print(f"rate {rate}: {tried.message}")

# %% [markdown]
# ## All features: the valley
#
# Nine features now. The same picture as a contest of rates: on the left Q against the step, on the right the
# loss that each rate has reached in the end. (`bound` tells the limit $2/L$ of a solver on a problem, and its
# formula.)

# %%
optimum = bk.fit(bk.Linear(), X, squared, bk.Analytic()).loss
solver = bk.GradientDescent("auto", steps=100)
limit, formula = solver.bound(bk.fit(bk.Linear(), X, squared, solver).problem)
runs = []
for share in (0.01, 0.03, 0.1, 0.3, 0.5, 0.9, 1.02, 1.1):
    rate = share * limit
    history = bk.fit(bk.Linear(), X, squared, bk.GradientDescent(rate, steps=100)).history
    run = {"label": f"{share:g} × {formula}", "rate": rate}
    runs.append(run | {"step": history["step"], "loss": history["loss"]})
print(f"the limit {formula} = {limit:.3f}, the exact minimum Q* = {optimum:.5f}")
plots.small_and_big_steps(runs, limit=limit)

# %% [markdown]
# Small steps are slow, big steps are fast, and a little bigger is a catastrophe. But even the best rate has
# not reached $Q^*$ after 100 steps. Why? With several weights Q is a bowl with a different curvature in each
# direction, the eigenvalues of the matrix $H = \frac2n Z^T Z$. The largest, $L$, limits the rate; along the
# flattest direction, with curvature $\ell$, a step with the rate $1/L$ shrinks the distance only by
#
# $$1 - \frac{\ell}{L} = 1 - \frac{1}{\kappa}, \qquad \kappa = \frac{L}{\ell}\ \text{the condition number}.$$
#
# So one needs about $\kappa$ steps for each factor $e$. What is κ here, with the features as they are (mm,
# degrees, shares) and standardised?


# %%
def condition(model):
    """L, ℓ and κ of least squares with this model's features."""
    Z = model.prepared(X.x, X.w, outputs=1).design(X.x)
    curvatures = np.linalg.eigvalsh(2 * Z.T @ Z / len(Z))
    return curvatures[-1], curvatures[0], curvatures[-1] / curvatures[0]


for name, model in (("standardised", bk.Linear()), ("as they are", bk.Linear(standardise=False))):
    L, flat, kappa = condition(model)
    print(
        f"{name:13} L = {L:.3g}, ℓ = {flat:.2g}, κ = {kappa:.3g}: the rate must stay below {2 / L:.2g}"
    )

# %%
steps = 300 if SMALL else 3000
histories = {}
for name, model in (("standardised", bk.Linear()), ("as they are", bk.Linear(standardise=False))):
    found = bk.fit(model, X, squared, bk.GradientDescent(steps=steps))
    histories[name] = found.history.to_dict()
plots.loss_against_iteration(histories, optimum, title="gradient descent, rate auto")

# %% [markdown]
# Same model, same data, same minimum; the one arrives, the other would need its κ of steps for each factor $e$.
# Millimetres are large numbers, they make $L$ huge and the rate tiny, and the weights of features with small
# numbers hardly move. This is the second reason why `Linear` standardises, and why you should check it in any library.
#
# ## Momentum
#
# In a long valley plain descent zigzags between the walls. **Momentum** keeps a part $\mu$ of the last move
# (Polyak's heavy ball); **Nesterov** also looks ahead along it before taking the gradient:
#
# $$v \leftarrow \mu v - \text{rate}\cdot \nabla Q, \qquad w \leftarrow w + v .$$
#
# On two features that are strongly correlated, length and width of the image. The lines are those of equal
# $Q$, the star is the minimum.

# %%
two = X.select(["fLength", "fWidth"])
start = before_the_first_step(two)
goal = bk.fit(bk.Linear(), two, squared, bk.Analytic()).model.matrix[0, 1:]
Z = start.design(two.x)[:, 1:]
H = 2 * Z.T @ Z / len(Z)
L = np.linalg.eigvalsh(H)[-1]
side = np.linspace(-0.65, 0.65, 81)
u, v = np.meshgrid(goal[0] + side, goal[1] + side)
away = np.stack([u - goal[0], v - goal[1]], axis=-1)
bowl = 0.5 * np.einsum("...i,ij,...j->...", away, H, away)  # Q − Q* of least squares, exactly

figure, axes = sketch.panels(3, 2.7, sharex=True, sharey=True)
solvers = {
    "rate 1/L": bk.GradientDescent(1 / L, steps=25),
    "rate 1.9/L": bk.GradientDescent(1.9 / L, steps=25),
    "rate 1/L, momentum 0.5": bk.GradientDescent(1 / L, momentum=0.5, steps=25),
}
for ax, (name, solver), colour in zip(axes, solvers.items(), sketch.COLOURS, strict=False):
    ax.contour(u, v, bowl, levels=np.geomspace(1e-4, 1, 9), colors=sketch.MUTED, linewidths=0.5)
    walked = [start.parameters, *(s.parameters for s in solver.run(start, two, squared))]
    ax.plot(*np.array(walked)[:, 1:].T, "o-", ms=2.5, lw=0.9, color=colour)
    ax.plot(*goal, "*", ms=9, color=sketch.INK)
    sketch.finish(ax, "weight of fLength", title=name)
sketch.finish(axes[0], "weight of fLength", "weight of fWidth")
figure

# %% [markdown]
# At the rate $1/L$ the first step lands near the floor of the valley, and the others creep along it. At
# $1.9/L$ they jump from wall to wall. With momentum the jumps along the valley add up and those across it
# cancel.
#
# How many steps until $Q - Q^* < 10^{-6}$, with all nine features? Theory says about $\kappa$ for plain
# descent and about $\sqrt\kappa$ with the right momentum,
# $\sqrt{\mu} = (\sqrt\kappa - 1)/(\sqrt\kappa + 1)$.

# %%
L, _, kappa = condition(bk.Linear())
friction = ((np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)) ** 2
ways = {
    "plain, 1/L": bk.GradientDescent(1 / L, steps=20_000),
    "momentum": bk.GradientDescent(
        (1 + np.sqrt(friction)) ** 2 / L, momentum=friction, steps=2_000
    ),
    "Nesterov": bk.GradientDescent(1 / L, momentum=np.sqrt(friction), nesterov=True, steps=2_000),
}
histories = {}
for name, solver in ways.items():
    histories[name] = bk.fit(bk.Linear(), X, squared, solver).history.to_dict()
    near = histories[name]["loss"] - optimum < 1e-6
    print(f"{name:11} {histories[name]['step'][near][0]:7,.0f} steps")
print(f"κ = {kappa:.0f}, √κ = {np.sqrt(kappa):.0f}")
plots.loss_against_iteration(histories, optimum)

# %% [markdown]
# The heavy ball, at the largest rate that its theory allows, first rolls far up the other side (look at the left
# panel), and still arrives long before plain descent. Nesterov's look ahead brakes it in time.

# %% [markdown]
# ## Fewer events a step
#
# A full step looks at *all* events to make *one* move. But a part of them gives the gradient too, only with
# noise. **Stochastic gradient descent** (SGD) takes one event a step, **mini-batches** a few. It is one
# algorithm, and in the library one class: the three names differ in how many events a step sees. The honest
# axis for a comparison is not the number of steps but the number of **samples seen**.

# %%
epochs = 20
descents = {
    "gradient descent": bk.GradientDescent(steps=epochs),
    "mini-batches of 32": bk.MiniBatch(batch=32, epochs=epochs),
    "stochastic": bk.StochasticGradientDescent(epochs=epochs),
}
histories = {
    name: bk.fit(bk.Linear(), X, squared, solver, seed=1).history.to_dict()
    for name, solver in descents.items()
}
plots.loss_against_iteration(histories, optimum, against="seen")

# %% [markdown]
# Within a part of the first look at the data, mini-batches are where gradient descent arrives after twenty
# looks at everything. SGD comes down as fast, and then its noise shows. (The faint lines are the *progressive* loss: the mean cost of each event before its own
# step, so each event is a test event once.)
#
# Where do the stochastic ones end? Their gradient does not vanish at the minimum, it only has mean zero
# there, so with a constant rate they dance around it. Three cures: a smaller rate, a rate that **falls** (a
# schedule; `auto` does that), or the **average** of the weights along the way.
#
# (During a run the library looks at $Q$ on a part of the events only, so as not to spend its time on looking;
# the picture above cannot tell distances below $10^{-3}$. `found.loss`, at the end, is $Q$ on all of them.)

# %%
from baksan.solvers.schedules import InverseTime  # rate / (1 + step/tau)

rate = 0.01
cures = {
    "rate 0.01": {"rate": rate},
    "rate 0.001": {"rate": rate / 10},
    "falling": {"rate": InverseTime(rate, tau=len(X))},
    "average": {"rate": rate, "average": True},
}
lengths = (1, 2, 4, 8, 16, 32)
distance = {}
for name, settings in cures.items():
    solvers = [bk.StochasticGradientDescent(epochs=n, **settings) for n in lengths]
    distance[name] = [bk.fit(bk.Linear(), X, squared, s, seed=1).loss - optimum for s in solvers]
    print(f"{name:10} Q − Q* after {lengths[-1]} epochs: {distance[name][-1]:.1e}")
sketch.lines(lengths, distance, "epochs", "Q − Q*", log="xy", columns=4)

# %% [markdown]
# A rate ten times smaller dances in a circle that is on the mean ten times smaller (in Q; each point here is
# one moment of the dance, so mind the scatter), and needs ten times as long to get there. A falling rate goes
# on getting nearer. Averaging keeps the big steps and finds the middle of the circle. Is any of this worth the trouble? The
# statistical error of the weights moves Q by about $(d+1)\,\sigma^2/n$:

# %%
print(f"(d + 1) σ²/n = {(X.x.shape[1] + 1) * optimum / len(X):.1e}")

# %% [markdown]
# Descending far below that is polishing the noise of the sample.
#
# ## When to stop
#
# A budget (`steps`, `epochs`, `seconds`), or a condition: the weights no longer move (`tolerance`), the
# gradient is small (`gradient_tolerance`), or the loss on other events no longer falls (`patience`, with
# validation samples). The fit says which it was.

# %%
momentum = {"rate": 1 / L, "momentum": 0.9, "nesterov": True}
stops = {
    "budget of steps": bk.GradientDescent(steps=50, **momentum),
    "weights": bk.GradientDescent(steps=100_000, tolerance=1e-6, **momentum),
    "gradient": bk.GradientDescent(steps=100_000, gradient_tolerance=1e-6, **momentum),
    "validation": bk.StochasticGradientDescent(rate, epochs=1000, patience=5),
}
for name, solver in stops.items():
    found = bk.fit(bk.Linear(), X, squared, solver, validation=test)
    print(
        f"{name:16} converged: {found.converged!s:6} Q − Q* = {found.loss - optimum:.1e}\n   {found.message}"
    )

# %% [markdown]
# ## Going on
#
# Everything that the next step depends on is in the **State**: weights, velocity, average, the number of the
# step, the place in the epoch, the seed. `to_arrays` takes it apart and `from_arrays` puts it together. So a run can be stopped, stored, and gone on with, and it is *the
# same run*, bit for bit. (One exception: plain steps on single events are computed by fours, see lesson 6. A fit cuts them at the rows
# of its history, where `train` stores them too; a budget of steps that ends elsewhere inside a four changes the last digit.)

# %%
import io

from baksan.solvers.base import State

half, whole = (bk.StochasticGradientDescent(rate, steps=n, momentum=0.5) for n in (700, 1400))
first = bk.fit(bk.Linear(), X, squared, half, seed=3)

file = io.BytesIO()  # or the name of a file
np.savez(file, **first.state.to_arrays())
file.seek(0)
stored = State.from_arrays(dict(np.load(file)))

second = bk.fit(bk.Linear(), X, squared, whole, state=stored)
undisturbed = bk.fit(bk.Linear(), X, squared, whole, seed=3)
print("gone on:    ", second.model.matrix[0, :4])
print("undisturbed:", undisturbed.model.matrix[0, :4])
assert np.array_equal(second.model.parameters, undisturbed.model.parameters)

# %% [markdown]
# ## Online: one event at a time
#
# A detector does not hand over a table, it sends events. `solver.online(model, loss)` gives a learner whose
# `learn(x, y)` takes one step on one event. It never sees them all: so it needs to be told the
# standardisation and the rate. Fed in the order in which an epoch of SGD visits the events, it takes the very
# same steps.

# %%
from baksan.order import epoch_order  # the order in which an epoch visits the events

day = X.take(np.arange(1000))
start = before_the_first_step(day)
solver = bk.StochasticGradientDescent(rate, epochs=1)
learner = solver.online(start, squared)
for i in epoch_order(len(day), seed=0, epoch=0):
    learner.learn(day.x[i], day.y[i])
together = bk.fit(start, day, squared, solver, seed=0)
print("online:", learner.model.matrix[0, :4])
print("SGD:   ", together.model.matrix[0, :4])
assert np.allclose(learner.model.parameters, together.model.parameters, rtol=1e-12)

# %% [markdown]
# ## Three ways to take the same step
#
# *generic* is a few lines of NumPy that work for any model and any loss, also yours; *python* is a plain loop
# over events and features, the one to step through in a debugger; *compiled* is that same loop as machine code
# (Numba). They must agree to rounding, and they do. What do they cost? (The first fit of each way compiles or
# loads what it needs; the second, longer one is timed.)

# %%
import time

part = X.take(np.arange(300 if SMALL else 3000))
answers = {}
for way, epochs in (("generic", 5), ("python", 2), ("compiled", 5 if SMALL else 500)):
    solver = bk.MiniBatch(rate, batch=8, epochs=2, way=way)
    answers[way] = bk.fit(bk.Linear(), part, squared, solver).model.parameters
    longer = bk.MiniBatch(rate, batch=8, epochs=epochs, way=way)
    clock = time.perf_counter()
    bk.fit(bk.Linear(), part, squared, longer)
    spent = time.perf_counter() - clock
    print(f"{way:9} {1e6 * spent / (epochs * len(part)):8.3f} µs an event")
for way in ("python", "compiled"):
    assert np.allclose(answers[way], answers["generic"], rtol=1e-10)
print("all three agree")

# %% [markdown]
# The times are those of your machine at this moment; run the cell twice and look how they scatter. The first
# call of the compiled way takes seconds on a new machine; its result is kept on disk.
#
# ## Questions
#
# 1. With one standardised feature, which rate arrives in a single step? Why is there none with several
#    features?
# 2. Double all answers $y$ (use other units). What happens to Q, to the gradient, to $L$, and to the limit of
#    the rate?
# 3. Why is the curve of SGD so steep at first, although each of its steps is a bad guess of the gradient?
# 4. Which of the four stops would you trust on events that are *not* from the same simulation?
# 5. The online learner never shuffles. What goes wrong if the night begins with 10,000 hadrons and ends with
#    10,000 gammas?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 03.1`.)

# %% [markdown]
# ### Exercise 03.1. One step down
#
# `x` holds n events with d features, one a row, `y` their answers, `w` the d + 1 weights,
# intercept first. Return new weights: those after one step of gradient descent on the mean
# square of the errors of all events, with this `rate`. Do not change `w`.


# %%
def one_step(w, x, y, rate):
    raise NotImplementedError


bk.check("03.1", one_step)

# %% [markdown]
# ### Exercise 03.2. The largest rate
#
# `x` holds n events with d features, one a row, just as they are: nothing is standardised,
# and there is an intercept besides. Return the rate above which gradient descent on the mean
# square of the errors runs away, for any answers.


# %%
def largest_rate(x):
    raise NotImplementedError


bk.check("03.2", largest_rate)

# %% [markdown]
# ### Exercise 03.3. Momentum
#
# `slope(w)` gives the slope ∂Q/∂w at the weights `w`, an array. Begin at `w` without any
# speed, make `steps` steps of gradient descent with Polyak's momentum (the heavy ball of the
# lesson), and return the last weights. Do not change the `w` that you were given.


# %%
def descend(slope, w, rate, momentum, steps):
    raise NotImplementedError


bk.check("03.3", descend)

# %% [markdown]
# ### Exercise 03.4. One epoch
#
# `slope(w, i)` gives the slope of the cost of event i alone, i = 0 … n − 1, at the weights
# `w`. Begin at `w`, go once through all events in a random order drawn by `seed`, make a step
# of stochastic gradient descent on each, and return the last weights. Do not change the `w`
# that you were given.


# %%
def one_epoch(w, slope, n, rate, seed):
    raise NotImplementedError


bk.check("03.4", one_epoch)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **By hand, all features.** Extend the three lines to nine features with a matrix `Z` (one `@` for the
#    prediction, one for the gradient). Compare with `GradientDescent` after 50 steps, then add momentum: one
#    more line.
#    You should find $Q - Q^* = 5.4 \cdot 10^{-4}$ after 50 steps with the rate 1/L, and with momentum 0.7
#    $2.0 \cdot 10^{-4}$. Momentum 0.9 still swings after 50 steps and is far ahead after 100.
# 2. **The curvature of others.** Fit with `huber(0.1)` and rate auto. Then find by trying, to two digits, the rate
#    at which Q begins to grow, and compare it with `solver.bound(problem)`. Why may the true limit be higher?
#    You should find about twice the rate that `bound` promises.
# 3. **The best batch.** For `MiniBatch` with batches of 1, 4, 16, 64, 256, 1024 and rate auto find the number of
#    epochs after which `found.loss` $- Q^*$ is below $3 \cdot 10^{-4}$. Which batch needs the fewest samples, the
#    fewest steps, the fewest seconds?
#    You should find about 30 epochs for 1 and 4, 15 for 16, 10 for 64 and 256, and more than 100 for 1024: so
#    the fewest steps at 256, and the fewest seconds at 64.
# 4. **The size of the dance.** Measure $Q - Q^*$ of SGD with constant rate after 20 epochs (`found.loss`, the
#    mean over ten seeds) for rates from 0.0003 to 0.01. Which power of the rate is it?
#    You should find the first power, with about half the rate as the size.
# 5. **Ill on purpose.** Add `fConc` a second time, with a little noise of relative size ε. How do κ, the number of
#    steps, and the errors of the two weights depend on ε? What does an L2 penalty do to each of them?
#    You should find, for ε = 1, 0.1, 0.01: κ about 260, 1,100, 100,000; the error of the weight of `fConc` 0.05,
#    0.11, 0.92. The steps to $Q - Q^* < 10^{-6}$ do *not* follow κ to the end. With `L2(0.001)` κ stays below
#    10,000 and the error near 0.09.
