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
# # 4. Linear classification
#
# A straight line can predict a number (lesson 2). Here it has to say *yes* or *no*: was this shower
# started by a gamma or by a hadron? Is this picture a 7? The model stays the same,
#
# $$a(x) = w_0 + w_1 x_1 + \dots + w_d x_d = \langle w, x \rangle \quad (x_0 = 1),$$
#
# and only its **sign** is the decision: gamma where $a(x) > 0$, hadron elsewhere. What changes is the
# loss.
#
# **What you will learn**
#
# * why the loss that we mean, the number of mistakes, cannot be descended, and what stands in for it;
# * what least squares, logistic regression and the plain margin make of the same events;
# * when $a(x)$ can be read as a probability;
# * several classes, penalties, rare signals, and the threshold that is yours to choose.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os

import numpy as np

import baksan as bk
from baksan import losses, metrics, sketch
from baksan.report import plots
from baksan.simulate import telescope

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly

# %% [markdown]
# ## Two quantities, two classes
#
# A Cherenkov telescope sees a shower as an elongated spot of light. Two numbers of it tell much: the
# angle `fAlpha` between its long axis and the direction to the source (gammas come *from* the source,
# so their images point to it), and its length `fLength`. The images are simulated (a toy, tuned to a
# published table; lesson 5 says how good it is).

# %%
table = telescope.events(800 if SMALL else 6000, seed=4)
both = table.samples(answer="class", signal="gamma", id="event", features=["fAlpha", "fLength"])
train, test = both.split(0.5, seed=0)
train.class_names, train.class_counts


# %%
def draw_events(ax, X, most=1500):
    for k, (colour, marker) in enumerate([(sketch.COLOURS[1], "x"), (sketch.COLOURS[0], "o")]):
        x = X.x[:most][X.answers[:most] == k]
        ax.plot(x[:, 0], x[:, 1], marker, ms=2.5, color=colour, alpha=0.5, label=X.class_names[k])
    ax.set(xlim=(0, 90), ylim=(0, 150))


figure, (ax,) = sketch.panels(height=3.5)
draw_events(ax, train)
sketch.finish(ax, "fAlpha [deg]", "fLength [mm]", columns=2)
figure

# %% [markdown]
# ## The margin
#
# Call the classes $t = -1$ (hadron) and $t = +1$ (gamma). One number then says how well an event is
# put: its **margin**
#
# $$M = t\, a(x).$$
#
# $M > 0$: on the right side, and the farther the surer. $M < 0$: a mistake, and the farther the worse.
# The loss that we mean counts the mistakes,
#
# $$\mathrm{zero\_one}(M) = [M < 0], \qquad Q(a, X) = \frac1n \sum_i [M_i < 0].$$
#
# All losses of this lesson are functions of the margin alone. On the left those made of straight pieces, on
# the right the smooth ones, with `zero_one` in black for comparison. Where two run together, one is dashed.

# %%
M = np.linspace(-2, 3, 501)
gamma = np.ones(len(M), dtype=int)  # for gammas, t = +1, the prediction is the margin itself
pieces = {"margin": "-", "perceptron": "--", "hinge": "-"}
smooth = {"squared_margin": "-", "squared_hinge": "--", "logistic": "-", "exponential": "-"}
NAMES = [*pieces, *smooth]

figure, axes = sketch.panels(2, 3.1, sharey=True)
for ax, names in zip(axes, (pieces, smooth), strict=True):
    ax.plot(M, losses.zero_one.value(M, gamma), color="black", lw=2.5, label="zero_one")
    for colour, (name, dash) in zip(sketch.COLOURS, names.items(), strict=False):
        cost = losses.by_name(name).value(M, gamma)
        ax.plot(M, cost, dash, color=colour, lw=2 if dash == "-" else 1.6, label=name)
    ax.set_ylim(-1.2, 5.8)
    sketch.finish(ax, "margin M = t a(x)")
sketch.finish(axes[0], "margin M = t a(x)", "loss")
figure

# %% [markdown]
# | loss | formula | what it wants |
# |---|---|---|
# | margin | $-M$ | all margins large; unbounded, so only with $\lvert w\rvert \le 1$ |
# | perceptron | $\max(0, -M)$ | no mistakes; does not care how narrowly |
# | hinge | $\max(0, 1 - M)$ | no mistakes, and a margin of 1 |
# | squared hinge | $\max(0, 1 - M)^2$ | the same, smoothly |
# | logistic | $\ln(1 + e^{-M})$ | ever larger margins, with ever less zeal; tells probabilities |
# | exponential | $e^{-M}$ | the same, and a horror of mistakes |
# | squared margin | $(1 - M)^2 = (a - t)^2$ | margins of exactly 1: least squares on $\pm 1$ |
#
# Hinge, squared hinge, exponential and squared margin lie **above** the zero-one loss everywhere, and
# so does logistic divided by $\ln 2$. Make the bound small, and the number of mistakes is small too.

# %% [markdown]
# ## Why the number of mistakes cannot be descended
#
# Ask a solver to do it.

# %%
try:
    bk.fit(bk.Linear(), train, losses.zero_one, bk.GradientDescent())
except ValueError as error:
    print(error)

# %% [markdown]
# Look at it: keep all weights of a fitted line but one, turn that one, and count. (`parameters` are
# intercept and weights of the standardised features, `moved` is the model with others.)

# %%
line = bk.fit(bk.Linear(), train, losses.logistic, bk.GradientDescent(steps=500)).model
some = train.take(np.arange(100))
w = line.parameters
turned = [line.moved(w + np.array([0, step, 0])) for step in np.linspace(-1.5, 1.5, 601)]
along = [a.parameters[1] for a in turned]

figure, (ax,) = sketch.panels()
for name, loss, colour in (
    ("zero_one: a staircase", losses.zero_one, sketch.COLOURS[0]),
    ("logistic: a valley", losses.logistic, sketch.COLOURS[1]),
):
    ax.plot(along, [bk.Q(a, some, loss) for a in turned], color=colour, label=name)
sketch.finish(ax, "weight of fAlpha (standardised)", "Q on 100 events")
figure

# %% [markdown]
# Between its jumps the staircase is flat: its slope is 0 wherever it has one. A step down the slope is
# no step at all. The smooth bounds lead downhill from everywhere.

# %% [markdown]
# ## Least squares on ±1
#
# The nearest thing: forget that $\pm1$ are classes, and fit them as numbers (lesson 2). It is solved
# exactly, in one step.

# %%
least = bk.fit(bk.Linear(), train, losses.squared_margin, bk.Analytic())
print(least.message)
dict(zip(both.names, least.model.weights.round(4).tolist(), strict=True))

# %% [markdown]
# This line is **Fisher's discriminant** of 1936 (TMVA's methods `Fisher` and `LD`): its direction is
# $S^{-1}(\mu_\gamma - \mu_h)$, with the means of the classes and the covariance $S$ within them.

# %%
gamma, hadron = train.x[train.answers == 1], train.x[train.answers == 0]
within = (np.cov(gamma.T) * (len(gamma) - 1) + np.cov(hadron.T) * (len(hadron) - 1)) / len(train)
fisher = np.linalg.solve(within, gamma.mean(axis=0) - hadron.mean(axis=0))
u, v = fisher / np.linalg.norm(fisher), least.model.weights / np.linalg.norm(least.model.weights)
print(f"cosine of the angle between the two directions: {u @ v:.12f}")

# %% [markdown]
# What is wrong with it? A gamma at $a(x) = 3$ is certainly a gamma, and yet least squares pays
# $(3 - 1)^2 = 4$ for it: being *too right* costs as much as being wrong. Events far on the right side
# pull the line away from where the decision falls.
#
# ## Logistic regression
#
# The logistic loss lets well-placed events go. There is no formula for its minimum, so we descend.

# %%
logistic = bk.fit(
    bk.Linear(), train, losses.logistic,
    bk.GradientDescent(steps=2000, gradient_tolerance=1e-8), validation=test,
)  # fmt: skip
print(logistic.message)
logistic.plot()

# %% [markdown]
# Some ten steps, and $Q$ is flat. The dashed line is $Q$ of the validation events, which are not trained on. It
# happens to lie lower, since these events are a little easier; what matters is that it does not turn up again.
#
# The minimum comes with the errors of the weights (the covariance is the inverse curvature of $Q$, in
# the form that also holds when the model is not quite true):

# %%
for name, weight, error in zip(
    both.names, logistic.model.weights, logistic.errors()[1:], strict=True
):
    print(f"{name:8} {weight:+.4f} ± {error:.4f}")

# %% [markdown]
# ## A score that is a probability
#
# Where does the minimum lie? Take one place $x$ where a share $P$ of the events are gammas. The mean
# cost there, $P \ln(1 + e^{-a}) + (1 - P)\ln(1 + e^{a})$, is smallest at
#
# $$a = \ln\frac{P}{1 - P}, \qquad\text{so}\qquad P = \frac{1}{1 + e^{-a}}.$$
#
# The score of logistic regression is the logarithm of the odds, and `predict` gives $P$ beside it.
# The perceptron and the hinge tell nothing of the kind: the minimum of the hinge is $a = \pm1$,
# whatever $P$.

# %%
seen = logistic.predict(test.x)
print("score      ", seen.score[:5].round(2))
print("P(gamma)   ", seen.probability[:5, 1].round(2))
print("label      ", [test.class_names[k] for k in seen.label[:5]])

# %%
x1, x2 = np.meshgrid(np.linspace(0, 90, 120), np.linspace(0, 150, 120))
grid = np.column_stack([x1.ravel(), x2.ravel()])
P = logistic.predict(grid).probability[:, 1].reshape(x1.shape)

figure, (ax,) = sketch.panels(height=3.6)
shade = ax.contourf(x1, x2, P, levels=np.linspace(0, 1, 11), cmap=sketch.AGAINST_FOR, alpha=0.6)
draw_events(ax, test, most=400)
ax.contour(x1, x2, P, levels=[0.5], colors="black")
figure.colorbar(shade, label="P(gamma)")
sketch.finish(ax, "fAlpha [deg]", "fLength [mm]", columns=2)
figure

# %% [markdown]
# All lines of equal probability are straight and parallel: that is what *linear* means. Whether the
# events agree with it is another matter. Put the test events into bins of the promised probability,
# and count how many gammas there are:

# %%
bins = metrics.calibration(seen.probability, test.answers, bins=10)
error = np.sqrt(bins.predicted * (1 - bins.predicted) / bins.weight)
curve = {"predicted": bins.predicted, "observed": bins.observed, "weight": bins.weight,
         "low": bins.observed - error, "high": bins.observed + error}  # fmt: skip
pulls = (bins.observed - bins.predicted) / error
print(f"mean distance from the promise (ECE): {bins.error():.3f}")
print("distance over its error, bin by bin:", pulls.round(1))
plots.calibration({"logistic": curve})

# %% [markdown]
# A point off the diagonal by two or three of its errors is a broken promise; several of them with a
# common bend say that the log-odds are not linear in `fAlpha` and `fLength`. A calibration curve
# shows that without any knowledge of the model.

# %% [markdown]
# ## The margin alone
#
# The simplest loss of the course is $-M = -t\langle w, x\rangle$. Its mean is linear in $w$, so it has no
# minimum: twice the weights are twice as good. With $\lvert w\rvert \le 1$ it has one, and there is no
# need to search for it:
#
# $$\min_{|w| \le 1} -\Big\langle w, \tfrac1n\sum_i t_i x_i \Big\rangle
#   \quad\text{at}\quad w \propto \tfrac1n\sum_i t_i x_i .$$
#
# The solver finds it by stepping down and pulling $w$ back onto the ball after each step.

# %%
plain = bk.fit(bk.Linear(), train, losses.margin, bk.GradientDescent(steps=2000))
t = losses.margin.targets(train.answers)
mean = plain.model.design(train.x).T @ t / len(train)
print("found      ", plain.model.parameters.round(4))
print("by formula ", (mean / np.linalg.norm(mean)).round(4))
print("|w|        ", round(float(np.linalg.norm(plain.model.parameters)), 6))

# %% [markdown]
# It looks at the means of the classes only, not at how the features hang together within them:
# compare with Fisher's $S^{-1}$ above. With two features that makes little difference. With ten that
# hang together it does.

# %% [markdown]
# ## All losses side by side
#
# The same line, the same events, seven losses. $Q$ of each is on its own scale; what can be compared
# is what they were made for, on events that they have not seen: mistakes, and separation. For the latter
# we take the **AUC**: the share of all pairs of a gamma and a hadron in which the gamma has the higher score.
# Guessing has 0.5, perfection 1.


# %%
def fitted(X, name, **settings):
    loss = losses.by_name(name)
    solver = bk.GradientDescent(**{"steps": 2000, "gradient_tolerance": 1e-7, **settings})
    return bk.fit(bk.Linear(), X, loss, solver)


def compare(train, test):
    found = {name: fitted(train, name) for name in NAMES}
    print(f"{'loss':15} {'own Q':>8} {'mistakes':>9} {'AUC':>7}")
    for name, fit in found.items():
        p = fit.predict(test.x)
        mistakes = 1 - metrics.accuracy(p.label, test.answers)
        print(
            f"{name:15} {fit.loss:8.4f} {mistakes:9.3f} {metrics.auc(p.score, test.answers):7.3f}"
        )
    return found


found = compare(train, test)

# %% [markdown]
# With all ten features:

# %%
ten_train, ten_test = table.samples(
    answer="class", signal="gamma", id="event", features=list(telescope.FEATURES)
).split(0.5, seed=0)
_ = compare(ten_train, ten_test)

# %% [markdown]
# Three things to see here.
#
# * The bounds (hinge to squared margin) agree closely. The choice among them is seldom what decides.
# * The margin loses when features hang together.
# * The **perceptron** is not what its formula promises. These classes overlap, so every line makes
#   mistakes, and each mistake costs in proportion to $\lvert w\rvert$: the cheapest line is $w = 0$,
#   the one that says nothing. Its own $Q$ is nearly 0, the least that it can be, and useless. Rosenblatt's rule works
#   where a line without mistakes exists; the 1 in the hinge is what mends it.

# %%
print("perceptron, |w| at the end:", float(np.linalg.norm(found["perceptron"].model.parameters)))

# %%
figure, (ax,) = sketch.panels(height=3.9)
draw_events(ax, test, most=400)
along = np.array([0.0, 90.0])
lines = [name for name in found if name != "perceptron"]
for colour, name in zip(sketch.COLOURS, lines, strict=False):
    (w1, w2), w0 = found[name].model.weights, found[name].model.intercept
    ax.plot(along, -(w0 + w1 * along) / w2, color=colour, lw=1.5, label=name)  # where a(x) = 0
sketch.finish(ax, "fAlpha [deg]", "fLength [mm]", columns=4)
figure

# %% [markdown]
# Each line is the border of one loss, where $a(x) = 0$: below and to the left of it events are called gamma.
# Where most events are they nearly run together; they part at long images, of which there are few.

# %% [markdown]
# ## Several classes: digits
#
# With $K$ classes the model has $K$ outputs $a_k(x)$, and the largest wins. Two ways to train them:
#
# * **one against the rest**: each output is a classifier of its own, this class ($t=+1$) against all
#   others ($t=-1$); any loss of the margin will do;
# * **softmax**: all outputs together, $P_k = e^{a_k} / \sum_j e^{a_j}$, and the loss is $-\ln P$ of the
#   true class. For two classes this is logistic regression again.
#
# The data are 1,797 handwritten digits of 8 × 8 pixels.

# %%
digits = bk.load("digits").samples()
train, test = digits.split(0.7, seed=0)
steps = 200 if SMALL else 2000
descent = bk.GradientDescent(steps=steps, momentum=0.9, nesterov=True)

ways = {
    "least squares, one against the rest": (losses.squared_margin, bk.Analytic(), None),
    "logistic, one against the rest": (losses.logistic, descent, None),
    "softmax": (losses.softmax, descent, None),
    "softmax with L2": (losses.softmax, descent, bk.L2(0.01)),
}
read = {
    name: bk.fit(bk.Linear(), train, loss, solver, penalty=penalty)
    for name, (loss, solver, penalty) in ways.items()
}
for name, fit in read.items():
    right = metrics.accuracy(fit.predict(test.x).label, test.answers)
    print(f"{name:37} {right:.3f} of {len(test)} test digits are read")

# %% [markdown]
# Which ones are confused?

# %%
label = read["softmax with L2"].predict(test.x).label
plots.confusion(metrics.confusion(label, test.answers, 10), test.class_names)

# %% [markdown]
# Rows are the true digit, columns what was read. Nearly all lies on the diagonal, and what does not one can
# understand: an 8 is read as a 1, a 5 as a 9.

# %% [markdown]
# ### Weights are images
#
# Each output has one weight a pixel. Drawn in place of the pixels they show what speaks for a digit
# (blue) and what against it (orange).


# %%
def draw_weights(fit, title):
    return sketch.images(
        fit.model.matrix[:, 1:].reshape(10, 8, 8), digits.class_names, signed=True, title=title
    )


draw_weights(read["softmax"], "softmax")

# %%
draw_weights(read["softmax with L2"], "softmax with L2")

# %% [markdown]
# ## Penalties
#
# The pixels are many and alike, and without a penalty large weights of opposite sign cancel on the
# training digits and need not on others. Two penalties on the standardised weights (the intercept
# stays free):
#
# $$\mathrm{L2:}\ \frac{\lambda}{2}\sum_j w_j^2, \qquad \mathrm{L1:}\ \lambda\sum_j |w_j| .$$
#
# L2 makes weights small. L1 makes many of them **exactly zero**: near 0 its pull $\lambda$ does not
# fade as that of L2 does, and it is taken as a soft threshold after each step. (Without any penalty
# some weights are zero too: those of pixels that are empty in every training digit.)


# %%
def reading(penalty):
    fit = bk.fit(bk.Linear(), train, losses.softmax, descent, penalty=penalty)
    weights = fit.model.matrix[:, 1:]
    right = metrics.accuracy(fit.predict(test.x).label, test.answers)
    trained = metrics.accuracy(fit.predict(train.x).label, train.answers)
    norm, zeros = np.linalg.norm(weights), np.mean(weights == 0)
    return f"{trained:.3f}  {right:.3f}  {norm:7.2f}  {zeros:6.1%}"


print("penalty     train  test       |w|   zeros")
print("none       ", reading(None))
for kind in (bk.L2, bk.L1):
    for strength in (0.001, 0.01, 0.1):
        print(f"{kind.__name__} {strength:<8}", reading(kind(strength)))

# %%
sparse = bk.fit(bk.Linear(), train, losses.softmax, descent, penalty=bk.L1(0.01))
draw_weights(sparse, "softmax with L1: most pixels are not needed")

# %% [markdown]
# ## A rare signal
#
# Nature does not send 65 gammas for 35 hadrons. Take 2 in 100 and train again.


# %%
def rare(seed):
    table = telescope.events(3000 if SMALL else 30_000, seed=seed, gamma_fraction=0.02)
    return table.samples(answer="class", signal="gamma", id="event", features=["fAlpha", "fLength"])


train, test = rare(5), rare(6)
as_is = fitted(train, "logistic")
p = as_is.predict(test.x)
print("accuracy     ", round(metrics.accuracy(p.label, test.answers), 3))
print("called gamma ", int(p.label.sum()), "of", len(test), "events; gammas:", test.answers.sum())
print("highest P    ", round(float(p.probability[:, 1].max()), 3))
print("AUC          ", round(metrics.auc(p.score, test.answers), 3))

# %% [markdown]
# An accuracy of 98 %, and not one event is called gamma, since none has a probability above one half:
# saying 'hadron' to everything is that good already. **Accuracy measures the mixture; the AUC does not.** Nothing is wrong with the line, only
# with its threshold. One can give the classes equal weight. (`replace` makes samples that differ in one part,
# here the event weights.)

# %%
from dataclasses import replace

share = np.bincount(train.answers) / len(train)
balanced = replace(train, weight=0.5 / share[train.answers])
equal = fitted(balanced, "logistic")
q = equal.predict(test.x)


def told(name, fit, X):
    found = [fit.model.intercept, *fit.model.weights]
    for n, value, error in zip(("intercept", *X.names), found, fit.errors(), strict=True):
        print(f"{name}: {n:9} {value:+.4f} ± {error:.4f}")


told("as it is", as_is, train)
told("balanced", equal, train)
for name, a in (("as it is", p), ("balanced", q)):
    print(
        f"{name}: called gamma {a.label.mean():.1%}, AUC {metrics.auc(a.score, test.answers):.3f}"
    )
print(f"mean shift of the score {np.mean(q.score - p.score):.2f},", end=" ")
print(f"logarithm of hadrons over gammas {np.log(share[0] / share[1]):.2f}")

# %% [markdown]
# The score has moved up by nearly the logarithm of the ratio of the classes, about a third of the events are
# called gamma now, and the order of the events, which the AUC measures, is almost the same. That is no
# accident: by Bayes' theorem the log-odds are
#
# $$a(x) = \ln\frac{p(x\,|\,\gamma)}{p(x\,|\,h)} + \ln\frac{P(\gamma)}{P(h)},$$
#
# and the mixture sits in the last term alone. **If** they are a straight line, both fits look for the same
# weights and only the intercept moves. Compare the weights with their errors: that of `fLength` has moved by
# several of them. So here the log-odds are not quite a straight line (the calibration curve said so), and the
# line that fits best depends on where the events lie that count most. Try it where the line is right: two
# round Gaussian clouds of equal width.

# %%
rng = np.random.default_rng(0)
y = (rng.random(30_000) < 0.02).astype(int)
clouds = bk.Samples(
    rng.normal(size=(len(y), 2)) + y[:, None] * [1.5, -1.0], y, class_names=("hadron", "gamma")
)
share = np.bincount(y) / len(y)
told("as it is", fitted(clouds, "logistic"), clouds)
told("balanced", fitted(replace(clouds, weight=0.5 / share[y]), "logistic"), clouds)
print(f"logarithm of hadrons over gammas {np.log(share[0] / share[1]):.2f}")

# %% [markdown]
# Now the weights agree within their errors (with the truth too: 1.5 and −1), and the intercept has moved by
# the logarithm. So where the model is right one can train on a convenient mixture and move the threshold
# afterwards. And a probability is right only for the mixture that it was trained on.

# %% [markdown]
# ## The threshold is yours
#
# $a(x) > 0$ is one choice. As the threshold falls from high to low, more gammas pass ($\varepsilon_s$)
# and more hadrons too ($\varepsilon_b$); the curve of one against the other is the **ROC curve**. An
# astronomer lives at its left end, where few hadrons are left, so its axis is logarithmic.

# %%
curve = metrics.roc(p.score, test.answers)
thin = curve.thinned()
plots.roc({"logistic, fAlpha and fLength": {"background": thin.background, "signal": thin.signal}})

# %% [markdown]
# Look at the left end: where a hundredth of the hadrons pass, hardly more than a hundredth of the gammas does.
# The highest scores belong to images with a small `fAlpha` *and* a small `fLength`, and there both kinds are
# mixed. A good AUC is no promise for the end of the curve at which one works.

# %%
print("hadrons kept  gammas kept   threshold  events kept")
for level in (0.01, 0.02, 0.05, 0.1, 0.2):
    point = curve.at_most(level)  # the loosest cut that keeps at most this share of the hadrons
    kept = point.signal_left + point.background_left
    print(f"{point.background:12.3f} {point.signal:12.3f} {point.cut:11.2f} {kept:12d}")

# %% [markdown]
# Which point is best? The signal stands out of the fluctuations of the background by
# $S/\sqrt{B} \propto \varepsilon_s/\sqrt{\varepsilon_b}$, the **quality factor** $Q$. Only cuts that
# leave enough hadrons to count may compete.

# %%
best = metrics.q_factor(p.score, test.answers)
print(
    f"best Q = {best.q:.2f} at threshold {best.cut:.2f}: keeps {best.signal:.1%} of the gammas"
    f" and {best.background:.2%} of the hadrons"
)

# %% [markdown]
# ## Questions
#
# 1. Which of the losses are convex? Which have a slope of exactly 0 for well-placed events, and what
#    does that mean for the events that decide where the line lies?
# 2. Multiply all weights of a line by 2. What happens to the decisions, to the zero-one loss, to the
#    perceptron loss, to the logistic loss, to the probabilities?
# 3. If some line separates the training events without a mistake, the logistic loss has no minimum.
#    Why? What stops the descent then, and which penalty helps?
# 4. A logistic regression was trained on as many gammas as hadrons. It says $P = 0.9$ for an event
#    taken in a field where 1 event in 1,000 is a gamma. What is the probability there?
# 5. Why may one look at the test events of this lesson only once? Where has the lesson sinned?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 04.1`.)

# %% [markdown]
# ### Exercise 04.1. The logistic loss
#
# `margin` is an array of margins M. Return two arrays of its shape: the cost ln(1 + e^(−M)),
# and its slope, the derivative of the cost by M. Margins may be large.


# %%
def logistic_cost(margin):
    raise NotImplementedError


bk.check("04.1", logistic_cost)

# %% [markdown]
# ### Exercise 04.2. The ROC curve
#
# `score` holds n scores, `signal` n numbers, 1 for signal and 0 for background. Return two
# arrays of one length, the points of the ROC curve from the tightest cut to the loosest: the
# share of the background that passes, and the share of the signal that passes. An event
# passes where its score is at least as high as the cut. The first point is (0, 0), the last
# (1, 1).


# %%
def roc(score, signal):
    raise NotImplementedError


bk.check("04.2", roc)

# %% [markdown]
# ### Exercise 04.3. Classes of equal weight
#
# `answers` holds the classes of n events, numbers 0, 1, 2, … of which each occurs. Return n
# weights: all events of a class have the same one, all classes have the same total, and the
# mean over the events is 1.


# %%
def equal_weights(answers):
    raise NotImplementedError


bk.check("04.3", equal_weights)

# %% [markdown]
# ### Exercise 04.4. A probability moves house
#
# `p` is an array of probabilities to be signal, by a model that is right where a share
# `trained` of the events is signal. The events come from a place where that share is `here`;
# signals look like signals and backgrounds like backgrounds in both places. Return the
# probabilities there.


# %%
def moved(p, trained, here):
    raise NotImplementedError


bk.check("04.4", moved)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **Too right.** Add to `train` of the first section a hundred gammas that lie far on the right side, at
#    `fAlpha` = −100 and `fLength` = −100 (no image is there; never mind). How do least squares and logistic
#    regression take it? Draw both boundaries before and after.
#    You should find that at `fLength` 40 mm the boundary of least squares moves from 50° to 57°, and that of
#    logistic regression by less than a thousandth of a degree.
# 2. **A better straight line.** The model is linear in its features, and the features are yours.
#    Add `fAlpha**2` or a product of the two (`bk.data.derive` makes columns by formula). How far does
#    the AUC rise? Does the calibration curve come nearer to the diagonal?
#    You should find an AUC of 0.845 to 0.848 with one more feature (0.823 without), 0.857 with both squares and
#    the product; the ECE goes from 0.037 to 0.017 with the latter.
# 3. **By all descents.** Train the logistic line by `GradientDescent`, `StochasticGradientDescent` and
#    `MiniBatch` on one picture (`plots.loss_against_iteration` takes several histories). Which needs
#    the fewest samples to come within 1 % of the minimum, which to come within 0.001 %?
#    You should find, with the rates `auto`: 2 epochs of full steps, 20 of SGD, 1 of mini-batches for 1 %; 20
#    epochs, none of 500, hundreds for 0.001 %, and with `average=True` 100 and 10 for the last two.
# 4. **Few examples.** Train the digit reader on 50, 100, 200, … digits, without penalty and with L2.
#    Draw accuracy on the test digits against the number. Where does the penalty help most?
#    You should find 0.75, 0.89, 0.90, 0.95 for 50, 100, 200, 400 digits; `L2(0.01)` adds one to two hundredths
#    from 200 digits on, and `L2(0.1)` takes some away at the end.
# 5. **The price of a mistake.** A telescope may follow up a hundred alarms a night out of 2,000 events, of
#    which 40 are gammas. Choose the threshold for the rare signal above. Which two numbers would you
#    report, and would training with weights have changed them?
#    You should find about 9 gammas among the hundred, and 7 with balanced weights.
