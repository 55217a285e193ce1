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
# # 6b. A detector that ages
#
# Every lesson so far drew its events from one box: tomorrow's are like yesterday's. Detectors are not so kind.
# Photomultipliers age, mirrors gather dust, water turns cloudy, the gain follows the temperature, and one day
# somebody replaces a tube. A model that was trained once is then wrong a little more each day. This lesson
# follows such a detector, event by event.
#
# **What you will learn**
#
# * what a drift does to a model that was trained once;
# * online learning: a constant rate is a **memory**, and how long it is;
# * how to choose the rate: noise against lag, a curve with a minimum, and the formula for it;
# * why a falling rate, the right thing for a fixed truth, is the wrong thing here; what averages do;
# * weights: events that count more;
# * how to notice that something has happened: the progressive loss, and a rule by hand (CUSUM);
# * how to store the state in the evening and go on in the morning.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os
import tempfile
from pathlib import Path

import numpy as np

import baksan as bk
from baksan import sketch
from baksan.losses import squared

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly

# %% [markdown]
# ## The samples: a station and its calibration
#
# A scintillator station records muons whose deposited energy $x$ is known from the geometry of the track, 2 to
# 12 MeV, and measures a charge $y$:
#
# $$y = g(t)\, x + \varepsilon, \qquad \varepsilon \sim N(0, \sigma^2),\quad \sigma = 0.8\ \mathrm{pC} .$$
#
# The response $g$, in pC/MeV, begins at 1, falls by 20 % in 1000 days, and follows the seasons by 3 %. **A
# toy**: real tubes age more slowly or faster, and real weather has no sine.

# %%
DAYS, A_DAY, NOISE = (200 if SMALL else 1000), 60, 0.8
day = np.arange(DAYS)


def response(day):
    """g in pC/MeV."""
    return 1.0 - 0.2 * day / 1000 + 0.03 * np.sin(2 * np.pi * day / 365)


def muons(g, seed=1, noise=NOISE):
    """Deposits x and charges y, (days, muons a day), of a station with these responses g (days,)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(2, 12, (len(g), A_DAY))
    return x, g[:, None] * x + noise * rng.normal(size=x.shape)


x, y = muons(response(day))
print(f"{x.size:,} muons in {DAYS} days")

# %% [markdown]
# ## Trained once
#
# The first month gives a calibration, by exact least squares. It is excellent. What does it cost later?


# %%
def samples(x, y):
    features = (bk.Feature("deposit", "MeV"),)
    return bk.Samples(
        x.reshape(-1, 1), y.ravel(), features=features, answer=bk.Feature("charge", "pC")
    )


month = samples(x[:30], y[:30])
once = bk.fit(bk.Linear(), month, squared, bk.Analytic())
says = once.model(x.reshape(-1, 1)).reshape(x.shape)
print(f"the first month: g = {once.model.weights[0]:.4f} ± {once.errors()[1]:.4f} pC/MeV")


# %%
def smooth(daily, days=20):
    """The mean of so many days around each."""
    return np.convolve(daily, np.ones(days) / days, mode="valid")


def middle(days=20):
    return smooth(day, days)


stale = ((says - y) ** 2).mean(axis=1)
sketch.lines(
    middle(), {"trained in the first month": smooth(stale), "noise of a muon, σ²": NOISE**2},
    "day", "mean squared error [pC²]",
)  # fmt: skip

# %% [markdown]
# A model gone **stale**. Nothing in the model says so: its errors were computed for the box of the first month.
#
# ## Learning all the time
#
# `solver.online(model, loss)` is the learner of lesson 3: `learn(x, y)` takes one step of stochastic descent on
# one event, and forgets the event. It starts from the model of the first month, whose standardisation it keeps:
#
# $$w \leftarrow w - \text{rate} \cdot 2\,(\langle w, z\rangle - y)\, z, \qquad z = (1, (x - \bar x)/s) .$$
#
# We let it learn a day at a time, and write down in the evening what it thinks of the response. Its state
# counts the loss of each event *before* the step on it: each event is a test event once, then a training event.
# The mean of that is the **progressive loss**, an honest measure that needs no test sample.


# %%
def follow(learner, x, y, weight=None):
    """g in the evening and the progressive loss of each day."""
    g, loss = np.empty(len(x)), np.empty(len(x))
    weight = np.ones_like(x) if weight is None else weight
    for i in range(len(x)):
        before = learner.state
        for event in zip(x[i, :, None], y[i], weight[i], strict=True):
            learner.learn(*event)
        after = learner.state
        g[i] = learner.model.weights[0]
        loss[i] = (after.cost - before.cost) / (after.mass - before.mass)
    return g, loss


def at_rate(rate, **settings):
    return bk.StochasticGradientDescent(rate, **settings).online(once.model, squared)


followed = {rate: follow(at_rate(float(rate)), x, y) for rate in ("0.03", "0.001", "0.00003")}

# %%
figure, axes = sketch.panels(3, 2.7, sharex=True, sharey=True)
for ax, (rate, (g, _)), colour in zip(axes, followed.items(), sketch.COLOURS, strict=False):
    ax.plot(day, g, lw=0.8, color=colour, label="followed")
    ax.plot(day, response(day), color=sketch.INK, lw=1, ls="--", label="the truth")
    sketch.finish(ax, "day", title=f"rate {rate}")
sketch.finish(axes[0], "day", "response g [pC/MeV]", title="rate 0.03")
figure

# %%
sketch.lines(
    middle(),
    {f"rate {rate}": smooth(loss) for rate, (_, loss) in followed.items()}
    | {"trained once": smooth(stale), "σ²": NOISE**2},
    "day", "progressive loss [pC²]", columns=5,
)  # fmt: skip

# %% [markdown]
# A large rate follows everything, also the noise. A small one is calm, and late. In between there is a good
# one. Why, and which?
#
# ## A rate is a memory
#
# Write $u = w - w^*(t)$ for the distance to the true weights *now*. Take the mean of the step; with the mean of
# $z z^T$ equal to 1 and the curvature $L = 2$ of the squared loss,
#
# $$\langle u_{t+1} \rangle = (1 - \text{rate} \cdot L)\, \langle u_t \rangle - v, \qquad v = w^*_{t+1} - w^*_t .$$
#
# What was is forgotten by the factor $1 - \text{rate} \cdot L$ at each event: after
#
# $$\tau = \frac{1}{\text{rate} \cdot L} = \frac{1}{\text{rate} \cdot \text{curvature}} \quad \text{events}$$
#
# only $1/e$ is left. **A constant rate is an exponential memory of τ events.** Let us see it: a station that
# jumps.

# %%
jump_x, jump_y = muons(np.where(np.arange(100) < 20, 1.0, 0.9), seed=5, noise=0.1)
curves = {}
for rate in (0.003, 0.001, 0.0003):
    curves[f"rate {rate:g}: τ = {1 / (2 * rate) / A_DAY:.1f} days"], _ = follow(
        at_rate(rate), jump_x, jump_y
    )
figure = sketch.lines(np.arange(100), curves, "day", "response g [pC/MeV]")
figure.axes[0].axhline(0.9 + 0.1 / np.e, color=sketch.MUTED, lw=0.8, ls=":")
figure

# %% [markdown]
# After τ days the curve has come down to the dotted line, $1/e$ of the way from the end. (It begins at 1, the
# model of the first month, less a little.)
#
# ## Noise against lag
#
# Now the square of $u$. Each step adds noise: it moves the weights by $\text{rate} \cdot 2 \varepsilon z$, of
# which the square is $4\,\text{rate}^2 \sigma^2$ for each weight, and shrinks what is there by
# $(1 - 2\,\text{rate})^2 \approx 1 - 4\,\text{rate}$. The two balance at
#
# $$\text{variance of a weight} = \text{rate} \cdot \sigma^2 .$$
#
# If the truth does a **random walk**, with steps of variance $q$ at each event (the sum over the weights),
# these are added to the balance, $q / (4\,\text{rate})$. The loss exceeds the noise $\sigma^2$ by the sum over
# the $P$ weights,
#
# $$Q - \sigma^2 = \underbrace{P\,\sigma^2\,\text{rate}}_{\text{noise}} + \underbrace{\frac{q}{4\,\text{rate}}}_{\text{lag}},
# \qquad \text{rate}^* = \frac12 \sqrt{\frac{q}{P \sigma^2}} .$$
#
# If the truth moves **steadily** by $v$ at each event, the mean of $u$ settles where $2\,\text{rate}\,u = -v$:
#
# $$Q - \sigma^2 = P\,\sigma^2\,\text{rate} + \frac{|v|^2}{4\,\text{rate}^2}, \qquad \text{rate}^* = \Bigl(\frac{|v|^2}{2 P \sigma^2}\Bigr)^{1/3} .$$
#
# Both say: large noise, small rate; quick drift, large rate. And both can be tested, with a station that walks
# and with ours. The whole run with each rate is one call of `fit`, one epoch in the order of the events
# (`shuffle=False`): the same steps as those of the learner, without a call for each.

# %%
P, s = 2, float(once.model.scale[0])
size = np.array([once.model.centre[0], s])  # g x = g · centre + g · s · z: both weights follow g


def excess(rate, x, y, g):
    """Progressive loss less that of the true response, over all events."""
    start = once.model.moved(g[0] * size)
    solver = bk.StochasticGradientDescent(rate, epochs=1, shuffle=False)
    state = bk.fit(start, samples(x, y), squared, solver).state
    return state.cost / state.mass - np.mean((g[:, None] * x - y) ** 2)


def repeated(g):
    """g of each day for all its muons; a walk goes on within the day."""
    return np.repeat(g, A_DAY)


step = 0.00025  # of the walk, at each muon
walk = 1.0 + np.cumsum(np.random.default_rng(7).normal(0, step, x.size))
walk_x = np.random.default_rng(8).uniform(2, 12, x.size)[:, None]
walk_y = walk[:, None] * walk_x + NOISE * np.random.default_rng(9).normal(size=walk_x.shape)

rates = np.geomspace(3e-5, 0.1, 8 if SMALL else 22)
q = step**2 * (size @ size)
v2 = np.mean(np.gradient(response(np.arange(x.size) / A_DAY)) ** 2) * (size @ size)
walking = {
    "measured": [excess(rate, walk_x, walk_y, walk) for rate in rates],
    "noise + lag": P * NOISE**2 * rates + q / (4 * rates),
}
ageing = {
    "measured": [excess(rate, x, y, response(day)) for rate in rates],
    "noise + lag": P * NOISE**2 * rates + v2 / (4 * rates**2),
}
best = {
    "a random walk": 0.5 * np.sqrt(q / (P * NOISE**2)),
    "our station": (v2 / (2 * P * NOISE**2)) ** (1 / 3),
}
for name, rate in best.items():
    print(
        f"{name}: the best rate should be {rate:.2g}, a memory of {1 / (2 * rate) / A_DAY:.1f} days"
    )

# %%
figure, axes = sketch.panels(2, 2.9, sharey=True)
for ax, (name, rate), curve in zip(axes, best.items(), (walking, ageing), strict=True):
    ax.plot(rates, curve["noise + lag"], color=sketch.COLOURS[1], lw=1.2, label="noise + lag")
    ax.plot(rates, P * NOISE**2 * rates, color=sketch.MUTED, lw=0.8, ls="--", label="noise alone")
    ax.plot(rates, curve["measured"], "o", ms=4, color=sketch.COLOURS[0], label="measured")
    ax.axvline(rate, color=sketch.INK, lw=0.8, ls=":")
    ax.set_ylim(1e-4, 3)
    sketch.finish(ax, "rate", title=name, log="xy")
sketch.finish(axes[0], "rate", "progressive loss − σ² [pC²]", title="a random walk", log="xy")
figure

# %% [markdown]
# The curve is a U, and the dotted line, from the formula, stands at its bottom. On the right end the events
# turn out noisier than the formula: there it is no longer true that the rate is small. On the left end of the
# right panel the station is *better* than the formula: a memory longer than half a year does not see the
# seasons at all, only the slow fall; a lag cannot be larger than what there is to lag behind.
#
# The bottom is flat: a factor of two in the rate costs little. And it needs no truth: the progressive loss
# itself has its minimum there, and you know that from your own events. ($\text{excess}$ subtracts a constant.)
#
# ## A falling rate does not forget
#
# For a fixed truth the theory wants a rate that falls, like $1/t$ (lesson 3): it makes the weights the mean of
# all that was seen, ever more exact. That is just what is wrong here. The **average** of the iterates
# (`average=True`) weighs the last quarter of the run most: it lags behind by a fifth of all that was.

# %%
from baksan.solvers.schedules import InverseTime

good = best["our station"]
cures = {
    f"constant, {good:.2g}": at_rate(good),
    "falling as 1/t": at_rate(InverseTime(0.02, tau=50)),
    "average of the iterates": at_rate(good, average=True),
}
curves = {name: follow(learner, x, y)[0] for name, learner in cures.items()}
figure = sketch.lines(day, curves, "day", "response g [pC/MeV]")
figure.axes[0].plot(day, response(day), color=sketch.INK, lw=1, ls="--")
figure

# %% [markdown]
# (Dashed: the truth.) Who knows that the truth is fixed should average; who knows that it moves must forget.
#
# ## Weights: some events know more
#
# A laser shoots once for every four muons, with a known pulse of the same kind and a quarter of the noise. How
# much more does such an event count? As in any fit, $1/\sigma_i^2$: sixteen times. In a step, a weight
# multiplies the rate, so the memory is measured in *weight*, not in events; to keep it as long as it was we
# divide by the mean weight.

# %%
rng = np.random.default_rng(11)
laser = rng.random(x.shape) < 0.2
sigma = np.where(laser, NOISE / 4, NOISE)
mixed = response(day)[:, None] * x + sigma * rng.normal(size=x.shape)
inverse = 1 / sigma**2
weights = {
    "all alike": None,
    "1/σ²": inverse / inverse.mean(),
    "muons alone": np.where(laser, 0.0, 1.25),
}
for name, weight in weights.items():
    g, _ = follow(at_rate(good), x, mixed, weight)
    off = g - response(day)
    print(f"{name:11} g is off by {off[100:].std():.4f} pC/MeV (root mean square, after 100 days)")

# %% [markdown]
# With less noise the best rate is larger; the formula says by how much (project 4).
#
# ## Noticing it: a rule by hand
#
# Following is fine for what is slow. But on day 700 (in the short run of the tests earlier) a tube is replaced,
# and the response jumps by 6 %. A learner with a memory of days follows, and says nothing. We want to be
# *told*, soon, and not every other week by mistake.
#
# The residual of a day, $r = \sqrt{m}\,\overline{(y - a(x))}/\sigma$, its mean over $m$ muons in units of its
# own error, is a standard normal number while all is well. A single day beyond 3 happens once a year by chance,
# and a shift by 1.5 hardly ever brings one. So add up, but forget what is small: the **CUSUM** rule (Page,
# Biometrika 41 (1954) 100),
#
# $$S \leftarrow \max(0,\ S + r - k), \qquad \text{alarm when } S > h ,$$
#
# once for upwards and once, with $-r$, for downwards. $k$ is half the shift that one wants to see, $h$ decides
# how often it errs. By hand that is all:


# %%
def alarms(r, k=0.75, h=8.0):
    """The days of the alarms; after one the sums begin again."""
    up = down = 0.0
    found, sums = [], np.empty(len(r))
    for i, today in enumerate(r):
        up, down = max(0.0, up + today - k), max(0.0, down - today - k)
        sums[i] = max(up, down)
        if sums[i] > h:
            found.append(i)
            up = down = 0.0
    return found, sums


quiet = np.random.default_rng(12).normal(size=100_000 if not SMALL else 10_000)
for h in (3.0, 4.0, 5.0, 8.0):
    print(f"h = {h:g}: {len(alarms(quiet, h=h)[0]) / len(quiet) * 365:.2f} false alarms a year")

# %%
JUMP = 140 if SMALL else 700
broken = response(day) * np.where(day < JUMP, 1.0, 1.06)
broken_x, broken_y = muons(broken, seed=13)


def surprise(learner, x, y):
    """The mean residual of each day in units of its error, before the day is learned; and g."""
    r, g = np.empty(len(x)), np.empty(len(x))
    for i in range(len(x)):
        r[i] = np.sqrt(A_DAY) * np.mean(y[i] - learner.model(x[i, :, None])) / NOISE
        for event in zip(x[i, :, None], y[i], strict=True):
            learner.learn(*event)
        g[i] = learner.model.weights[0]
    return r, g


r, g = surprise(at_rate(good), broken_x, broken_y)
days, sums = alarms(r)
print(f"the tube was replaced on day {JUMP}; alarms on the days", days)

# %%
figure, (top, bottom) = sketch.panels(1, 4.2, nrows=2, sharex=True)
top.plot(day, broken, color=sketch.INK, lw=1, ls="--", label="the truth")
top.plot(day, g, color=sketch.COLOURS[0], lw=1, label="followed")
sketch.finish(top, "", "response g [pC/MeV]")
bottom.plot(day, sums, color=sketch.COLOURS[1], lw=1, label="larger of the two sums")
bottom.axhline(8.0, color=sketch.MUTED, lw=0.8, ls=":")
for alarm in days:
    bottom.axvline(alarm, color=sketch.COLOURS[3], lw=0.8)
sketch.finish(bottom, "day", "CUSUM, S")
figure

# %% [markdown]
# What does one do at an alarm? Forget on purpose: for four days take a rate four times as large. The state goes
# from one learner to the other.

# %%
slow = at_rate(good)
follow(slow, broken_x[: days[0] + 1], broken_y[: days[0] + 1])
quick = bk.StochasticGradientDescent(4 * good).online(once.model, squared, state=slow.state)
after = slice(days[0] + 1, days[0] + 5)
follow(quick, broken_x[after], broken_y[after])
slow = bk.StochasticGradientDescent(good).online(once.model, squared, state=quick.state)
rest = slice(days[0] + 5, days[0] + 31)
told, _ = follow(slow, broken_x[rest], broken_y[rest])
for name, values in (("without a word", g[rest]), ("after the alarm", told)):
    off = np.sqrt(np.mean((values - broken[rest]) ** 2))
    print(f"{name:16} g is off by {off:.4f} pC/MeV in the month after the alarm")

# %% [markdown]
# (One run is one draw of the noise. Over many seeds the month after the alarm is off by 0.013 without a word
# and by 0.010 with it.)
#
# ## In the evening, and in the morning
#
# A learner runs for years; the computer does not. Its **state** is a handful of arrays. Stored and loaded it
# goes on as if nothing had been:

# %%
half = DAYS // 2
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "evening.npz"
    evening = at_rate(good)
    follow(evening, x[:half], y[:half])
    np.savez(file, **evening.state.to_arrays())

    with np.load(file) as stored:
        state = bk.solvers.base.State.from_arrays(stored)
    morning = bk.StochasticGradientDescent(good).online(once.model, squared, state=state)
    follow(morning, x[half:], y[half:])

undisturbed = at_rate(good)
follow(undisturbed, x, y)
print("gone on:    ", morning.model.parameters, f"after {morning.state.step:,} events")
print("undisturbed:", undisturbed.model.parameters)
assert np.array_equal(morning.model.parameters, undisturbed.model.parameters)

# %% [markdown]
# The standardisation is in the model, not in the state: store the model too (`bk.save_model`, lesson 5), or the
# weights have no meaning.
#
# ## Questions
#
# 1. With twice as many muons a day, which rate is best for our station, and for how many days does it remember?
# 2. The learner also has an intercept, which is truly zero. What would it gain from a model without one?
# 3. Which of the curves of the progressive loss would you look at to choose the rate, if σ itself might change?
# 4. The season is known: it comes back each year. How could a *feature* tell the model, so that it need not
#    follow?
# 5. Somebody calibrates with the events of the physics analysis itself. What else may the learner follow?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 06b.1`.)

# %% [markdown]
# ### Exercise 06b.1. First the test, then the lesson
#
# `x` holds n events with d features, one a row, in the order in which they came, `y` their
# answers, and `w` the d + 1 weights of a plane, intercept first. Go through the events once,
# in their order: note the squared error of the prediction, *then* make one step of
# stochastic descent on the squared loss with this `rate`. Return two things: the last
# weights, and the array of the n squared errors. Do not change `w`.


# %%
def online(w, x, y, rate):
    raise NotImplementedError


bk.check("06b.1", online)

# %% [markdown]
# ### Exercise 06b.2. The rate, without the truth
#
# `y` are measurements of a level that may move, in their order; nobody knows the level
# itself, nor how noisy the measurements are. A learner begins at the level y[0] and makes,
# after each further measurement, one step of descent on (level − y)² with a constant rate.
# Return that one of the `rates`, an array, with which it follows best. (The progressive
# loss needs no truth.)


# %%
def best_rate(y, rates):
    raise NotImplementedError


bk.check("06b.2", best_rate)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **The noise of a memory.** Follow a station with constant $g = 1$ at rates from 0.001 to 0.03 and take the
#    variance of $g$ over the evenings after the first τ.
#    You should find $\text{rate}\cdot\sigma^2/s^2$, with $s$ = 2.9 MeV, to a tenth or so; at smaller rates too
#    few memories fit into the run to tell.
# 2. **The lag.** Follow $g = 1 - 0.2\,t/1000$ without seasons and noise (`noise=0`).
#    You should find $g$ too high by the fall within τ: $0.2/1000/60/(2\,\text{rate})$, that is 0.0017 for a
#    rate of 0.001.
# 3. **Temperature as a feature.** Give the learner a second feature, $x \sin(2\pi t/365)$, beside $x$ (fit the
#    first *year* to begin with). Which rate is best now, and what is the excess there?
#    You should find 0.0007, and an excess of 0.0023 where there was 0.0021: nothing is gained at the bottom.
#    The third weight has a noise of its own, which eats what the season's lag had cost. At a rate of 0.0003 the
#    excess is half.
# 4. **The rate with the laser.** Find the best rate for the weighted muons and laser shots by the progressive
#    loss (weighted, too). Compare with the formula, σ² replaced by $1/\overline{1/\sigma_i^2}$.
#    You should find one and a half times the rate of the muons alone; the formula says $4^{1/3} = 1.6$.
# 5. **How soon?** Let the jump be 1, 2, 3, 6 and 12 % and count, over twenty seeds, after how many days the
#    alarm comes and how often never.
#    You should find that 12 % is seen on the next day and 6 % mostly within three; that three of twenty jumps
#    by 3 % are seen, and none by 1 or 2 %: these are followed before they are noticed.
# 6. **Page and Hinkley.** Write their rule for upwards: $m_t = \sum_{i \le t} (r_i - \bar r_i - k)$ with the
#    mean $\bar r_i$ of all days so far, alarm when $m_t - \min_{i \le t} m_i > h$. Where does it differ from
#    CUSUM?
#    You should find the same numbers, day by day, if $\bar r_i$ is put to zero and $m_0 = 0$ counts for the
#    minimum: $S_t = m_t - \min_{i \le t} m_i$ is an identity.
