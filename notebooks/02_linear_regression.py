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
# # 2. Linear regression
#
# Someone measures the size of an air shower and wants its energy: a number $y$ from numbers $x$. The
# straight line is the oldest model for that, and still the one to try first. Everything about it can
# be computed exactly, so it is also the place to learn what *any* model asks for: a loss, a minimum,
# errors, residuals, and a test on events that it has not seen.
#
# **What you will learn**
#
# * the model with $x_0 = 1$, the loss $Q$, and its exact minimum by the normal equations;
# * the errors and the covariance of the coefficients, and how to check that an error is right;
# * what residuals tell, what a change of units does, what event weights are for;
# * several features, and what standardised weights are good for;
# * polynomials: how a linear model becomes flexible, and overfits; what L2 and L1 do about it;
# * other losses: `absolute`, `huber` against outliers, `quantile` for bounds.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os
from dataclasses import replace

import numpy as np

import baksan as bk
from baksan import sketch
from baksan.losses import L1, L2, Q, absolute, huber, quantile, squared
from baksan.report import plots

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly

# %% [markdown]
# ## The samples: a toy array
#
# An array on the ground counts the electrons, $N_e$, and the muons, $N_\mu$, of a shower. We need
# showers whose energy is known, so we make them. **This is a toy**, not a simulation: straight lines in
# the logarithms, with fluctuations of the right order, for primaries of mass $A$ = 1, 4, 14 and 56,
#
# $$\lg N_e = 5.00 + 1.20\,y - 0.25 \lg A + \dots, \qquad
#   \lg N_\mu = 3.45 + 0.92\,y + 0.10 \lg A + \dots, \qquad y = \lg\frac{E}{\mathrm{PeV}} ,$$
#
# chosen so that the energy formula of the KASCADE experiment works on it. A heavy primary makes fewer
# electrons and more muons: remember that. A `Feature` is a name with its unit (here none) and meaning.


# %%
def showers(n, seed):
    """A toy: electrons and muons of n vertical showers, 1 to 100 PeV, flat in lg E."""
    rng = np.random.default_rng(seed)
    y, lgA = rng.uniform(0, 2, n), np.log10(rng.choice([1, 4, 14, 56], n))
    deep, own = rng.normal(size=(2, n))  # a shower that goes deep has more of both
    electrons = 5.00 + 1.20 * y - 0.25 * lgA + (0.20 - 0.07 * lgA) * 0.7**y * deep
    muons = 3.45 + 0.92 * y + 0.10 * lgA + (0.09 - 0.03 * lgA) * (0.6 * deep + 0.8 * own)
    features = (bk.Feature("lgNe", "", "lg of electrons"), bk.Feature("lgNmu", "", "lg of muons"))
    answer = bk.Feature("lgE", "", "lg(E/PeV)")
    return bk.Samples(np.column_stack([electrons, muons]), y, features=features, answer=answer), lgA


X, lgA = showers(400 if SMALL else 4000, seed=1)
new, new_lgA = showers(400 if SMALL else 4000, seed=2)
print(f"{len(X):,} showers; (lgNe, lgNmu) → lgE of the first: {X.x[0].round(2)} → {X.y[0]:.2f}")

# %% [markdown]
# ## The model, the loss, and its minimum
#
# The model is a weighted sum. With a feature $x_0 = 1$ that every event has, the intercept is a weight
# like the others:
#
# $$a(x) = w_0 x_0 + w_1 x_1 + \dots + w_d x_d = \langle w, x \rangle, \qquad x_0 = 1 .$$
#
# What do we mean by *good* weights? Those with the smallest mean square of the errors,
#
# $$Q(a, X) = \frac1n \sum_{i=1}^n \bigl(a(x_i) - y_i\bigr)^2
#           = \frac1n\, |Zw - y|^2 , $$
#
# where the matrix $Z$, $n \times (d+1)$, has the event $x_i$ with its leading 1 in row $i$. At the
# minimum the gradient is zero,
#
# $$\frac{\partial Q}{\partial w} = \frac2n Z^T (Zw - y) = 0
#   \quad\Longrightarrow\quad  Z^T Z\, w = Z^T y ,$$
#
# the **normal equations**: $d+1$ linear equations for $d+1$ weights. By hand, for six showers and the
# muons only (`take` chooses events, `select` features):

# %%
six = X.take(np.arange(6)).select(["lgNmu"])
Z = np.column_stack([np.ones(6), six.x])
w = np.linalg.solve(Z.T @ Z, Z.T @ six.y)
print("by hand:   w_0, w_1 =", w)

# %% [markdown]
# Three lines. In the library the same is said in four words (model, samples, loss, solver):

# %%
line = bk.fit(bk.Linear(), six, squared, bk.Analytic())
print("Analytic:  w_0, w_1 =", line.model.intercept, *line.model.weights)
print("Q =", line.loss, "=", np.mean((Z @ w - six.y) ** 2), " |", line.message)
assert np.allclose(w, [line.model.intercept, *line.model.weights])

# %% [markdown]
# (The library takes more care of the digits. To form $Z^T Z$ squares the condition number of the problem;
# lesson 3 shows what a condition number is, and lesson 6 how the library gets round it. Here the two agree
# to the last digits.)
#
# All showers now, and the picture that should follow every fit, the **residuals** $a(x_i) - y_i$: their
# histogram, and their median and central 68 % along the true answer. `predict` wraps the model's numbers
# into a `Prediction`; its `value` is a(x). (The picture counts energies from 1 eV, so 15 is added to both.)


# %%
def exact(X, penalty=None):
    """The line of least squares; the four words once and for all."""
    return bk.fit(bk.Linear(), X, squared, bk.Analytic(), penalty=penalty)


muons = X.select(["lgNmu"])
line = exact(muons)
says = line.predict(new.select(["lgNmu"]).x).value  # on new showers
print(f"lgE = {line.model.intercept:.3f} + {line.model.weights[0]:.4f} lgNmu")
plots.residuals(says + 15, new.y + 15, name="lg(E/eV)", title="energy from muons")

# %% [markdown]
# Three things to see. The spread is about 0.1 in lg E, which is a factor $10^{0.1} = 1.26$: an energy
# resolution of a quarter. The histogram is lopsided: it is the sum of four kinds of primaries. And the
# residuals lean: energies at the lower end come out too high, at the
# upper end too low. That is no mistake of the solver. The squared loss asks for the **mean of $y$ among
# events with this $x$**, and near the edge of the energies in the training sample most events with a
# fluctuated $x$ come from the inside. A regression knows the spectrum it was trained on.
#
# ## Errors of the coefficients
#
# Another sample would have given other weights. If the $y_i$ scatter about the line independently and
# with the same $\sigma$, then
#
# $$\mathrm{cov}(w) = \sigma^2 (Z^T Z)^{-1}, \qquad
#   \sigma^2 \approx s^2 = \frac{1}{n-d-1} \sum_i \bigl(a(x_i) - y_i\bigr)^2 .$$
#
# `Fit.covariance()` is this matrix, `Fit.errors()` the roots of its diagonal. An error bar is a claim, and
# a claim can be tested: **repeat the experiment many times** and count how often the truth lies within
# one error. Each experiment here measures 8 points of a known line.

# %%
from scipy import stats

experiments = 200 if SMALL else 5000
rng = np.random.default_rng(4)
x = np.linspace(17.5, 19.5, 8)  # lg(E/eV), say
truth = np.array([-350.0, 60.0])  # depth of the maximum in g/cm2: intercept, and slope a decade
found, errors = np.empty((2, experiments, 2))
for k in range(experiments):
    points = bk.Samples(x[:, None], truth[0] + truth[1] * x + rng.normal(0, 15, 8))
    result = exact(points)
    found[k] = result.model.intercept, result.model.weights[0]
    errors[k] = result.errors()
pull = (found - truth) / errors
share = np.mean(np.abs(pull) < 1, axis=0)
counting = np.sqrt(share * (1 - share) / experiments)
for name, s, e in zip(("intercept", "slope"), share, counting, strict=True):
    print(f"{name:9} within one error of the truth in a share {s:.3f} ± {e:.3f} of the experiments")
print(f"expected for 8 − 2 degrees of freedom: {stats.t(6).cdf(1) - stats.t(6).cdf(-1):.4f},"
      f" and for very many: {stats.norm.cdf(1) - stats.norm.cdf(-1):.4f}")  # fmt: skip

# %%
figure, (left, right) = sketch.panels(2)
t = np.linspace(-5, 5, 201)
left.hist(pull[:, 1], np.linspace(-5, 5, 41), density=True, color=sketch.COLOURS[0], alpha=0.3)
left.plot(t, stats.t(6).pdf(t), color=sketch.COLOURS[0], label="Student's t, 6 degrees of freedom")
left.plot(t, stats.norm.pdf(t), color=sketch.MUTED, lw=1, ls="--", label="normal")
left.set_ylim(0, 0.62)
sketch.finish(left, "(slope − truth) / its error", "density")
right.plot(found[:, 0], found[:, 1], ".", ms=1.5, color=sketch.COLOURS[0])
right.plot(*truth, "*", ms=10, color=sketch.INK)
sketch.finish(right, "intercept [g/cm²]", "slope [g/cm² a decade]")
figure

# %% [markdown]
# The claim holds, within the error of the counting: 64 %, not 68 %, because $s$ itself was estimated from 6 degrees of freedom, which is
# what Student's distribution is for. On the right: intercept and slope are almost perfectly
# **anticorrelated**. The intercept is the depth at $\lg E = 0$, at 1 eV, eighteen decades away from the
# data; a slope a little steeper throws it far down. An error of it alone means nothing. Ask instead for
# the value in the middle of the data. (Samples never change: `replace` makes new ones that differ in the
# part named, here x.)

# %%
points = bk.Samples(x[:, None], truth[0] + truth[1] * x + rng.normal(0, 15, 8))
centred = replace(points, x=points.x - 18.5)
for name, data in (("lg E", points), ("lg E − 18.5", centred)):
    result = exact(data)
    C, (e0, e1) = result.covariance(), result.errors()
    print(f"x = {name:12} intercept {result.model.intercept:8.1f} ± {e0:5.1f},  slope"
          f" {result.model.weights[0]:5.1f} ± {e1:.1f},  correlation {C[0, 1] / (e0 * e1):+.4f}")  # fmt: skip

# %% [markdown]
# The same line, the same slope, the same errors on each prediction; only the question was better. This
# is the first reason why the library's `Linear` **standardises** its features inside,
# $z_j = (x_j - \bar x_j)/s_j$ (lesson 3 has the second), and still tells weights in your units.
#
# ## Units
#
# A weight has the unit of $y$ divided by that of $x_j$. Take natural instead of decimal logarithms as
# features: the weights change, nothing else does. `model.weights` are those in your units;
# `model.matrix` holds what the model computes with, one row of intercept and weights of the
# *standardised* features.

# %%
natural = replace(X, x=X.x * np.log(10), features=("lnNe", "lnNmu"))
for data in (X, natural):
    model = exact(data).model
    print(data.names, "weights", model.weights.round(4), " standardised", model.matrix[0, 1:].round(4),
          " first prediction", model(data.x[:1]).round(6)[0])  # fmt: skip

# %% [markdown]
# The standardised weights are "change of the prediction when this feature moves by one standard
# deviation". They may be compared with each other; raw weights may not.
#
# ## Several features
#
# Now electrons and muons together. In the toy one can solve the two lines for $y$ and get rid of $A$:
# $y = 0.286\,(\lg N_e - 5.00) + 0.714\,(\lg N_\mu - 3.45)$ without fluctuations. KASCADE published weights
# of 0.3015 and 0.6762 (with $E$ in GeV; R. Glasstetter's formula).

# %%
subsets = {"electrons": ["lgNe"], "muons": ["lgNmu"], "both": ["lgNe", "lgNmu"]}
fits = {name: exact(X.select(names)) for name, names in subsets.items()}
predictions = {name: fits[name].predict(new.select(names).x) for name, names in subsets.items()}
both = fits["both"]
weights = [both.model.intercept, *both.model.weights]
for name, value, error in zip(("intercept", *X.names), weights, both.errors(), strict=True):
    print(f"{name:10} {value:7.4f} ± {error:.4f}")
print(bk.evaluate(predictions, new, replicas=100).text())

# %% [markdown]
# In the table the *bias* is the median of predicted − true, the *resolution* half the width of their central
# 68 %; *RMSE* is the root of the mean square, *MAE* the mean size; *R²* is the share of the variance of lg E
# that the model explains. The star marks the best. Both together are far better than either.
#
# Nobody told the model about masses. Yet look at the mean error for each primary:

# %%
masses = np.unique(new_lgA)
mean, error = {}, {}
for name, said in predictions.items():
    miss = [(said.value - new.y)[new_lgA == m] for m in masses]
    mean[name] = [one.mean() for one in miss]
    error[name] = [one.std() / np.sqrt(len(one)) for one in miss]
figure = sketch.lines(masses, mean, "primary", "mean of predicted − true lg E", errors=error)
figure.axes[0].axhline(0, color=sketch.INK, lw=0.7)
figure.axes[0].set_xticks(masses, ["p", "He", "N", "Fe"])
figure

# %% [markdown]
# Electrons alone call an iron shower small, muons alone call it large; the combination that makes the
# squared error small is also the one in which the mass nearly cancels. The weights are near the solution
# by algebra but not equal: with fluctuations in the *features*, the best prediction trusts each of them a
# little less.
#
# ## Event weights
#
# Our showers are flat in lg E, nature's are not: $dN/dE \propto E^{-2.7}$. To train for nature's spectrum,
# let event $i$ count with a weight $\omega_i \propto E^{-1.7}$ (flat in lg E is $E^{-1}$ already):
#
# $$Q = \sum_i \omega_i \bigl(a(x_i) - y_i\bigr)^2 \Big/ \sum_i \omega_i .$$

# %%
steep = replace(X, weight=10.0 ** (-1.7 * X.y))
nature = exact(steep)
print(f"effective number of events: {steep.effective_events:.0f} of {len(steep)}")
print("flat  spectrum:", both.model.weights.round(4), "± ", both.errors()[1:].round(4))
print("steep spectrum:", nature.model.weights.round(4), "± ", nature.errors()[1:].round(4))

# %% [markdown]
# The errors grow as if there were fewer events, and there are, effectively $(\sum\omega)^2/\sum\omega^2$.
# (With weights the library's errors are those of the *sandwich* formula, which does not assume that all
# $y_i$ scatter alike; see `baksan.solvers.analytic.covariance`.)
#
# The other use of weights is for **measured points with known errors**: $\omega_i = 1/\sigma_i^2$, and $nQ$
# becomes $\chi^2$ up to a factor. If the folder of real data is there (`BAKSAN_DATA`), here is one of the
# most discussed lines of our field: the mean depth of shower maximum against energy, from a published
# table of the Pierre Auger Observatory (2017).

# %%
from pathlib import Path

path = Path(os.environ.get("BAKSAN_DATA", ".")) / "auger-spectrum-xmax" / "xmaxMoments17.txt"
auger = bk.read(path) if path.exists() else None
if auger is None:
    print("No folder of real data; the next two cells have nothing to do.")
else:
    lgE, depth, sigma = (auger[c] for c in ("meanLgEnergy", "meanXmax", "meanXmaxSigmaStat"))
    bent = np.column_stack([lgE - 18.5, np.maximum(lgE - 18.3, 0)])
    table = bk.Samples(bent, depth, 1 / sigma**2, features=("lgE", "bend"), answer="Xmax")
    first = int(sigma.argmin())
    print("errors of the points around lg E = 18.05:", sigma[first - 2 : first + 3], "g/cm²")

# %% [markdown]
# Two models: one line, and a line with a bend, whose second feature is zero below $10^{18.3}$ eV. The bars
# of the points are smaller than the dots, so below each picture stand the residuals divided by the error of
# the point: where the model is right, two thirds of them lie within ±1.

# %%
figure = None
models = {"one line": ["lgE"], "a line with a bend at 18.3": ["lgE", "bend"]}
if auger is not None:
    figure, axes = sketch.panels(2, 3.6, nrows=2, sharex=True, sharey="row", height_ratios=(2, 1))
    for ax, below, (title, names) in zip(axes[:2], axes[2:], models.items(), strict=True):
        data = table.select(names)
        result = exact(data)
        says = result.model(data.x)
        chi2 = np.sum(((says - depth) / sigma) ** 2)
        print(f"{title}: χ² = {chi2:.0f} for {len(data) - len(names) - 1} degrees of freedom")
        known = result.errors(inverse_variances=True)[1:]  # errors if the σ_i are right
        for row in zip(names, result.model.weights, known, result.errors()[1:], strict=True):
            print("  {:5}{:6.1f} ± {:.1f} from the σ_i, ± {:.1f} by the sandwich".format(*row))
        ax.errorbar(lgE, depth, sigma, fmt="o", ms=3, color=sketch.INK, elinewidth=0.8)
        ax.plot(lgE, says, color=sketch.COLOURS[1])
        sketch.finish(ax, title=title)
        below.axhspan(-1, 1, color=sketch.MUTED, alpha=0.15, lw=0)
        below.plot(lgE, (depth - says) / sigma, "o", ms=3, color=sketch.INK)
        below.plot(lgE[first], (depth - says)[first] / sigma[first], "o", color=sketch.COLOURS[1])
        sketch.finish(below, "lg(E/eV)")
    sketch.finish(axes[0], y="mean Xmax [g/cm²]")
    sketch.finish(axes[2], "lg(E/eV)", "(point − model) / σ")
figure

# %% [markdown]
# A $\chi^2$ far above the number of degrees of freedom says: this model is wrong, and so are the errors
# computed as if it were right. The second model is still linear *in the weights*. Its bend says that the
# mean mass grows above $10^{18.3}$ eV. But look at the coloured point: its error in the table is several
# times smaller than those of its neighbours, so it counts as much as tens of them. A
# weight is a statement that one must be ready to defend (project 3).
#
# ## Polynomials: flexible, and soon too flexible
#
# Features need not be measured; they can be made. With $x, x^2, \dots, x^m$ the linear model is a
# polynomial. A toy again: the number of particles along a shower (a Gaisser–Hillas curve), measured at 20
# depths with noise.


# %%
def profile(n, seed):
    """A toy: shower size at n depths between 200 and 1200 g/cm2, maximum 1 at 700, noise 0.05."""
    rng = np.random.default_rng(seed)
    depth = np.sort(rng.uniform(200, 1200, n))
    u = (depth - 700) / 70
    return depth, (1 + 70 / 700 * u) ** 10 * np.exp(-u) + rng.normal(0, 0.05, n)


def powers(depth, size, degree):
    """Samples with the features t, t², …; t runs from −1 to 1, so that no power grows huge."""
    t = (depth - 700) / 500
    return bk.Samples(t[:, None] ** np.arange(1, degree + 1), size)


train, test = profile(20, seed=5), profile(1000, seed=6)
degrees = range(1, 16)
trained = [exact(powers(*train, m)) for m in degrees]
Q_train = [result.loss for result in trained]
Q_test = [Q(trained[m - 1].model, powers(*test, m), squared) for m in degrees]


figure, (left, right) = sketch.panels(2, 2.9)
fine = np.linspace(200, 1200, 301)
left.plot(*train, "o", ms=3.5, color=sketch.INK)
for m, colour in ((2, sketch.COLOURS[2]), (6, sketch.COLOURS[0]), (15, sketch.COLOURS[1])):
    curve = trained[m - 1].model(powers(fine, fine, m).x)
    left.plot(fine, curve, color=colour, label=f"degree {m}")
left.set_ylim(-0.4, 1.6)
sketch.finish(left, "depth [g/cm²]", "shower size / maximum")
right.plot(
    degrees, Q_train, "o-", ms=3.5, color=sketch.COLOURS[0], label="Q on the 20 training points"
)
right.plot(degrees, Q_test, "s-", ms=3.5, color=sketch.COLOURS[1], label="Q on 1,000 new points")
right.axhline(0.05**2, color=sketch.INK, lw=0.8, ls=":", label="the noise, 0.05²")
right.set_ylim(1e-4, 1e3)
sketch.finish(right, "degree of the polynomial", "Q", log="y")
figure

# %% [markdown]
# The training loss falls and falls: each power is one more way to bend the curve to the points, noise
# included. It falls even **below the noise**, which no honest description can. The loss on new points
# falls, has its minimum, and then explodes: **overfitting**. Choose a model by the second curve, and
# never by the first.
#
# ## Penalties: L2 and L1
#
# Overfitted polynomials have enormous weights of alternating sign that cancel. So let large weights cost
# something:
#
# $$\text{L2:}\quad Q + \frac\lambda2 \sum_{j\ge1} w_j^2, \qquad\qquad
#   \text{L1:}\quad Q + \lambda \sum_{j\ge1} |w_j| ,$$
#
# on the standardised weights, the intercept free. L2 (ridge) still has an exact solution.

# %%
strengths = np.geomspace(1e-10, 10, 23)
points, unseen = powers(*train, 15), powers(*test, 15)
ridge = [exact(points, penalty=L2(s)) for s in strengths]
Q_ridge = [Q(result.model, unseen, squared) for result in ridge]
best = int(np.argmin(Q_ridge))
largest = [np.abs(result.model.matrix[0, 1:]).max() for result in (trained[14], ridge[best])]
print(f"degree 15, no penalty: Q on new points {Q_test[14]:.4f}, largest weight {largest[0]:.3g}")
print(f"degree 15, λ = {strengths[best]:.0e}:  Q on new points {Q_ridge[best]:.4f}, largest weight"
      f" {largest[1]:.3g}")  # fmt: skip
m = int(np.argmin(Q_test))
print(f"degree {degrees[m]}, no penalty:  Q on new points {Q_test[m]:.4f}, the best degree")
curves = {"training points": [result.loss for result in ridge], "new points": Q_ridge}
sketch.lines(strengths, curves, "strength λ of the L2 penalty, degree 15", "Q", log="xy")

# %% [markdown]
# Too little penalty overfits, too much forbids even what is true. L1 does something else: it makes
# weights **exactly zero**. Here are 80 showers with their two good features and 18 that know nothing. L1
# has no closed form (|w| has a corner), so the solver goes down in small steps: lesson 3.

# %%
rng = np.random.default_rng(7)
few, _ = showers(80, seed=8)
useless = [f"noise {k}" for k in range(1, 19)]
x = np.column_stack([few.x, rng.normal(size=(80, 18))])
many = bk.Samples(x, few.y, features=(*few.names, *useless))
lassos = np.geomspace(1e-3, 1.0, 8 if SMALL else 25)
paths = np.array([
    bk.fit(bk.Linear(), many, squared, bk.GradientDescent(steps=500), penalty=L1(s)).model.matrix[0, 1:]
    for s in lassos
])  # fmt: skip

figure, (ax,) = sketch.panels()
ax.plot(lassos, paths[:, 2:], color=sketch.MUTED, lw=0.6)
ax.lines[0].set_label("the 18 useless features")
for j in range(2):
    ax.plot(lassos, paths[:, j], color=sketch.COLOURS[j], label=few.names[j])
sketch.finish(ax, "strength λ of the L1 penalty", "standardised weight", log="x", columns=3)
zeros = (paths[:, 2:] == 0).sum(axis=1)
print("λ:            ", *(f"{s:7.3f}" for s in lassos[::4]))
print("useless at 0: ", *(f"{z:7d}" for z in zeros[::4]))
figure

# %% [markdown]
# With growing λ the useless weights go out one after the other while the good ones stay, and shrink: a
# penalty has its price, it biases what it keeps.
#
# ## Other losses: outliers, and bounds
#
# A square punishes large errors terribly. Suppose that for a quarter of the small showers somebody read the
# wrong channel, and the energies in the training table are a hundred times too large. Against the squared loss stand `absolute`, $|a - y|$, whose
# best constant is the median, and `huber(δ)`, square near and absolute far. Neither has a closed form, so
# they are walked down in small steps, too; `average=True` takes the mean of the steps (lesson 3).

# %%
rng = np.random.default_rng(9)
sick = muons.take(np.arange(200))
broken = (rng.random(200) < 0.25) & (sick.x[:, 0] < 4.2)
sick = replace(sick, y=sick.y + 2 * broken)
steps = bk.GradientDescent(steps=500 if SMALL else 5000, average=True)
losses = {
    "squared, healthy": (squared, muons.take(np.arange(200))),
    "squared": (squared, sick),
    "huber": (huber(0.2), sick),
    "absolute": (absolute, sick),
}
figure, (ax,) = sketch.panels(height=3.1)
ax.plot(sick.x[:, 0], sick.y, ".", color=sketch.MUTED, ms=3)
ends = np.array([[sick.x.min()], [sick.x.max()]])
for k, (name, (loss, X_of_it)) in enumerate(losses.items()):
    result = bk.fit(bk.Linear(), X_of_it, loss, steps)
    value = result.model(np.array([[4.0]]))[0]
    print(f"{name:16} slope {result.model.weights[0]:.3f}, lgE at lgNmu = 4: {value:.3f}")
    style = {"lw": 3, "alpha": 0.4} if "healthy" in name else {}
    ax.plot(ends, result.model(ends), color=sketch.COLOURS[k], label=name, **style)
sketch.finish(ax, "lg Nμ", "lg(E/PeV)", columns=4)
figure

# %% [markdown]
# A dozen points of 200, at the upper left, lift the squared line and make it flatter, so that it is wrong for
# every small shower. The other two hardly notice: a far point pulls them no harder than a near one.
#
# `quantile(τ)` costs τ for each unit that the prediction is too low and 1 − τ for each that it is too
# high; its minimum has a share τ of the answers below it. Two such lines are a band that needs no
# Gaussian:

# %%
for level in (0.16, 0.5, 0.84):
    bound = bk.fit(bk.Linear(), X, quantile(level), steps).model
    share = np.mean(new.y < bound(new.x))
    print(f"quantile {level}: a share {share:.3f} of the new showers lies below the line")

# %% [markdown]
# ## Questions
#
# 1. Why is the unit of the squared loss the square of the unit of $y$, and what do you have to do with a
#    Huber δ when you change from TeV to GeV?
# 2. The residuals of the first fit lean against the true energy. Do they lean against the *predicted* one?
#    Think first, then plot it.
# 3. The coverage was 64 % for 8 points. What would you expect if the points had errors that grow with $x$?
# 4. In the polynomial picture the loss on new points is about a thousand times larger at degree 15 than at
#    degree 6, and the loss on the training points is smaller. How can both be true?
# 5. For which of the losses in this lesson is the best constant not the mean? What is it there?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 02.1`.)

# %% [markdown]
# ### Exercise 02.1. The loss and its slope
#
# `x` holds n events with d features, one a row, `y` their answers, and `w` the d + 1 weights
# of a plane, intercept first. Return two things: the mean square of the errors, Q, and its
# slope ∂Q/∂w, an array of d + 1 numbers. Do not change `w`.


# %%
def loss_and_slope(w, x, y):
    raise NotImplementedError


bk.check("02.1", loss_and_slope)

# %% [markdown]
# ### Exercise 02.2. The exact minimum
#
# `x` holds n events with d features, one a row, `y` their answers. Return the d + 1 weights,
# intercept first, for which the mean square of the errors is smallest.


# %%
def least_squares(x, y):
    raise NotImplementedError


bk.check("02.2", least_squares)

# %% [markdown]
# ### Exercise 02.3. Events that count more
#
# As 02.2, and each event has a `weight`, n numbers that are not negative: return the d + 1
# weights of the plane, intercept first, for which the *weighted* mean of the squared errors
# is smallest.


# %%
def weighted_least_squares(x, y, weight):
    raise NotImplementedError


bk.check("02.3", weighted_least_squares)

# %% [markdown]
# ### Exercise 02.4. Errors that are right
#
# As 02.2; all answers scatter alike about a plane, nobody says how much. Return the d + 1
# standard errors of the weights of least squares, intercept first.


# %%
def standard_errors(x, y):
    raise NotImplementedError


bk.check("02.4", standard_errors)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **Normal equations for two features.** Write the matrix $Z$ for electrons and muons, solve by hand with
#    NumPy, compute the covariance of the weights yourself, and compare with `Fit.covariance()`.
#    You should find 0.274 ± 0.004 and 0.709 ± 0.006, and agreement to twelve digits.
# 2. **Does the error know?** Repeat the coverage experiment with noise whose σ grows from 5 to 30 g/cm² along
#    $x$: first without weights, then with $\omega = 1/\sigma^2$. Which of the quoted errors cover?
#    You should find about 0.60 without weights; with them 0.54 by the sandwich (8 points are few for it) and
#    0.68 with `errors(inverse_variances=True)`. The slopes themselves scatter by 11 and 8 g/cm².
# 3. **One point.** (Real data.) Find the point of the Auger table with the smallest error, refit without it,
#    and with an error like its neighbours'. How far do the slopes move, in units of their errors? Then let the
#    place of the bend vary between 17.8 and 18.8 and plot χ² against it.
#    You should find that each slope moves by less than half of its error, that the errors grow by about a
#    fifth, and that χ² is lowest for a bend near 18.3: 27, and above 50 from 18.2 down and 18.5 up.
# 4. **How many points cure a degree?** Keep degree 15 and let the number of training points grow from 20 to
#    500. Plot both losses. Then say in one sentence what overfitting depends on.
#    You should find Q on new points falling from 5.6 over 0.016 (30 points) to 0.0027 (100), about the noise.
# 5. **The mass from the two.** Use $\lg A$ as the answer instead of $\lg E$. What are the weights, what is the
#    resolution, and how do they change if all showers have the same energy?
#    You should find weights of about −2.3 and +3.0, a spread of 0.22 in lg A (0.64 without any model), and
#    nearly the same weights, with much larger errors, at one energy.
