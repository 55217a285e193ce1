"""A right answer to each exercise. It lives here and nowhere in the package."""

from itertools import pairwise

import numpy as np
from scipy import optimize
from scipy.special import xlogy
from scipy.stats import beta, binom, mannwhitneyu, poisson

from baksan.metrics import auc

LIGHT = 0.299792458  # m/ns


def z(x):
    return np.column_stack([np.ones(len(x)), x])


def share_right(label, answer):
    return np.mean(label == answer)


def confusions(label, answer, classes):
    table = np.zeros((classes, classes), dtype=int)
    np.add.at(table, (answer, label), 1)
    return table


def nearest(x, seen, answers):
    far = ((x[:, None] - seen[None]) ** 2).sum(axis=2)
    return answers[far.argmin(axis=1)]


def honest_share(x, y, learn, seed):
    order = np.random.default_rng(seed).permutation(len(y))
    some, others = np.split(order, 2)
    return np.mean(learn(x[some], y[some])(x[others]) == y[others])


def loss_and_slope(w, x, y):
    r = z(x) @ w - y
    return np.mean(r**2), 2 * z(x).T @ r / len(y)


def least_squares(x, y):
    return np.linalg.lstsq(z(x), y, rcond=None)[0]


def weighted_least_squares(x, y, weight):
    root = np.sqrt(weight)
    return np.linalg.lstsq(z(x) * root[:, None], y * root, rcond=None)[0]


def errors(x, y):
    w = least_squares(x, y)
    s2 = np.sum((z(x) @ w - y) ** 2) / (len(y) - len(w))
    return np.sqrt(s2 * np.diag(np.linalg.inv(z(x).T @ z(x))))


def step(w, x, y, rate):
    return w - rate * loss_and_slope(w, x, y)[1]


def largest_rate(x):
    return 2 / np.linalg.eigvalsh(2 * z(x).T @ z(x) / len(x))[-1]


def descend(slope, w, rate, momentum, steps):
    w, v = np.array(w), np.zeros(len(w))
    for _ in range(steps):
        v = momentum * v - rate * slope(w)
        w = w + v
    return w


def epoch(w, slope, n, rate, seed):
    for i in np.random.default_rng(seed).permutation(n):
        w = w - rate * slope(w, i)
    return w


def logistic(margin):
    return np.logaddexp(0, -margin), -np.exp(-np.logaddexp(0, margin))


def roc(score, signal):
    cuts = np.unique(score)[::-1]
    passed = [(np.mean(score[signal == k][:, None] >= cuts, axis=0)) for k in (0, 1)]
    return tuple(np.concatenate([[0.0], one]) for one in passed)


def balanced(answers):
    count = np.bincount(answers)
    return len(answers) / len(count) / count[answers]


def moved(p, trained, here):
    signal = p * here / trained
    return signal / (signal + (1 - p) * (1 - here) / (1 - trained))


def cut_for(score, signal, efficiency):
    own = np.sort(score[signal == 1])[::-1]
    return own[int(np.ceil(efficiency * len(own) - 1e-9)) - 1]


def suspects(x, y, level):
    areas = [auc(column, y) for column in x.T]
    return [k for k, area in enumerate(areas) if max(area, 1 - area) > level]


def test_events(group, share, seed):
    known = np.unique(group)
    chosen = np.random.default_rng(seed).choice(known, round(share * len(known)), replace=False)
    return np.isin(group, chosen)


def interval(figure, values, replicas, seed):
    rng = np.random.default_rng(seed)
    found = [figure(rng.choice(values, len(values))) for _ in range(replicas)]
    return tuple(np.quantile(found, [0.15865, 0.84135]))


def raw_weights(w, centre, scale):
    return np.append(w[0] - np.sum(w[1:] * centre / scale), w[1:] / scale)


def gram(x, y):
    return z(x).T @ z(x) / len(y), z(x).T @ y / len(y)


def variance(blocks):
    n, mean, squares = 0, 0.0, 0.0
    for block in blocks:
        if len(block):
            here, away = block.mean(), ((block - block.mean()) ** 2).sum()
            squares += away + (here - mean) ** 2 * n * len(block) / (n + len(block))
            mean += (here - mean) * len(block) / (n + len(block))
            n += len(block)
    return squares / n


def follow(w, x, y, rate):
    costs = []
    for row, answer in zip(z(x), y, strict=True):
        miss = row @ w - answer
        costs.append(miss**2)
        w = w - rate * 2 * miss * row
    return w, np.array(costs)


def progressive(y, rate):
    level, cost = y[0], 0.0
    for one in y[1:].tolist():
        cost += (one - level) ** 2
        level += 2 * rate * (one - level)
    return cost


def best_rate(y, rates):
    return min(rates, key=lambda rate: progressive(y, rate))


def drawn_otherwise(answer):
    """The same answer with other random numbers: the seed is its last argument."""

    def f(*given):
        return answer(*given[:-1], given[-1] + 1000)

    return f


def interval_by_numbers(figure, values, replicas, seed):
    """Replicas by the numbers of the events, and the quantiles by sorting."""
    drawn = np.random.default_rng(seed).integers(0, len(values), (replicas, len(values)))
    found = sorted(figure(values[one]) for one in drawn)
    return found[round(0.15865 * replicas)], found[round(0.84135 * replicas)]


def by_bisection(x):
    """The largest rate of 03.2, found by trying."""
    h = 2 * z(x).T @ z(x) / len(x)

    def radius(rate):
        return np.abs(np.linalg.eigvals(np.eye(len(h)) - rate * h)).max() - 1

    return optimize.brentq(radius, 1e-12 + 1e-3 / np.trace(h), 4 / np.linalg.norm(h, 2), xtol=1e-12)


def completed(seen, x):
    missing = np.isnan(x)
    flagged = np.isnan(seen).any(axis=0)
    whole = np.where(missing, np.nanmedian(seen, axis=0), x)
    return np.column_stack([whole, missing[:, flagged]])


def indicators(seen, text):
    kinds = sorted(set(seen.tolist()) - {""})
    return np.array([[one == kind for kind in kinds] for one in text.tolist()])


def weighted_mean(value, weight):
    mass = weight.sum()
    mean = value @ weight / mass
    error = np.sqrt(weight**2 @ (value - mean) ** 2) / mass
    return mean, error, mass**2 / (weight @ weight)


def neurons(h, W, b):
    return np.maximum(h @ W + b, 0)


def sigmoid(u):
    return np.exp(-np.logaddexp(0, -u))


def silu(u):
    return u * sigmoid(u), sigmoid(u) * (1 + u * sigmoid(-u))


def layer_back(s, h, W, b):
    inner = s * (1 - np.tanh(h @ W + b) ** 2)
    return h.T @ inner, inner.sum(axis=0), inner @ W.T


def exclusive_or(low, high):
    """The first neuron counts how many are high, the second whether both are."""
    step = high - low
    one = -2 * low / step
    return np.full((2, 2), 1 / step), np.array([one, one - 1]), np.array([1.0, -2.0]), 0.0


def exclusive_or_by_differences(low, high):
    """Each neuron says how far one input is above the other."""
    return np.array([[1, -1], [-1, 1]]) / (high - low), np.zeros(2), np.ones(2), 0.0


def how_many(features, hidden, outputs):
    widths = [features, *hidden, outputs]
    return sum((d + 1) * k for d, k in pairwise(widths))


def adam_moves(gradients, rate, first=0.9, second=0.999, root=np.sqrt):
    m, v, moves = 0.0, 0.0, []
    for t, g in enumerate(gradients, start=1):
        m, v = first * m + (1 - first) * g, second * v + (1 - second) * g**2
        moves.append(-rate * m / (1 - first**t) / (root(v / (1 - second**t)) + 1e-8))
    return np.array(moves)


def ended(losses, patience):
    best = 0
    for look, loss in enumerate(losses):
        if loss < losses[best]:
            best = look
        if look - best >= patience:
            break
    return look, best


def spread_cost(m, s, y):
    z = (y - m) * np.exp(-s)
    return z**2 / 2 + s + np.log(2 * np.pi) / 2, -z * np.exp(-s), 1 - z**2


def first_weights(widths, gain, seed, size=lambda d, k, gain: np.sqrt(gain / d)):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, size(d, k, gain), (d, k)) for d, k in pairwise(widths)]


def warm_cosine(top, warm, steps):
    t = np.arange(steps)
    falling = np.cos(0.5 * np.pi * (t - warm) / (steps - warm)) ** 2
    return top * np.where(t < warm, (t + 1) / max(warm, 1), falling)


def dropped(h, share, seed):
    stays = np.random.default_rng(seed).random(h.shape) >= share
    return h * stays / (1 - share)


def batch_norm(u, gain, shift, least=1e-5):
    return gain * (u - u.mean(axis=0)) / np.sqrt(u.var(axis=0) + least) + shift


def reliability_table(p, y, edges, side="right"):
    which = np.searchsorted(edges[1:-1], p, side=side)
    count = np.bincount(which, minlength=len(edges) - 1)
    told, share = (np.bincount(which, v, len(edges) - 1) / np.maximum(count, 1) for v in (p, y))
    return told, share, count


def share_of_signal(p, trained, steps=20_000):
    share = trained
    for _ in range(steps):
        share = moved(p, trained, share).mean()
    return share


def share_by_bisection(p, trained):
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if moved(p, trained, middle).mean() > middle:
            low = middle
        else:
            high = middle
    return low


def pinball(q, y, level):
    above = y > q
    return np.where(above, level * (y - q), (1 - level) * (q - y)), np.where(
        above, -level, 1 - level
    )


def conformal_margin(errors, coverage):
    return np.sort(errors)[int(np.ceil((len(errors) + 1) * coverage)) - 1]


def energies(u, g, low, high):
    if g == 1:
        return low * (high / low) ** u
    p = 1 - g
    return (low**p + u * (high**p - low**p)) ** (1 / p)


def profile(X, x_max, x_0, length):
    far = np.maximum(X - x_0, 0) / (x_max - x_0)
    return far ** ((x_max - x_0) / length) * np.exp((x_max - X) / length)


def effective_number(w):
    return w.sum() ** 2 / (w**2).sum()


def distance_and_time(position, core, zenith, azimuth):
    n = np.append(np.sin(zenith) * np.array([np.cos(azimuth), np.sin(azimuth)]), np.cos(zenith))
    d = position - core
    return np.linalg.norm(np.cross(d, n), axis=1), -d @ n / 0.299792458


def plane_direction(x, y, t):
    A = np.column_stack([-x, -y, np.full(len(x), 0.299792458)]) / 0.299792458
    return np.linalg.lstsq(A, t, rcond=None)[0]


def plane_by_moments(x, y, t):
    u, v = np.linalg.solve(np.cov(x, y), [np.cov(x, t)[0, 1], np.cov(y, t)[0, 1]])
    return -0.299792458 * u, -0.299792458 * v, np.mean(t - u * x - v * y)


def angles(n, m):
    return np.arctan2(np.linalg.norm(np.cross(n, m), axis=1), (n * m).sum(axis=1))


def angles_by_chords(n, m):
    return 2 * np.arctan2(np.linalg.norm(n - m, axis=1), np.linalg.norm(n + m, axis=1))


def shower_size(n, shape):
    size = n.sum() / shape.sum()
    return size, size / np.sqrt(n.sum())


def equal_intensity(signal, zenith, edges, k):
    which = np.digitize(np.sin(zenith) ** 2, edges) - 1
    return np.array([np.sort(signal[which == b])[-k] for b in range(len(edges) - 1)])


def direction_loss(p, y):
    k = np.linalg.norm(p)
    log_sinh = k + np.log1p(-np.exp(-2 * k)) - np.log(2)
    return np.log(4 * np.pi / k) + log_sinh - p @ y, (1 / np.tanh(k) - 1 / k) * p / k - y


def psi_68(n, m, weight):
    angle = angles(n, m)
    order = np.argsort(angle)
    share = np.cumsum(weight[order]) / weight.sum()
    return angle[order][np.searchsorted(share, 0.6827)]


def set_sum(s, hit, phi):
    return np.array([phi(one[mask]).sum(axis=0) for one, mask in zip(s, hit, strict=True)])


def set_sum_at_once(s, hit, phi):
    event, _ = np.nonzero(hit)
    h = phi(s[hit])
    found = np.zeros((len(s), h.shape[1]))
    np.add.at(found, event, h)
    return found


def plane_bound(x, y, sigma):
    J = np.column_stack([np.ones(len(x)), -x / LIGHT, -y / LIGHT])
    return np.linalg.inv(J.T @ (J / sigma[:, None] ** 2))[1:, 1:]


def plane_bound_by_moments(x, y, sigma):
    w = 1 / sigma**2
    return LIGHT**2 * np.linalg.inv(np.cov(x, y, aweights=w, ddof=0)) / w.sum()


def response_matrix(truth, called, classes):
    table = np.zeros((classes, classes))
    np.add.at(table, (called, truth), 1)
    return table / table.sum(axis=0)


def likeliest_fractions(counts, matrix, steps=5000):
    f = np.full(matrix.shape[1], 1 / matrix.shape[1])
    for _ in range(steps):
        f = f * ((counts / counts.sum() / (matrix @ f)) @ matrix)
    return f


def fractions_by_minimiser(counts, matrix):
    """By SLSQP: −⟨ln L⟩ over the simplex."""
    k = matrix.shape[1]
    found = optimize.minimize(
        lambda f: -counts @ np.log(np.maximum(matrix @ f, 1e-9)) / counts.sum(),
        np.full(k, 1 / k),
        bounds=[(0, 1)] * k,
        constraints={"type": "eq", "fun": lambda f: f.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    return np.maximum(found.x, 0.0) / np.maximum(found.x, 0.0).sum()


def mean_ln_mass(fractions, covariance, masses):
    a = np.log(masses)
    return fractions @ a, np.sqrt(a @ covariance @ a)


def before_selection(fractions, efficiency):
    return fractions / efficiency / np.sum(fractions / efficiency)


def exact_interval(left, events, level):
    tail = (1 - level) / 2
    low = beta.ppf(tail, left, events - left + 1) if left else 0.0
    high = beta.ppf(1 - tail, left + 1, events - left) if left < events else 1.0
    return low, high


def interval_by_roots(left, events, level):
    def root(tail):
        return optimize.brentq(lambda p: tail(p) - (1 - level) / 2, 0.0, 1.0, xtol=1e-13)

    low = root(lambda p: binom.sf(left - 1, events, p)) if left else 0.0
    high = root(lambda p: binom.cdf(left, events, p)) if left < events else 1.0
    return low, high


def upper_limit(n, background, level):
    wanted = (1 - level) * poisson.cdf(n, background)
    return optimize.brentq(lambda s: poisson.cdf(n, s + background) - wanted, 0.0, 1000.0)


def allowed_counts(s, b, level):
    n = np.arange(101)
    p = poisson.pmf(n, s + b)
    order = np.argsort(-p / poisson.pmf(n, np.maximum(n, b)))
    needed = np.searchsorted(np.cumsum(p[order]), level) + 1
    return order[:needed].min(), order[:needed].max()


def significance(on, off, alpha):
    n = on + off
    inner = xlogy(on, (1 + alpha) / alpha * on / n) + xlogy(off, (1 + alpha) * off / n)
    return np.sign(on - alpha * off) * np.sqrt(2 * np.maximum(inner, 0.0))


def distance(x, v, y, w):
    at = np.concatenate([x, y])[:, None]
    return np.abs((x <= at) @ v / v.sum() - (y <= at) @ w / w.sum()).max()


def distance_by_sorting(x, v, y, w):
    values, where = np.unique(np.concatenate([x, y]), return_inverse=True)
    steps = np.concatenate([v / v.sum(), -w / w.sum()])
    return np.abs(np.cumsum(np.bincount(where, steps, len(values)))).max()


def data_over_simulation(counts, sums, squares):
    ratio = counts / sums * sums.sum() / counts.sum()
    return ratio, ratio * np.sqrt(1 / counts + squares / sums**2)


def weights_of(p, largest):
    ratio = np.divide(p, 1 - p, out=np.full(len(p), np.inf), where=p < 1)
    w = np.minimum(ratio, largest)
    return w / w.mean()


def told_apart_by(simulated, measured):
    n, m = len(simulated), len(measured)
    above = measured[:, None] - simulated
    area = np.mean((above > 0) + 0.5 * (above == 0))
    return area, (area - 0.5) / np.sqrt((n + m + 1) / (12 * n * m))


def told_apart_by_ranks(simulated, measured):
    n, m = len(simulated), len(measured)
    area = mannwhitneyu(measured, simulated).statistic / (n * m)
    return area, (area - 0.5) * np.sqrt(12 * n * m / (n + m + 1))


RIGHT = {
    "01.1": [share_right],
    "01.2": [confusions],
    "01.3": [nearest],
    "01.4": [honest_share, drawn_otherwise(honest_share)],
    "02.1": [loss_and_slope],
    "02.2": [least_squares],
    "02.3": [weighted_least_squares],
    "02.4": [errors],
    "03.1": [step],
    "03.2": [largest_rate, by_bisection],
    "03.3": [descend],
    "03.4": [epoch, drawn_otherwise(epoch)],
    "04.1": [logistic],
    "04.2": [roc],
    "04.3": [balanced],
    "04.4": [moved],
    "05.1": [cut_for],
    "05.2": [suspects],
    "05.3": [test_events, drawn_otherwise(test_events)],
    "05.4": [interval, drawn_otherwise(interval), interval_by_numbers],
    "06.1": [raw_weights],
    "06.2": [gram],
    "06.3": [variance],
    "06b.1": [follow],
    "06b.2": [best_rate],
    "06c.1": [completed],
    "06c.2": [indicators],
    "06c.3": [weighted_mean],
    "07.1": [neurons],
    "07.2": [silu],
    "07.3": [layer_back],
    "07.4": [exclusive_or, exclusive_or_by_differences],
    "08.1": [how_many],
    "08.2": [adam_moves],
    "08.3": [ended],
    "08.4": [spread_cost],
    "09.1": [first_weights, drawn_otherwise(first_weights)],
    "09.2": [warm_cosine],
    "09.3": [dropped, drawn_otherwise(dropped)],
    "09.4": [batch_norm],
    "10.1": [reliability_table],
    "10.2": [share_of_signal, share_by_bisection],
    "10.3": [pinball],
    "10.4": [conformal_margin],
    "11.1": [energies],
    "11.2": [profile],
    "11.3": [effective_number],
    "11.4": [distance_and_time],
    "12.1": [plane_direction, plane_by_moments],
    "12.2": [angles, angles_by_chords],
    "12.3": [shower_size],
    "12.4": [equal_intensity],
    "13.1": [direction_loss],
    "13.2": [psi_68],
    "13.3": [set_sum, set_sum_at_once],
    "13.4": [plane_bound, plane_bound_by_moments],
    "14.1": [response_matrix],
    "14.2": [likeliest_fractions, fractions_by_minimiser],
    "14.3": [mean_ln_mass],
    "14.4": [before_selection],
    "15.1": [exact_interval, interval_by_roots],
    "15.2": [upper_limit],
    "15.3": [allowed_counts],
    "15.4": [significance],
    "16.1": [distance, distance_by_sorting],
    "16.2": [data_over_simulation],
    "16.3": [weights_of],
    "16.4": [told_apart_by, told_apart_by_ranks],
}
