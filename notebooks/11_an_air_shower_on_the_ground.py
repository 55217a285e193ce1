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
# # 11. An air shower on the ground
#
# One atomic nucleus with the energy of a tennis ball in flight strikes the air. Some tens of billions of
# particles arrive at the ground, within a few microseconds and spread over many square kilometres. An array of
# detectors sees a few thousand of them. From these one wants to know: which energy, from where, and what was it?
# Before any method can learn that, there must be examples. This lesson makes them, formula by formula, and asks
# at each step what is physics, what is chance, and what is only a recipe.
#
# **What you will learn**
#
# * what arrives: the spectrum, the masses, the directions, and how few they are;
# * how deep showers go, why iron goes less deep than protons, and how much the models disagree;
# * muons and the rest; how densely they lie around the axis, and when they arrive;
# * one shower on an array, station by station: counting, noise, dead and saturated stations, the trigger;
# * weights that turn simulated events into nature's, and how many events are left then;
# * which of all these numbers may be believed.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os

import numpy as np

import baksan as bk
from baksan import metrics, sketch
from baksan.metrics.bins import efficiency_in_bins
from baksan.physics import (
    atmosphere,
    counts,
    depth_of_maximum,
    energy,
    front,
    lateral,
    longitudinal,
    muons,
    response,
    spectrum,
)  # fmt: skip
from baksan.produce import Production
from baksan.produce.display import display
from baksan.report import plots
from baksan.simulate.array import Primaries, events, telescope_array
from baksan.simulate.showers import thrown, weights_to

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly

# %% [markdown]
# ## What arrives
#
# The flux $J(E)$ of cosmic rays falls by a factor of about a thousand for each decade of energy. To see anything in
# it one multiplies it by $E^3$. This is what Auger measured (2020), as a formula with four breaks, and beside it a
# stand-in for the masses: shares that look like what Auger finds, and are not a measurement.

# %%
lg = np.linspace(17.2, 20.1, 300)
figure, (left, right) = sketch.panels(2, 2.7)
left.plot(lg, spectrum.auger(10**lg) * 10 ** (3 * lg), color=sketch.COLOURS[0])
sketch.finish(left, "lg(E/eV)", "E³ J  [eV² km⁻² sr⁻¹ yr⁻¹]", log="y")
for (name, share), colour in zip(
    spectrum.ultra_high_fractions(10**lg).items(), sketch.COLOURS, strict=False
):
    right.plot(lg, share, color=colour, label=name)
sketch.finish(right, "lg(E/eV)", "share of the primaries")
figure

# %% [markdown]
# How many is that? An array on flat ground looks at a field of the area $A$, which an inclined shower sees shortened
# by $\cos\theta$. From an isotropic sky it therefore collects
#
# $$ \frac{dN}{d\theta} \propto \sin\theta\cos\theta , \qquad
#    N(>E) = \underbrace{A\,\pi \sin^2\theta_{max}}_{\text{aperture}} \; T \int_E^\infty J\,dE . $$

# %%
aperture = counts.flat_aperture(700.0, np.deg2rad(55))  # km² sr of 700 km²
print(f"700 km², zenith angles up to 55°: {aperture:.0f} km² sr")
fine = np.linspace(17, 20.2, 3201)
per_bin = spectrum.auger(10**fine) * 10**fine * np.log(10) * (fine[1] - fine[0])
above = aperture * per_bin[::-1].cumsum()[::-1]
for low in (18.0, 18.5, 19.0, 19.5, 20.0):
    print(f"above 10^{low} eV: {np.interp(low, fine, above):9.1f} in a year")

# %% [markdown]
# 700 km² is about what Telescope Array has. Above $10^{20}$ eV that is one shower in some years. This decides the
# rest: one cannot learn from nature alone, and in a simulation one will *not* throw as nature does.
#
# `Primaries` says what is thrown, `thrown` does it. Energies are flat in $\lg E$ unless you ask otherwise, so that
# each decade has as many examples.

# %%
mixture = Primaries({"p": 1, "Fe": 1, "gamma": 1}, log_energy=(18.5, 19.5))
sky = thrown(5000, mixture, seed=11)
print(sky.primary[:4], sky.log_energy[:4].round(2), np.rad2deg(sky.zenith[:4]).round(0))
share, edges = np.histogram(np.rad2deg(sky.zenith), bins=11, range=(0, 55))
theta = np.deg2rad((edges[1:] + edges[:-1]) / 2)
expected = 5000 * np.sin(2 * theta) / np.sin(2 * theta).sum()
pull = (share - expected) / np.sqrt(expected)
print("zenith angles, counted less expected, in units of √expected:", pull.round(1))

# %% [markdown]
# Event $i$ depends on the seed and on $i$ alone, not on how many were thrown before it or beside it. So one can throw
# a million in pieces, on as many machines as there are, and look at number 4,711 again, alone:

# %%
again = thrown(1, mixture, seed=11, start=4711)
assert again.log_energy[0] == sky.log_energy[4711] and again.x_max[0] == sky.x_max[4711]
print(f"event 4711 is {again.primary[0]} with lg E = {again.log_energy[0]:.4f}, both times")

# %% [markdown]
# ## How deep a shower goes
#
# Depth is counted in matter, not in metres: $X$ in g/cm² from the top of the atmosphere, along the axis. The number
# of charged particles grows, reaches its maximum at $X_{max}$, and fades. The usual formula is that of Gaisser and
# Hillas (Exercise 11.2),
#
# $$ \frac{N(X)}{N_{max}} = \left(\frac{X - X_0}{X_{max} - X_0}\right)^{(X_{max}-X_0)/\lambda}
#    \exp\!\left(\frac{X_{max}-X}{\lambda}\right) , $$
#
# with a shape that hardly depends on the primary. What does depend on it is $X_{max}$.

# %%
site = atmosphere.SITES["telescope-array"]
air = atmosphere.US_STANDARD
ground = {degrees: float(air.slant_depth(site.height, np.deg2rad(degrees))) for degrees in (0, 45)}
photon = float(depth_of_maximum.photon_maximum(19.0)[0])
mean = {"p": float(depth_of_maximum.x_max_mean(19, 1)),
        "Fe": float(depth_of_maximum.x_max_mean(19, 56)), "photon": photon}  # fmt: skip
X = np.linspace(100, 1500, 400)
figure, (ax,) = sketch.panels()
for (name, peak), colour in zip(mean.items(), sketch.COLOURS, strict=False):
    start, length = longitudinal.shape_from_rl(peak, *longitudinal.mean_shape(19.0))
    dose = longitudinal.deposit_from_energy(1e19, peak, start, length) / 1e15
    ax.plot(X, dose * longitudinal.gaisser_hillas(X, peak, start, length), color=colour,
            label=f"{name}, {peak:.0f} g/cm²")  # fmt: skip
for degrees, depth in ground.items():
    ax.axvline(depth, color=sketch.MUTED, lw=0.8, ls=":")
    ax.text(depth + 8, 0.3, f"ground, {degrees}°", fontsize=7, color=sketch.MUTED)
sketch.finish(ax, "X [g/cm²]", "dE/dX [PeV/(g/cm²)], 10¹⁹ eV")
figure

# %% [markdown]
# The area below each curve is the energy: all three hold $10^{19}$ eV. (Hadronic showers in fact show some 9 % less
# than photons here, since muons and neutrinos carry energy into the ground.) The ground cuts the curve where it
# stands: a vertical proton shower arrives shortly after its maximum, one of 45° long after it, and a vertical photon
# has its maximum *below* the ground. An array on the ground sees one point of this curve. This is the root of its
# troubles.
#
# Why does iron go less deep? A nucleus of $A$ nucleons with the energy $E$ is, nearly, $A$ protons with $E/A$ each:
# **superposition**. Since the depth of a proton shower grows with $\lg E$, by some 55 g/cm² a decade,
#
# $$ \langle X_{max}\rangle_A(E) \approx \langle X_{max}\rangle_p(E/A) , \qquad
#    \sigma_A < \sigma_p \;\text{: a mean of many fluctuates less.} $$

# %%
depth, spread = depth_of_maximum.x_max_mean, depth_of_maximum.x_max_spread
print("at 10^19 eV, in g/cm²:    mean p    mean Fe   p at E/56   spread p  spread Fe")
models = ("qgsjetii-04", "epos-lhc", "sibyll-2.3d")
for model in models:
    row = depth(19, 1, model), depth(19, 56, model), depth(19 - np.log10(56), 1, model)
    row += spread(19, 1, model), spread(19, 56, model)
    print(f"{model:20}", *(f"{float(v):10.0f}" for v in row))

# %%
figure, (left, right) = sketch.panels(2, 2.9)
X = np.linspace(550, 1250, 400)
for model, line in zip(models, ("-", "--", ":"), strict=True):
    for mass, colour in ((1, sketch.COLOURS[0]), (56, sketch.COLOURS[1])):
        name = f"{'p' if mass == 1 else 'Fe'}, {model}"
        left.plot(X, depth_of_maximum.x_max_pdf(X, 19, mass, model), line, color=colour)
        right.plot(lg[lg < 20], depth(lg[lg < 20], mass, model), line, color=colour, label=name)
centre, width = depth_of_maximum.photon_maximum(19.0)
left.plot(X, np.exp(-((X - centre) ** 2) / 2 / width**2) / width / np.sqrt(2 * np.pi),
          color=sketch.COLOURS[2])  # fmt: skip
slow = np.linspace(17.5, 19.6, 50)
right.plot(slow, depth_of_maximum.photon_maximum(slow)[0], color=sketch.COLOURS[2], label="photon")
sketch.finish(left, "X_max [g/cm²]", "density [1/(g/cm²)]", title="at 10¹⁹ eV")
right.set_ylim(570, 1080)
sketch.finish(right, "lg(E/eV)", "⟨X_max⟩ [g/cm²]")
right.legend(fontsize=6, frameon=False, loc="upper left")
figure

# %% [markdown]
# Superposition holds within 2 g/cm². Three more things to keep in mind. The long tail of protons to the right is the
# first interaction, which sometimes comes late. The models differ by up to 23 g/cm², a quarter of the distance
# between proton and iron: whoever reads a mass from $X_{max}$ reads it in the language of a model. And one shower
# says little, since one proton fluctuates by 60 g/cm². Photons go deepest: each step only halves their energy,
# and above $10^{18.5}$ eV the LPM effect delays them further.
#
# ## Muons and the rest
#
# Pions of a hadronic shower decay into muons, and muons go through to the ground. Their number grows a little slower
# than the energy (Heitler and Matthews), $N_\mu \propto E^\beta$ with $\beta \approx 0.925$, and so, by
# superposition,
#
# $$ N_\mu(A, E) = A \cdot \left(\frac{E/A}{\xi_c}\right)^{\beta} = A^{1-\beta} N_\mu(1, E) . $$
#
# Iron has more muons; photons, which make few pions, have almost none.

# %%
by_formula = float(muons.heitler_matthews(1e19, 56) / muons.heitler_matthews(1e19, 1))
print(f"iron over proton: {by_formula:.2f} by the formula, {float(muons.muon_excess(56)):.2f} here")
print("from shower to shower: p {:.0%}, Fe {:.1%}".format(*muons.muon_spread([1, 56])))

tenfold = thrown(1500, Primaries({"p": 1, "Fe": 1, "gamma": 1}, log_energy=(19, 19)), seed=2)
figure, (ax,) = sketch.panels()
for name, colour in zip(tenfold.names, sketch.COLOURS, strict=False):
    mine = tenfold.primary == name
    ax.plot(tenfold.x_max[mine], tenfold.muons[mine], ".", ms=2.5, color=colour, label=name)
ax.set_yscale("log")
sketch.finish(ax, "X_max [g/cm²]", "R_μ, muons over those of a mean proton")
figure

# %% [markdown]
# This picture is all that the mass leaves in a shower of the toy. How well could protons be told from iron by
# somebody who knew both numbers *exactly*? As AUC (lesson 4):

# %%
nuclei = thrown(
    2000 if SMALL else 20_000, Primaries({"p": 1, "Fe": 1}, log_energy=(19, 19)), seed=3
)
iron = (nuclei.mass == 56).astype(int)
both = bk.Samples(
    np.column_stack([nuclei.x_max, np.log(nuclei.muons)]), iron, class_names=("p", "Fe")
)
found = bk.fit(bk.Linear(), both, bk.losses.logistic, bk.GradientDescent(steps=300))
print(f"X_max alone  {metrics.auc(-nuclei.x_max, iron):.3f}")
print(f"muons alone  {metrics.auc(nuclei.muons, iron):.3f}")
print(f"both         {metrics.auc(found.predict(both).score, iron):.3f}")

# %% [markdown]
# No analysis of any array can do better with these showers. Real ones, which see both numbers through a keyhole, do
# much worse. (In the toy the two numbers of one shower are independent; in nature they are correlated a little.)
#
# ## How densely, and when
#
# Around the axis the density falls steeply: the **lateral distribution**. For the scintillators of Telescope Array
#
# $$ S(r) = S_{800}\,\frac{f(r)}{f(800\,\text{m})}, \qquad
#    f = \left(\frac{r}{r_M}\right)^{-1.2}\left(1+\frac{r}{r_M}\right)^{-(\eta-1.2)}
#    \left(1+\Big(\frac{r}{1\,\text{km}}\Big)^2\right)^{-0.6} , $$
#
# with $r_M = 91.6$ m and $\eta$ a function of the zenith angle. Signals are in VEM/m²: one VEM is what a vertical
# muon leaves. And the front is no plane. It is curved like a bowl, and the thinner the shower, the later and the
# more spread the particles come (Linsley's formula):
#
# $$ T_D = 0.67\, a(\theta) \left(1+\frac{r}{30\,\text{m}}\right)^{1.5} \rho^{-0.5} \;\text{ns}, \qquad
#    T_S \propto a(\theta) \left(1+\frac{r}{30\,\text{m}}\right)^{1.5} \rho^{-0.3} . $$

# %%
theta = np.deg2rad(30)
s800 = energy.ta_s800(1e19, theta)
r = np.geomspace(100, 3000, 100)
signal = s800 * lateral.telescope_array(r, theta)
of_muons = response.muon_share(r, theta)
a = front.linsley_curvature(theta)
figure, (left, right) = sketch.panels(2, 2.8)
left.plot(r / 1000, signal, color=sketch.INK, label="all")
left.plot(r / 1000, signal * of_muons, color=sketch.COLOURS[0], label="muons")
left.plot(r / 1000, signal * (1 - of_muons), color=sketch.COLOURS[1], label="electrons, photons")
sketch.finish(left, "distance from the axis [km]", "signal [VEM/m²]", log="xy")
late = front.linsley_delay(r, signal, a) / 1000
spread = front.linsley_thickness(r, signal, a) / 1000
right.fill_between(r / 1000, late - spread, late + spread, color=sketch.COLOURS[0], alpha=0.2, lw=0)
right.plot(r / 1000, late, color=sketch.COLOURS[0])
right.plot(r / 1000, front.spherical_delay(r, 8000.0) / 1000, "--", color=sketch.MUTED,
           label="sphere from 8 km")  # fmt: skip
sketch.finish(right, "distance from the axis [km]", "behind the plane [µs]")
figure

# %%
print("10^19 eV, 30°:   r [m]   VEM/m²   in 3 m²   muons   delay [ns]   spread [ns]")
for far in (400.0, 800.0, 1200.0, 2000.0, 2800.0):
    here = float(s800 * lateral.telescope_array(far, theta))
    late, spread = (float(f(far, here, a)) for f in (front.linsley_delay, front.linsley_thickness))
    part = float(response.muon_share(far, theta))
    print(f"{far:22.0f} {here:8.2f} {3 * here:9.1f} {part:7.0%} {late:12.0f} {spread:13.0f}")

# %% [markdown]
# Stations of Telescope Array stand 1.2 km apart. So the nearest ones see a hundred particles or more, and those after
# the next see one or two, or none. Far out half of the signal is muons: there the mass is best seen, and there is
# least to see.
#
# ## One shower, station by station
#
# Now let it fall on the array. Of the signal expected at a station, the muons are multiplied by $R_\mu$ of this
# shower, and the rest by what it gains from being younger or older than a mean one. Then particles are **counted**,
# by Poisson's law, each leaving a signal of its own. Then the time gets its spread. Two stations in a hundred are
# dead, and each may see a muon that has nothing to do with the shower.

# %%
made = Production(300, seed=5, layout="telescope-array", primaries=Primaries(log_energy=(19, 19.5)))
shown = display(made, 38)
print(shown["title"])
plots.event_display(shown["stations"], shown["fit"], unit=shown["unit"])

# %% [markdown]
# Left the stations from above: size is signal, colour is time. Small rings are hits that the reconstruction takes for
# background, faint ones are silent, a grey × is dead, a purple ring is saturated. + is where the fitted axis came
# down, the purple × where it truly did. In the middle the lateral distribution, on the right the front: late, and
# later further out. How the curves are found is lesson 12.
#
# The first thing to know of a measured number is its error. Take nearly the same shower thousands of times: iron,
# vertical, $10^{19}$ eV, without noise. What varies is the counting, and what each particle leaves. The code of
# Telescope Array weights its stations by $\sigma^2 = 2S/A + (0.15\,S)^2$ with $A = 3$ m².

# %%
quiet = telescope_array().with_detector(noise=0.0, dead=0.0)
same = Primaries({"Fe": 1}, log_energy=(19, 19), zenith=(0, 0), spread=0.0)
falls = events(1500 if SMALL else 15_000, quiet, same, seed=6)
offset = quiet.position[None, :, :2] - falls.core[:, None]
r = np.hypot(offset[..., 0], offset[..., 1]).ravel()
seen = (falls.signal / quiet.detector.area).ravel()
print("r [m]     mean S   spread of S   formula   silent")
for low in (400, 700, 1000, 1300, 1700, 2100):
    ring = (r > low) & (r < low + 40)
    at = seen[ring].mean()
    scatter = seen[ring].std() / at
    print(f"{low + 20:5} {at:10.2f} {scatter:13.0%} {float(response.signal_error(at) / at):9.0%}"
          f" {np.mean(seen[ring] == 0):8.0%}")  # fmt: skip

# %% [markdown]
# Near the axis a few per cent, at two kilometres nearly as much as the signal itself, where a quarter of the stations
# is silent. A silent station is no missing value: "there was less than one particle" is information, and the fit of
# lesson 12 uses it. The formula is more careful than chance alone: its 15 % stand for all that makes real signals
# leave a smooth curve. Remember this when errors are compared in lesson 12.
#
# Two more kinds of station:

# %%
strong = Primaries({"p": 1}, log_energy=(17.5, 20))
some = events(600 if SMALL else 6000, telescope_array(15), strong, seed=7)
hits = some.hit.sum(axis=1)
full = (some.status == 3).any(axis=1)
noisy = some.noise.sum(axis=1)
print("lg E            hits   saturated showers   noise hits")
for low in np.arange(17.5, 20, 0.5):
    mine = (some.showers.log_energy >= low) & (some.showers.log_energy < low + 0.5)
    print(f"{low:.1f} … {low + 0.5:.1f} {hits[mine].mean():9.1f} {full[mine].mean():19.0%}"
          f" {noisy[mine].mean():12.1f}")  # fmt: skip

# %% [markdown]
# At low energies a shower hits fewer stations than chance does: of 225 stations about ten see a muon of the
# background within the 64 µs that are read out, wherever the shower is. At high energies the hottest station, which
# knows most of the core, is cut off at 300 VEM/m². It then says only "more than".
#
# ## What triggers
#
# Recorded is what makes three adjacent stations see 3 MIP each within 8 µs. Whether a shower does, is chance; the
# share that does is the **efficiency**, with a binomial error (of $k$ from $n$, Clopper and Pearson).

# %%
every = Primaries({"p": 1, "Fe": 1, "gamma": 1}, log_energy=(17.5, 19.5))
found = events(2000 if SMALL else 24_000, telescope_array(), every, seed=8)
truth = found.showers
by = {}
for name in truth.names:
    mine = truth.primary == name
    by[name] = efficiency_in_bins(
        found.triggered[mine], truth.log_energy[mine], np.linspace(17.5, 19.5, 11)
    )
for name, curve in by.items():
    print(f"{name:6}", *(f"{v:5.0%}" for v in curve["value"]))
plots.merit_in_bins(by, "lg(E/eV)", "trigger efficiency")

# %% [markdown]
# Half of the hadrons of $10^{18.1}$ eV trigger, and nearly all of $10^{18.7}$ eV. Iron and protons come out alike:
# iron has more muons, and less of the rest. Photons need 1.4 times the energy, and one in twenty never triggers,
# since it is too young at the ground. So the trigger has chosen among the primaries before anybody looks. Where all
# are kept, a flux is a number of events divided by an exposure. Below, it must be divided by an efficiency, too,
# which hangs on what one wants to measure. The efficiency times the field over which axes were thrown is the
# **effective area**.
#
# ## Weights, and how many events they leave
#
# Our showers are flat in $\lg E$, nature's are not. Each event gets the weight
#
# $$ w_i \propto \frac{J(E_i)}{J_{thrown}(E_i)} , \qquad
#    n_{eff} = \frac{(\sum_i w_i)^2}{\sum_i w_i^2} , $$
#
# and all means, efficiencies, histograms with these weights are nature's. The price is in the second formula: a
# sample of unequal weights has the errors of $n_{eff}$ equal ones (Exercise 11.3).

# %%
w = weights_to(truth.log_energy, "auger", every)
w = w / w.mean()
low_end = w[truth.log_energy < 17.625].sum() / w.sum()
print(f"{low_end:.0%} of the weight lies in the first eighth of a decade")
for low in (17.5, 18.0, 18.5, 19.0):
    mine = truth.log_energy >= low
    worth = w[mine].sum() ** 2 / (w[mine] ** 2).sum()
    flat, nature = found.triggered[mine].mean(), np.average(found.triggered[mine], weights=w[mine])
    print(f"above 10^{low} eV: {mine.sum():6,} thrown, worth {worth:6,.0f};"
          f" triggered {flat:.1%} of them, {nature:.1%} of nature's")  # fmt: skip

# %% [markdown]
# Nature's events crowd at the lower end, and so does the weight. Look at what they are worth: 24,000 events no more
# than the 18,000 of them above $10^{18}$ eV, and less than the 12,000 above $10^{18.5}$ eV. An effective number
# belongs to a question. And look at the end of the lines: of all showers that we threw two thirds trigger, of
# nature's a twelfth. An efficiency without its spectrum is no number.
#
# Had we thrown as nature does, all weights would be equal, and hardly any event would lie above $10^{19}$ eV: best
# for a mean over all events, and worst for the rare ones, for which arrays are built. To *train*, flat is better,
# since no bin is starved. Weights come in when a result is quoted.
#
# ## What a toy is, and what it is not
#
# Everything above was a formula. No particle was followed through the air. Of each part `docs/simulate.md` says where
# it comes from:
#
# | mark | means | examples |
# |---|---|---|
# | V | checked in a public source | flux of Auger; $X_{max}$ of six models; $S_{800}(E, \theta)$, lateral slope, front |
# | M | from memory: the order of magnitude holds | photons; the spread of muons; thresholds, saturation |
# | D | designed here, plausible, never to be cited | the share of muons; age and signal; 12 % from shower to shower |
#
# So the toy is good for trying methods, testing code, learning how errors arise, and comparing two analyses on the
# same events. It is not good for absolute numbers: an exposure, an energy scale, a limit on photons. How far may a
# result be off that hangs on a number nobody knows? Change the number, and look:

# %%
print("R_μ of models × k:   mean S at 1.7 km [VEM/m²]")
for factor in (1.0, 1.3):
    changed = Primaries({"Fe": 1}, log_energy=(19, 19), zenith=(0, 0), muon_factor=factor)
    more = events(500 if SMALL else 4000, quiet, changed, seed=6)
    offset = quiet.position[None, :, :2] - more.core[:, None]
    far = np.abs(np.hypot(offset[..., 0], offset[..., 1]) - 1700) < 50
    print(f"{factor:17.1f} {more.signal[far].mean() / 3:15.3f} ± "
          f"{more.signal[far].std() / 3 / np.sqrt(far.sum()):.3f}")  # fmt: skip

# %% [markdown]
# Models lack muons: Auger sees 1.4 to 1.5 times as many as they say. Already 1.3 moves the signals far from the axis
# by a tenth, and this is so in the best of full simulations, too. What is trained on simulated events inherits it
# silently. Lesson 10 ended there.

# %% [markdown]
# ## Questions
#
# 1. A cosmic ray of $10^{20}$ eV comes once in some years on 700 km². Which area would you need for one a week? Why
#    do arrays not just put their stations farther apart?
# 2. Why does $\lg$ of the energy stand on nearly all axes? What would a histogram with equal bins in $E$ look like?
# 3. Two arrays, one at sea level and one at 4 km height. Which sees smaller fluctuations of showers of $10^{15}$ eV,
#    and which of vertical ones of $10^{20}$ eV?
# 4. Somebody measures $X_{max}$ of one shower: 700 g/cm². Was it iron? What do you need to answer with a probability?
# 5. A station counts nothing. Say in one formula what it tells about a signal of which 0.5 particles were expected.
# 6. Which of the fluctuations of this lesson become smaller with more or larger stations, and which do not?
# 7. A colleague quotes "efficiency 67 % above $10^{17.5}$ eV" from these showers. What is missing?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 11.1`.)

# %% [markdown]
# ### Exercise 11.1. As many as the flux says
#
# `u` holds n numbers between 0 and 1, drawn uniformly. Return n energies between `low` and
# `high` that are then distributed as dN/dE ∝ E^(−g), for any `g`, also g = 1: the energy
# below which a share u of the events lies.


# %%
def energies(u, g, low, high):
    raise NotImplementedError


bk.check("11.1", energies)

# %% [markdown]
# ### Exercise 11.2. The life of a shower
#
# Return the profile of Gaisser and Hillas at the depths `X`, (n,), in units of its maximum:
# `x_max`, `x_0` and `length` are numbers, X_max, X₀ and λ of the formula above. At X₀ and
# before it is 0.


# %%
def profile(X, x_max, x_0, length):
    raise NotImplementedError


bk.check("11.2", profile)

# %% [markdown]
# ### Exercise 11.3. What weights leave
#
# `w` holds the weights of n events, none below 0. Return how many events of equal weight
# would have the same relative scatter of their sum.


# %%
def effective_number(w):
    raise NotImplementedError


bk.check("11.3", effective_number)

# %% [markdown]
# ### Exercise 11.4. A plane passes
#
# Stations stand at `position`, (n, 3), east, north and up in m. The axis of a shower goes
# through `core`, (3,), towards a source at the angles `zenith` and `azimuth` in rad, the
# azimuth counted from east to north. Return the distances of the stations from the axis in
# m, and when a plane front at right angles to it passes them, in ns; it passes the core at
# 0. Light goes 0.299792458 m in a ns.


# %%
def distance_and_time(position, core, zenith, azimuth):
    raise NotImplementedError


bk.check("11.4", distance_and_time)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **How many showers?** A telescope measures $X_{max}$ with an error of 20 g/cm². How many pure helium showers of
#    $10^{19}$ eV must it see until their mean is five standard errors from that of protons, whose mean is known from
#    the model (`epos-lhc`)? How many if iron came?
#    You should find 42 for helium (the distance is 33 g/cm²), and two for iron. By how much may the model be wrong
#    for helium to be proton, then?
# 2. **Closer, wider.** Make square arrays of 15 × 15 stations 600 m, 1200 m and 2400 m apart (`table`, with
#    `dataclasses.replace` for an `origin` and `edges` of one cell in the middle), and throw protons from $10^{17}$ to
#    $10^{20}$ eV. At which energy does half of them trigger?
#    You should find $10^{17.05}$, $10^{18.1}$ and $10^{19.4}$ eV: twice the distance costs more than a decade of
#    energy.
# 3. **How to throw.** Throw 100,000 protons between $10^{18}$ and $10^{20}$ eV with $E^{-g}$, $g = 1, 2, 3$. What are
#    they worth with the weights of Auger's spectrum, all of them, and above $10^{19.5}$ eV?
#    You should find 19,400, 70,000 and 98,700 for all, and 13,400, 1,600 and 80 above $10^{19.5}$ eV.
# 4. **What a mean hides.** Throw vertical protons of $10^{19}$ eV with the models `qgsjetii-04` and `sibyll-2.3d`,
#    whose depths differ by 23 g/cm², and compare the mean signals at 800 m. Then read `simulate.array` and say why.
#    You should find the same within 1 %: the toy takes the signal of a mean proton from one formula, and asks of each
#    shower only how it differs from its own model's mean.
# 5. **Around the knee.** `simulate.kascade` counts electrons and muons each for themselves. Throw protons and iron of
#    $10^{15.5}$ to $10^{16.5}$ eV below 30°, reconstruct them (`reconstruct.kascade`), and find the AUC of $\lg N_e$,
#    of $\lg N_\mu$ and of their difference.
#    You should find 0.77, 0.68 and 0.997. It is better than any experiment: the recipe [D] lets both numbers of a
#    shower fluctuate too little.
