"""What students hand in: typical mistakes, each with what it is."""

from itertools import pairwise

import numpy as np
from scipy.stats import norm, poisson
from tests.exercises import right
from tests.exercises.right import z


def solved(x, y, weight=1.0):
    """Least squares with the weight multiplied into the sums."""
    w = np.broadcast_to(weight, len(y))
    return np.linalg.solve((z(x).T * w) @ z(x), z(x).T @ (w * y))


def without_intercept(x, y):
    return np.append(0.0, np.linalg.lstsq(x, y, rcond=None)[0])


def nearest_by(far, pick=np.argmin):
    def nearest(x, seen, answers):
        return answers[pick(far(x[:, None] - seen[None]), axis=1)]

    return nearest


def in_order(x, y, learn, seed):
    half = len(y) // 2
    return np.mean(learn(x[:half], y[:half])(x[half:]) == y[half:])


def on_training(x, y, learn, seed):
    return np.mean(learn(x, y)(x) == y)


def same_seed(x, y, learn, seed):
    return right.honest_share(x, y, learn, 0)


def with_everything(x, y, learn, seed):
    order = np.random.default_rng(seed).permutation(len(y))[: len(y) // 2]
    return np.mean(learn(x, y)(x[order]) == y[order])


def half(w, x, y):
    q, slope = right.loss_and_slope(w, x, y)
    return q / 2, slope / 2


def half_slope(w, x, y):
    q, slope = right.loss_and_slope(w, x, y)
    return q, slope / 2


def a_sum(w, x, y):
    q, slope = right.loss_and_slope(w, x, y)
    return q * len(y), slope * len(y)


def no_intercept_slope(w, x, y):
    q, slope = right.loss_and_slope(w, x, y)
    return q, np.append(0.0, slope[1:])


def minus_slope(w, x, y):
    q, slope = right.loss_and_slope(w, x, y)
    return q, -slope


def penalised(w, x, y):
    q, slope = right.loss_and_slope(w, x, y)
    return q + w @ w, slope + 2 * w


def errors_of(s2=None, root=True, intercept=True):
    def errors(x, y):
        w = right.least_squares(x, y)
        left = np.sum((z(x) @ w - y) ** 2)
        variance = left / (len(y) - len(w)) if s2 is None else s2(left, len(y))
        v = variance * np.diag(np.linalg.inv(z(x).T @ z(x)))
        return np.sqrt(v) if root else v

    return errors


def step_by(factor, intercept=True):
    def step(w, x, y, rate):
        slope = right.loss_and_slope(w, x, y)[1]
        if not intercept:
            slope = np.append(0.0, slope[1:])
        return w - rate * factor(len(y)) * slope

    return step


def step_in_place(w, x, y, rate):
    w -= rate * right.loss_and_slope(w, x, y)[1]
    return w


def the_move_alone(w, x, y, rate):
    return -rate * right.loss_and_slope(w, x, y)[1]


def rate_of(times=1.0, design=z, mean=True):
    def largest_rate(x):
        h = 2 * design(x).T @ design(x) / (len(x) if mean else 1)
        return times * 2 / np.linalg.eigvalsh(h)[-1]

    return largest_rate


def smallest_curvature(x):
    return 2 / np.linalg.eigvalsh(2 * z(x).T @ z(x) / len(x))[0]


def nesterov(slope, w, rate, momentum, steps):
    w, v = np.array(w), np.zeros(len(w))
    for _ in range(steps):
        v = momentum * v - rate * slope(w + momentum * v)
        w = w + v
    return w


def damped(slope, w, rate, momentum, steps):
    w, v = np.array(w), np.zeros(len(w))
    for _ in range(steps):
        v = momentum * v - (1 - momentum) * rate * slope(w)
        w = w + v
    return w


def no_speed(slope, w, rate, momentum, steps):
    for _ in range(steps):
        w = w - rate * slope(w)
    return w


def one_too_many(slope, w, rate, momentum, steps):
    return right.descend(slope, w, rate, momentum, steps + 1)


def epoch_in_order(w, slope, n, rate, seed):
    for i in range(n):
        w = w - rate * slope(w, i)
    return w


def epoch_with_repetition(w, slope, n, rate, seed):
    for i in np.random.default_rng(seed).integers(0, n, n):
        w = w - rate * slope(w, i)
    return w


def epoch_of_a_batch(w, slope, n, rate, seed):
    order = np.random.default_rng(seed).permutation(n)
    return w - rate * sum(slope(w, i) for i in order)


def epoch_upwards(w, slope, n, rate, seed):
    return right.epoch(w, slope, n, -rate, seed)


def epoch_unrepeatable(w, slope, n, rate, seed):
    return right.epoch(w, slope, n, rate, None)


def overflowing(margin):
    with np.errstate(over="ignore", invalid="ignore"):
        return np.log(1 + np.exp(-margin)), -np.exp(-margin) / (1 + np.exp(-margin))


def roc_one_by_one(score, signal):
    order = np.argsort(-score, kind="stable")
    passed = [np.cumsum(signal[order] == k) / np.sum(signal == k) for k in (0, 1)]
    return tuple(np.append(0.0, one) for one in passed)


def roc_below(score, signal):
    return right.roc(-score, signal)


def roc_without_zero(score, signal):
    return tuple(one[1:] for one in right.roc(score, signal))


def roc_swapped(score, signal):
    return right.roc(score, signal)[::-1]


def roc_on_a_grid(score, signal):
    cuts = np.linspace(score.max() + 1, score.min(), 20)
    return tuple(np.mean(score[signal == k][:, None] >= cuts, axis=0) for k in (0, 1))


def roc_of_the_file(score, signal):
    cuts = np.concatenate([[np.inf], score, [-np.inf]])
    return tuple(np.mean(score[signal == k][:, None] >= cuts, axis=0) for k in (0, 1))


def balanced_sum_one(answers):
    return right.balanced(answers) / len(answers)


def balanced_by_share(answers):
    count = np.bincount(answers)
    return (count / count.mean())[answers]


def balanced_by_leaving_out(answers):
    least = np.bincount(answers).min()
    kept = np.zeros(len(answers))
    for k in np.unique(answers):
        kept[np.flatnonzero(answers == k)[:least]] = 1
    return kept / kept.mean()


def moved_from_one_half(p, trained, here):
    return right.moved(p, 0.5, here)


def moved_by_ratio(p, trained, here):
    return p * here / trained


def moved_backwards(p, trained, here):
    return right.moved(p, here, trained)


def moved_signal_only(p, trained, here):
    odds = p / np.maximum(1 - p, 1e-300) * here / trained
    return odds / (1 + odds)


def cut_by_quantile(score, signal, efficiency):
    return np.quantile(score[signal == 1], 1 - efficiency)


def cut_of_all(score, signal, efficiency):
    return right.cut_for(score, np.ones(len(score)), efficiency)


def cut_of_background(score, signal, efficiency):
    return right.cut_for(score, 1 - signal, efficiency)


def cut_one_less(score, signal, efficiency):
    own = np.sort(score[signal == 1])[::-1]
    return own[min(int(np.ceil(efficiency * len(own))), len(own) - 1)]


def suspects_upwards(x, y, level):
    return [k for k, column in enumerate(x.T) if right.auc(column, y) > level]


def suspects_by_correlation(x, y, level):
    with np.errstate(invalid="ignore", divide="ignore"):
        return [k for k, column in enumerate(x.T) if abs(np.corrcoef(column, y)[0, 1]) > level]


def suspects_with_constants(x, y, level):
    return [k for k, a in enumerate(x.T) if np.ptp(a) == 0 or right.suspects(a[:, None], y, level)]


def events_at_random(group, share, seed):
    return np.random.default_rng(seed).random(len(group)) < share


def first_groups(group, share, seed):
    known = np.unique(group)
    return np.isin(group, known[: round(share * len(known))])


def groups_by_events(group, share, seed):
    rng, known = np.random.default_rng(seed), np.unique(group)
    tested = np.zeros(len(group), dtype=bool)
    for one in rng.permutation(known):
        if tested.mean() < share:
            tested |= group == one
    return tested


def interval_without_repetition(figure, values, replicas, seed):
    rng = np.random.default_rng(seed)
    found = [figure(rng.permutation(values)) for _ in range(replicas)]
    return tuple(np.quantile(found, [0.15865, 0.84135]))


def interval_95(figure, values, replicas, seed):
    rng = np.random.default_rng(seed)
    found = [figure(rng.choice(values, len(values))) for _ in range(replicas)]
    return tuple(np.quantile(found, [0.025, 0.975]))


def interval_by_spread(figure, values, replicas, seed):
    rng = np.random.default_rng(seed)
    found = [figure(rng.choice(values, len(values))) for _ in range(replicas)]
    return figure(values) - np.std(found), figure(values) + np.std(found)


def interval_small(figure, values, replicas, seed):
    rng = np.random.default_rng(seed)
    found = [figure(rng.choice(values, len(values) // 2)) for _ in range(replicas)]
    return tuple(np.quantile(found, [0.15865, 0.84135]))


def raw_forgetting_the_mean(w, centre, scale):
    return np.append(w[0], w[1:] / scale)


def raw_forgetting_the_intercept(w, centre, scale):
    return np.append(0.0, right.raw_weights(w, centre, scale)[1:])


def raw_times_scale(w, centre, scale):
    return np.append(w[0] - np.sum(w[1:] * centre), w[1:] * scale)


def raw_plus(w, centre, scale):
    return np.append(w[0] + np.sum(w[1:] * centre / scale), w[1:] / scale)


def gram_sums(x, y):
    return z(x).T @ z(x), z(x).T @ y


def gram_centred(x, y):
    c = z(x - x.mean(axis=0))
    return c.T @ c / len(y), c.T @ y / len(y)


def variance_by_squares(blocks):
    n = total = squares = 0.0
    for block in blocks:
        n, total, squares = n + len(block), total + block.sum(), squares + (block**2).sum()
    return squares / n - (total / n) ** 2


def variance_all_at_once(blocks):
    return np.concatenate(list(blocks)).var()


def variance_of_blocks(blocks):
    return np.mean([block.var() for block in blocks if len(block)])


def variance_unbiased(blocks):
    return np.concatenate(list(blocks)).var(ddof=1)


def follow_late(w, x, y, rate):
    costs = []
    for row, answer in zip(z(x), y, strict=True):
        w = w - rate * 2 * (row @ w - answer) * row
        costs.append((row @ w - answer) ** 2)
    return w, np.array(costs)


def follow_half(w, x, y, rate):
    return right.follow(w, x, y, rate / 2)


def follow_whole(w, x, y, rate):
    end, _ = right.follow(w, x, y, rate)
    return end, (z(x) @ end - y) ** 2


def rate_half(y, rates):
    return min(rates, key=lambda rate: right.progressive(y, rate / 8))


def rate_by_training(y, rates):
    """The cost after the step: the largest rate always wins."""
    return max(rates)


def completed_by(middle=np.nanmedian, of=None):
    """Filled in by another number, or by those of the events themselves."""

    def completed(seen, x):
        right_one = right.completed(seen, x)
        fill = middle(seen if of is None else of(seen, x), axis=0)
        right_one[:, : x.shape[1]] = np.where(np.isnan(x), fill, x)
        return right_one

    return completed


def completed_unflagged(seen, x):
    return np.where(np.isnan(x), np.nanmedian(seen, axis=0), x)


def completed_flagged_by_itself(seen, x):
    missing = np.isnan(x)
    whole = np.where(missing, np.nanmedian(seen, axis=0), x)
    return np.column_stack([whole, missing[:, missing.any(axis=0)]])


def completed_in_place(seen, x):
    flags = np.isnan(x)[:, np.isnan(seen).any(axis=0)]
    x[np.isnan(x)] = np.broadcast_to(np.nanmedian(seen, axis=0), x.shape)[np.isnan(x)]
    return np.column_stack([x, flags])


def completed_presence(seen, x):
    d = x.shape[1]
    found = right.completed(seen, x)
    return np.column_stack([found[:, :d], 1 - found[:, d:]])


def completed_backwards(seen, x):
    d = x.shape[1]
    found = right.completed(seen, x)
    return np.column_stack([found[:, :d], found[:, d:][:, ::-1]])


def indicators_in_order(seen, text):
    kinds = [kind for kind in dict.fromkeys(seen.tolist()) if kind]
    return text[:, None] == np.array(kinds)


def indicators_nearest(seen, text):
    kinds = np.unique(seen[seen != ""])
    return np.eye(len(kinds))[np.searchsorted(kinds, text).clip(0, len(kinds) - 1)]


def indicators_of_these(seen, text):
    return text[:, None] == np.unique(text)


def indicators_with_missing(seen, text):
    return text[:, None] == np.unique(seen)


def indicators_missing_first(seen, text):
    found = right.indicators(seen, text)
    found[text == "", 0] = True
    return found


def indicators_cut(seen, text):
    kinds = np.unique(seen[seen != ""])
    return text.astype(kinds.dtype)[:, None] == kinds


def indicators_inside(seen, text):
    kinds = sorted(set(seen.tolist()) - {""})
    return np.array([[one.startswith(kind) for kind in kinds] for one in text.tolist()])


def mean_of_sizes(value, weight):
    return right.weighted_mean(value, np.abs(weight))


def mean_unweighted_error(value, weight):
    mean, _, events = right.weighted_mean(value, weight)
    return mean, value.std() / np.sqrt(len(value)), events


def mean_counting_rows(value, weight):
    mean, error, _ = right.weighted_mean(value, weight)
    return mean, error, len(value)


def mean_counting_weight(value, weight):
    mean, error, _ = right.weighted_mean(value, weight)
    return mean, error, weight.sum()


def mean_unbiased(value, weight):
    mean, error, events = right.weighted_mean(value, weight)
    return mean, error * np.sqrt(len(value) / (len(value) - 1)), events


def mean_of_the_positive(value, weight):
    return right.weighted_mean(value[weight > 0], weight[weight > 0])


def each_neuron_shares(h, W, b):
    """Neurons of a layer divided by their sum, as in a softmax."""
    u = np.maximum(h @ W + b, 0)
    return u / np.maximum(u.sum(axis=1, keepdims=True), 1)


def each_event_shares(h, W, b):
    """Sums without their mean over the events, as in a normalisation by the batch."""
    u = h @ W + b
    return np.maximum(u - u.mean(axis=0), 0)


def silu_overflowing(u):
    with np.errstate(over="ignore", invalid="ignore"):
        f = 1 / (1 + np.exp(-u))
        return u * f, f + u * np.exp(-u) * f**2


def silu_slope_of_one_factor(u):
    return right.silu(u)[0], right.sigmoid(u)


def back_without_the_bend(s, h, W, b):
    return h.T @ s, s.sum(axis=0), s @ W.T


def back_bent_by_the_inputs(s, h, W, b):
    inner = s * (1 - np.tanh(s) ** 2)
    return h.T @ inner, inner.sum(axis=0), inner @ W.T


def back_by_means(s, h, W, b):
    weight, bias, below = right.layer_back(s, h, W, b)
    return weight / len(h), bias / len(h), below


def back_through_the_layer_only(s, h, W, b):
    return *right.layer_back(s, h, W, b)[:2], s @ W.T


def either_or_both(low, high):
    """Or, in place of exclusive or."""
    weight, bias, _, constant = right.exclusive_or(low, high)
    return weight, bias, np.array([1.0, -1.0]), constant


def both(low, high):
    weight, bias, _, constant = right.exclusive_or(low, high)
    return weight, bias, np.array([0.0, 1.0]), constant


def the_same(low, high):
    weight, bias, out, _ = right.exclusive_or(low, high)
    return weight, bias, -out, 1.0


def how_many_outputs_plain(features, hidden, outputs):
    """Outputs without a bias."""
    return right.how_many(features, hidden, outputs) - outputs


def how_many_by_square(features, hidden, outputs):
    """As if every layer heard the features."""
    return sum((features + 1) * k for k in [*hidden, outputs])


def adam_uncorrected(gradients, rate):
    m, v, moves = 0.0, 0.0, []
    for g in gradients:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        moves.append(-rate * m / (np.sqrt(v) + 1e-8))
    return np.array(moves)


def momentum_moves(gradients, rate):
    m, moves = 0.0, []
    for g in gradients:
        m = 0.9 * m + 0.1 * g
        moves.append(-rate * m)
    return np.array(moves)


def ended_at_best(losses, patience):
    return len(losses) - 1, int(np.argmin(losses))


def ended_at_last(losses, patience):
    stop, _ = right.ended(losses, patience)
    return stop, stop


def ended_by_rises(losses, patience):
    """Stops after so many looks in a row that were each worse than the one before."""
    rises = 0
    for look in range(1, len(losses)):
        rises = rises + 1 if losses[look] >= losses[look - 1] else 0
        if rises == patience:
            break
    return look, int(np.argmin(losses[: look + 1]))


def ended_late(losses, patience):
    return right.ended(losses, patience + 1)


def spread_cost_of_sigma(m, s, y):
    """s taken for σ itself."""
    s = np.maximum(np.abs(s), 1e-3)
    z = (y - m) / s
    return z**2 / 2 + np.log(s) + np.log(2 * np.pi) / 2, -z / s, (1 - z**2) / s


def spread_cost_without_constant(m, s, y):
    cost, in_m, in_s = right.spread_cost(m, s, y)
    return cost - np.log(2 * np.pi) / 2, in_m, in_s


def spread_cost_squares_only(m, s, y):
    """The spread for nothing: it would grow without end."""
    z = (y - m) * np.exp(-s)
    return z**2 / 2, -z * np.exp(-s), -(z**2)


def weights_equal(widths, gain, seed):
    rng = np.random.default_rng(seed)
    return [np.full((d, k), rng.normal(0, np.sqrt(gain / d))) for d, k in pairwise(widths)]


def weights_of_one_seed(widths, gain, seed):
    return [
        np.random.default_rng(seed).normal(0, np.sqrt(gain / d), (d, k))
        for d, k in pairwise(widths)
    ]


def warm_without_one(top, warm, steps):
    rates = right.warm_cosine(top, warm, steps)
    return np.where(np.arange(steps) < warm, top * np.arange(steps) / max(warm, 1), rates)


def warm_to_zero(top, warm, steps):
    """The last rate is 0: the cosine has arrived a step too early."""
    t = np.arange(steps)
    falling = np.cos(0.5 * np.pi * (t - warm) / (steps - warm - 1)) ** 2
    return top * np.where(t < warm, (t + 1) / max(warm, 1), falling)


def warm_over_all(top, warm, steps):
    t = np.arange(steps)
    return top * np.cos(0.5 * np.pi * t / steps) ** 2 * np.minimum((t + 1) / max(warm, 1), 1)


def warm_line(top, warm, steps):
    t = np.arange(steps)
    return top * np.where(t < warm, (t + 1) / max(warm, 1), (steps - t) / (steps - warm))


def dropped_quietly(h, share, seed):
    return right.dropped(h, share, seed) * (1 - share)


def dropped_for_all_events(h, share, seed):
    return h * (np.random.default_rng(seed).random(h.shape[1]) >= share) / (1 - share)


def dropped_whole_events(h, share, seed):
    return h * (np.random.default_rng(seed).random((len(h), 1)) >= share) / (1 - share)


def batch_norm_of_layer(u, gain, shift):
    return right.batch_norm(u.T, gain=1, shift=0).T * gain + shift


def batch_norm_unbiased(u, gain, shift):
    return gain * (u - u.mean(axis=0)) / np.sqrt(u.var(axis=0, ddof=1) + 1e-5) + shift


def batch_norm_of_all(u, gain, shift):
    return gain * (u - u.mean()) / np.sqrt(u.var() + 1e-5) + shift


def table_of_middles(p, y, edges):
    return (edges[1:] + edges[:-1]) / 2, *right.reliability_table(p, y, edges)[1:]


def table_of_all(p, y, edges):
    """The share of all events, not of those in the bin."""
    told, share, count = right.reliability_table(p, y, edges)
    return told, share * count / len(p), count


def table_without_one(p, y, edges):
    """The last bin does not hold its upper end."""
    return right.reliability_table(p[p < 1], y[p < 1], edges)


def share_after_one_step(p, trained):
    return right.share_of_signal(p, trained, steps=1)


def share_from_one_half(p, trained):
    return right.share_of_signal(p, 0.5)


def pinball_turned(q, y, level):
    return right.pinball(q, y, 1 - level)


def pinball_uphill(q, y, level):
    cost, slope = right.pinball(q, y, level)
    return cost, -slope


def pinball_squared(q, y, level):
    """An expectile."""
    price = np.where(y > q, level, 1 - level)
    return price * (y - q) ** 2, -2 * price * (y - q)


def margin_of_rank(rank, order=np.sort):
    def conformal_margin(errors, coverage):
        k = rank(len(errors), coverage)
        return order(errors)[min(max(k, 1), len(errors)) - 1]

    return conformal_margin


def energies_without_one(u, g, low, high):
    p = 1.0000001 - g
    return (low**p + u * (high**p - low**p)) ** (1 / p) if g != 1 else low + u * (high - low)


def energies_integrated_twice(u, g, low, high):
    return right.energies(u, g - 1, low, high)


def profile_below_the_start(X, x_max, x_0, length):
    far = np.abs(X - x_0) / (x_max - x_0)
    return far ** ((x_max - x_0) / length) * np.exp((x_max - X) / length)


def profile_from_the_top(X, x_max, x_0, length):
    return (np.maximum(X, 0) / x_max) ** (x_max / length) * np.exp((x_max - X) / length)


def profile_as_a_bell(X, x_max, x_0, length):
    return np.exp(-((X - x_max) ** 2) / (2 * length * (x_max - x_0))) * (x_0 < X)


def profile_not_normed(X, x_max, x_0, length):
    return 2 * right.profile(X, x_max, x_0, length)


def met_on_the_map(position, core, zenith, azimuth):
    t = right.distance_and_time(position, core, zenith, azimuth)[1]
    return np.hypot(*(position - core)[:, :2].T), t


def met_in_space(position, core, zenith, azimuth):
    t = right.distance_and_time(position, core, zenith, azimuth)[1]
    return np.linalg.norm(position - core, axis=1), t


def met_from_behind(position, core, zenith, azimuth):
    r, t = right.distance_and_time(position, core, zenith, azimuth)
    return r, -t


def met_from_the_north(position, core, zenith, azimuth):
    return right.distance_and_time(position, core, zenith, np.pi / 2 - azimuth)


def met_around_the_origin(position, core, zenith, azimuth):
    return right.distance_and_time(position, 0 * core, zenith, azimuth)


def plane_of_the_far_side(x, y, t):
    u, v, start = right.plane_direction(x, y, t)
    return np.array([-u, -v, start])


def plane_without_a_start(x, y, t):
    u, v = np.linalg.lstsq(np.column_stack([-x, -y]) / 0.299792458, t, rcond=None)[0]
    return np.array([u, v, 0.0])


def plane_from_the_mean(x, y, t):
    u, v, _ = right.plane_direction(x, y, t)
    return np.array([u, v, t.mean()])


def plane_in_metres(x, y, t):
    return np.linalg.lstsq(np.column_stack([-x, -y, np.ones(len(x))]), t, rcond=None)[0]


def plane_through_three(x, y, t):
    return right.plane_direction(x[:3], y[:3], t[:3])


def angles_by_cosine(n, m):
    return np.arccos(np.clip((n * m).sum(axis=1), -1, 1))


def angles_by_sine(n, m):
    return np.arcsin(np.clip(np.linalg.norm(np.cross(n, m), axis=1), 0, 1))


def angles_by_chord(n, m):
    return np.linalg.norm(n - m, axis=1)


def size_of_the_hits(n, shape):
    return right.shower_size(n[n > 0], shape[n > 0])


def size_by_ratios(n, shape):
    return np.mean(n / shape), right.shower_size(n, shape)[1]


def size_by_squares(n, shape):
    return n @ shape / (shape @ shape), right.shower_size(n, shape)[1]


def size_with_any_error(error):
    def shower_size(n, shape):
        size = right.shower_size(n, shape)[0]
        return size, error(n, size)

    return shower_size


def intensity_in_zenith(signal, zenith, edges, k):
    return right.equal_intensity(signal, np.arcsin(np.sqrt(np.sin(zenith))), edges, k)


def intensity_of_all(signal, zenith, edges, k):
    return np.full(len(edges) - 1, np.sort(signal)[-k * (len(edges) - 1)])


def intensity_between_two(signal, zenith, edges, k):
    above = right.equal_intensity(signal, zenith, edges, k)
    return (above + right.equal_intensity(signal, zenith, edges, k + 1)) / 2


def purity(truth, called, classes):
    table = np.zeros((classes, classes))
    np.add.at(table, (called, truth), 1)
    return table / np.maximum(table.sum(axis=1), 1)[:, None]


def response_of_all(truth, called, classes):
    table = np.zeros((classes, classes))
    np.add.at(table, (called, truth), 1)
    return table / len(truth)


def fractions_inverted(counts, matrix):
    return np.linalg.solve(matrix, counts / counts.sum())


def fractions_inverted_and_cut(counts, matrix):
    f = np.maximum(fractions_inverted(counts, matrix), 0)
    return f / f.sum()


def fractions_not_normed(counts, matrix):
    return counts.sum() * right.likeliest_fractions(counts, matrix)


def mean_of_lightest(fractions, covariance, masses):
    a = np.log(fractions @ masses)
    return a, np.sqrt(masses @ covariance @ masses) / np.exp(a)


def mean_with_errors_alone(fractions, covariance, masses):
    a = np.log(masses)
    return fractions @ a, np.sqrt(np.diag(covariance) @ a**2)


def interval_of_root_n(left, events, level):
    p = left / events
    error = norm.ppf(0.5 + level / 2) * np.sqrt(p * (1 - p) / events)
    return max(p - error, 0.0), min(p + error, 1.0)


def interval_of_wilson(left, events, level):
    p, z2 = left / events, norm.ppf(0.5 + level / 2) ** 2
    middle = (p + z2 / events / 2) / (1 + z2 / events)
    error = np.sqrt(z2) * np.sqrt(p * (1 - p) / events + z2 / events**2 / 4) / (1 + z2 / events)
    return middle - error, middle + error


def interval_of_one_side(left, events, level):
    return right.exact_interval(left, events, 2 * level - 1)


def interval_of_upper_tails(left, events, level):
    """P(> left) in place of P(≥ left) at the lower end."""
    low, high = right.exact_interval(left, events, level)
    if 0 < left < events:
        low = right.exact_interval(left + 1, events, level)[0]
    return low, high


def limit_less_background(n, background, level):
    return right.upper_limit(n, 0.0, level) - background


def limit_by_root_n(n, background, level):
    return max(n - background, 0.0) + norm.ppf(level) * np.sqrt(n)


def limit_two_sided(n, background, level):
    return right.upper_limit(n, background, 1 - (1 - level) / 2)


def counts_by(order):
    """The belt whose numbers come in the order of these values, the largest first."""

    def allowed(s, b, level):
        n = np.arange(101)
        p = poisson.pmf(n, s + b)
        first = np.argsort(-order(n, p, s, b), kind="stable")
        needed = first[: np.searchsorted(np.cumsum(p[first]), level) + 1]
        return needed.min(), needed.max()

    return allowed


def counts_central(s, b, level):
    return poisson.ppf((1 - level) / 2, s + b), poisson.ppf(0.5 + level / 2, s + b)


def counts_one_short(s, b, level):
    low, high = right.allowed_counts(s, b, level)
    return low, high - 1


def counts_and_one(s, b, level):
    low, high = right.allowed_counts(s, b, level)
    return low, high + 1


def sigma_with_nans(on, off, alpha):
    n = on + off
    with np.errstate(all="ignore"):
        inner = on * np.log((1 + alpha) / alpha * on / n) + off * np.log((1 + alpha) * off / n)
    return np.sign(on - alpha * off) * np.sqrt(2 * np.maximum(inner, 0.0))


def sigma_of_root_background(on, off, alpha):
    return (on - alpha * off) / np.sqrt(np.maximum(alpha * off, 1.0))


def sigma_of_both_errors(on, off, alpha):
    return (on - alpha * off) / np.sqrt(on + alpha**2 * off)


def direction_overflowing(p, y):
    k = np.linalg.norm(p)
    with np.errstate(all="ignore"):
        value = np.log(4 * np.pi * np.sinh(k) / k) - p @ y
    return value, right.direction_loss(p, y)[1]


def direction_by_squares(p, y):
    return np.sum((p - y) ** 2), 2 * (p - y)


def direction_without_constant(p, y):
    return -p @ y, -y


def direction_slope_of_length(p, y):
    k = np.linalg.norm(p)
    return right.direction_loss(p, y)[0], (1 / np.tanh(k) - 1 / k) * p - y


def psi_by(angle=right.angles, weighted=True, level=0.6827):
    def psi_68(n, m, weight):
        off = angle(n, m)
        order = np.argsort(off)
        w = weight[order] if weighted else np.ones(len(off))
        return off[order][np.searchsorted(np.cumsum(w) / w.sum(), level)]

    return psi_68


def psi_in_order(n, m, weight):
    off = right.angles(n, m)
    return off[np.searchsorted(np.cumsum(weight) / weight.sum(), 0.6827)]


def set_times_mask(s, hit, phi):
    h = np.array([phi(one) for one in s])
    return np.sum(h * hit[..., None], axis=1)


def set_of_all(s, hit, phi):
    return np.nan_to_num(np.array([phi(one).sum(axis=0) for one in s]))


def set_mean(s, hit, phi):
    return right.set_sum(s, hit, phi) / np.maximum(hit.sum(axis=1), 1)[:, None]


def set_largest(s, hit, phi):
    return np.array([
        phi(one[mask]).max(axis=0, initial=0.0) for one, mask in zip(s, hit, strict=True)
    ])  # fmt: skip


def set_phi_of_sum(s, hit, phi):
    return phi(np.where(hit[..., None], s, 0).sum(axis=1))


def set_weighted_by_place(s, hit, phi):
    return np.array([
        (phi(one[mask]) / np.arange(1, mask.sum() + 1)[:, None]).sum(axis=0)
        for one, mask in zip(s, hit, strict=True)
    ])  # fmt: skip


def set_at_least_one(s, hit, phi):
    hit = hit.copy()
    hit[~hit.any(axis=1), 0] = True
    return right.set_sum(s, hit, phi)


def bound_with_known_start(x, y, sigma):
    J = np.column_stack([x, y]) / right.LIGHT
    return np.linalg.inv(J.T @ (J / sigma[:, None] ** 2))


def bound_of_information(x, y, sigma):
    return np.linalg.inv(right.plane_bound(x, y, sigma))


def bound_of_shares(x, y, sigma):
    return right.plane_bound(x, y, sigma * np.sqrt(np.sum(1 / sigma**2)))


def bound_of_mean_sigma(x, y, sigma):
    return right.plane_bound(x, y, np.full(len(x), sigma.mean()))


def distance_by_order(x, v, y, w):
    order = np.argsort(np.concatenate([x, y]), kind="stable")
    steps = np.concatenate([v / v.sum(), -w / w.sum()])[order]
    return np.abs(np.cumsum(steps)).max()


def ratio_with_error(error):
    def f(n, s, q):
        ratio = n / s * s.sum() / n.sum()
        return ratio, ratio * error(n, s, q)

    return f


def odds_not_cut(p, largest):
    w = p / np.maximum(1 - p, 1e-12)
    return w / w.mean()


def odds_cut_last(p, largest):
    w = p / np.maximum(1 - p, 1e-12)
    return np.minimum(w / w.mean(), largest)


def told_without_ties(simulated, measured):
    n, m = len(simulated), len(measured)
    area = np.mean(measured[:, None] > simulated)
    return area, (area - 0.5) / np.sqrt((n + m + 1) / (12 * n * m))


def told_by_hanley(simulated, measured):
    area, _ = right.told_apart_by(simulated, measured)
    return area, (area - 0.5) / np.sqrt(
        area * (1 - area) / min(len(simulated), len(measured)) + 1e-9
    )


WRONG = {
    "01.1": [
        lambda label, answer: np.sum(label == answer),
        lambda label, answer: np.mean(label != answer),
        lambda label, answer: 100 * np.mean(label == answer),
        lambda label, answer: 1 - np.mean(np.abs(label - answer)) / 10,
        lambda label, answer: np.mean([np.mean(label[answer == k] == k) for k in set(answer)]),
    ],
    "01.2": [
        lambda label, answer, classes: right.confusions(answer, label, classes),
        lambda label, answer, classes: right.confusions(label, answer, classes) / len(label),
        lambda label, answer, classes: right.confusions(label, answer, label.max() + 1),
        lambda label, answer, classes: np.diag(np.bincount(answer, minlength=classes)),
    ],
    "01.3": [
        nearest_by(lambda d: np.abs(d).sum(axis=2)),
        nearest_by(lambda d: (d**2).sum(axis=2), np.argmax),
        nearest_by(lambda d: np.abs(d[..., 0])),
        nearest_by(lambda d: np.abs(d.sum(axis=2))),
    ],
    "01.4": [
        in_order,
        on_training,
        same_seed,
        with_everything,
        lambda *given: 100 * right.honest_share(*given),
    ],
    "02.1": [half, half_slope, a_sum, no_intercept_slope, minus_slope, penalised],
    "02.2": [
        without_intercept,
        lambda x, y: -right.least_squares(x, y),
        lambda x, y: np.append(y.mean(), right.least_squares(x, y)[1:]),
        lambda x, y: np.roll(right.least_squares(x, y), -1),
    ],
    "02.3": [
        lambda x, y, weight: right.least_squares(x, y),
        lambda x, y, weight: solved(x, y, weight**2),
        lambda x, y, weight: right.least_squares(x * weight[:, None], y * weight),
        lambda x, y, weight: solved(x, y, np.sqrt(weight)),
    ],
    "02.4": [
        errors_of(lambda left, n: left / n),
        errors_of(lambda left, n: left / (n - 1)),
        errors_of(lambda left, n: 1.0),
        errors_of(root=False),
    ],
    "03.1": [
        step_by(lambda n: -1),
        step_by(lambda n: 0.5),
        step_by(lambda n: n),
        step_by(lambda n: 1, intercept=False),
        step_in_place,
        the_move_alone,
    ],
    "03.2": [
        rate_of(0.5),
        rate_of(2.0),
        rate_of(design=lambda x: x),
        rate_of(mean=False),
        rate_of(design=lambda x: (x - x.mean(axis=0)) / x.std(axis=0)),
        smallest_curvature,
    ],
    "03.3": [nesterov, damped, no_speed, one_too_many],
    "03.4": [
        epoch_in_order,
        epoch_with_repetition,
        epoch_of_a_batch,
        epoch_upwards,
        epoch_unrepeatable,
    ],
    "04.1": [
        overflowing,
        lambda margin: right.logistic(-margin),
        lambda margin: tuple(part / np.log(2) for part in right.logistic(margin)),
        lambda margin: (right.logistic(margin)[0], -right.logistic(margin)[1]),
    ],
    "04.2": [
        roc_one_by_one,
        roc_below,
        roc_without_zero,
        roc_swapped,
        roc_on_a_grid,
        roc_of_the_file,
    ],
    "04.3": [
        balanced_sum_one,
        balanced_by_share,
        balanced_by_leaving_out,
        lambda answers: np.ones(len(answers)),
    ],
    "04.4": [moved_from_one_half, moved_by_ratio, moved_backwards, moved_signal_only],
    "05.1": [cut_by_quantile, cut_of_all, cut_of_background, cut_one_less],
    "05.2": [
        suspects_with_constants,
        suspects_upwards,
        suspects_by_correlation,
        lambda x, y, level: [],
    ],
    "05.3": [
        events_at_random,
        first_groups,
        groups_by_events,
        lambda group, share, seed: right.test_events(group, 1 - share, seed),
        lambda group, share, seed: right.test_events(group, share, 0),
    ],
    "05.4": [
        interval_without_repetition,
        interval_95,
        interval_by_spread,
        interval_small,
        lambda figure, values, replicas, seed: right.interval(figure, values, replicas, None),
    ],
    "06.1": [raw_forgetting_the_mean, raw_forgetting_the_intercept, raw_times_scale, raw_plus],
    "06.2": [
        gram_sums,
        gram_centred,
        lambda x, y: (right.gram(x, y)[0], 2 * right.gram(x, y)[1]),
    ],
    "06.3": [variance_by_squares, variance_all_at_once, variance_of_blocks, variance_unbiased],
    "06b.1": [follow_late, follow_half, follow_whole],
    "06b.2": [rate_half, rate_by_training, lambda y, rates: rates[0], lambda y, rates: 0.1],
    "06c.1": [
        completed_by(np.nanmean),
        completed_by(lambda seen, axis: np.zeros(seen.shape[1])),
        completed_by(of=lambda seen, x: np.concatenate([seen, x])),
        completed_unflagged,
        completed_flagged_by_itself,
        completed_in_place,
        completed_presence,
        completed_backwards,
    ],
    "06c.2": [
        indicators_in_order,
        indicators_nearest,
        indicators_of_these,
        indicators_with_missing,
        indicators_missing_first,
        indicators_cut,
        indicators_inside,
    ],
    "06c.3": [
        mean_of_sizes,
        mean_of_the_positive,
        mean_unweighted_error,
        mean_counting_rows,
        mean_counting_weight,
        mean_unbiased,
    ],
    "07.1": [
        lambda h, W, b: np.maximum(h @ W, 0),
        lambda h, W, b: h @ W + b,
        lambda h, W, b: np.tanh(h @ W + b),
        lambda h, W, b: np.maximum(h @ W, 0) + b,
        each_neuron_shares,
        each_event_shares,
    ],
    "07.2": [
        silu_overflowing,
        silu_slope_of_one_factor,
        lambda u: (np.maximum(u, 0), (u > 0) * 1.0),
        lambda u: (right.sigmoid(u), right.sigmoid(u) * right.sigmoid(-u)),
        lambda u: (right.silu(-u)[0], -right.silu(-u)[1]),
    ],
    "07.3": [
        back_without_the_bend,
        back_bent_by_the_inputs,
        back_by_means,
        back_through_the_layer_only,
    ],
    "07.4": [
        lambda low, high: right.exclusive_or(0.0, 1.0),
        either_or_both,
        both,
        the_same,
    ],
    "08.1": [
        lambda features, hidden, outputs: sum(hidden) + outputs,
        lambda features, hidden, outputs: right.how_many(features - 1, hidden, outputs),
        how_many_outputs_plain,
        how_many_by_square,
    ],
    "08.2": [
        adam_uncorrected,
        momentum_moves,
        lambda gradients, rate: -right.adam_moves(gradients, rate),
        lambda gradients, rate: right.adam_moves(gradients, rate, 0.999, 0.9),
        lambda gradients, rate: right.adam_moves(gradients, rate, root=lambda v: v),
        lambda gradients, rate: -rate * np.sign(gradients),
    ],
    "08.3": [
        ended_at_best,
        ended_at_last,
        ended_by_rises,
        ended_late,
        lambda losses, patience: (right.ended(losses, patience)[0], int(np.argmin(losses))),
    ],
    "08.4": [
        spread_cost_of_sigma,
        spread_cost_without_constant,
        spread_cost_squares_only,
        lambda m, s, y: tuple(-part for part in right.spread_cost(m, s, y)),
        lambda m, s, y: (*right.spread_cost(m, s, y)[:2], right.spread_cost(m, s, y)[2] / 2),
    ],
    "09.1": [
        lambda widths, gain, seed: right.first_weights(widths, 1.0, seed),
        lambda widths, gain, seed: right.first_weights(widths, gain, 0),
        lambda widths, gain, seed: right.first_weights(widths, gain, seed, lambda d, k, g: g / d),
        lambda widths, gain, seed: right.first_weights(
            widths, gain, seed, lambda d, k, g: np.sqrt(2 * g / (d + k))
        ),
        weights_equal,
        weights_of_one_seed,
    ],
    "09.2": [warm_without_one, warm_to_zero, warm_over_all, warm_line],
    "09.3": [
        dropped_quietly,
        dropped_for_all_events,
        dropped_whole_events,
        lambda h, share, seed: right.dropped(h, 1 - share, seed) if share else h,
        lambda h, share, seed: right.dropped(h, share, None),
        lambda h, share, seed: right.dropped(h, max(share, 0.1), seed),
    ],
    "09.4": [
        batch_norm_of_layer,
        batch_norm_unbiased,
        batch_norm_of_all,
        lambda u, gain, shift: right.batch_norm(u, 1.0, 0.0),
        lambda u, gain, shift: right.batch_norm(u, gain, shift, least=0.1),
        lambda u, gain, shift: gain * (u - u.mean(axis=0)) + shift,
        lambda u, gain, shift: (
            gain * (u - u.mean(axis=0)) / (np.maximum(u.std(axis=0), 1e-30)) + shift
        ),
    ],
    "10.1": [
        table_of_middles,
        table_of_all,
        table_without_one,
        lambda p, y, edges: right.reliability_table(p, y, edges, side="left"),
        lambda p, y, edges: right.reliability_table(y, p, edges),
    ],
    "10.2": [
        lambda p, trained: p.mean(),
        lambda p, trained: (p > 0.5).mean(),
        lambda p, trained: trained,
        share_after_one_step,
        share_from_one_half,
    ],
    "10.3": [
        pinball_turned,
        pinball_uphill,
        pinball_squared,
        lambda q, y, level: (np.abs(y - q), np.sign(q - y)),
        lambda q, y, level: (np.abs(y - q) / 2, np.sign(q - y) / 2),
    ],
    "10.4": [
        lambda errors, coverage: np.quantile(errors, coverage),
        margin_of_rank(lambda n, c: int(np.ceil(n * c))),
        margin_of_rank(lambda n, c: int((n + 1) * c)),
        margin_of_rank(lambda n, c: int(np.ceil((n + 1) * c)), order=np.asarray),
        margin_of_rank(lambda n, c: n),
        margin_of_rank(lambda n, c: int(np.ceil((n + 1) * c)) + 1),
    ],
    "11.1": [
        lambda u, g, low, high: low + u * (high - low),
        lambda u, g, low, high: low * (high / low) ** u,
        lambda u, g, low, high: right.energies(1 - u, g, low, high),
        energies_without_one,
        energies_integrated_twice,
    ],
    "11.2": [
        profile_below_the_start,
        profile_from_the_top,
        profile_as_a_bell,
        profile_not_normed,
    ],
    "11.3": [
        lambda w: len(w),
        lambda w: w.sum(),
        lambda w: (w > 0.01 * w.max()).sum(),
        lambda w: w.sum() / w.max(),
        lambda w: (w**2).sum() / w.sum() ** 2,
    ],
    "11.4": [
        met_on_the_map,
        met_in_space,
        met_from_behind,
        met_from_the_north,
        met_around_the_origin,
    ],
    "12.1": [
        plane_of_the_far_side,
        plane_without_a_start,
        plane_from_the_mean,
        plane_in_metres,
        plane_through_three,
    ],
    "12.2": [
        angles_by_cosine,
        angles_by_sine,
        angles_by_chord,
        lambda n, m: np.rad2deg(right.angles(n, m)),
        lambda n, m: -right.angles(n, m),
    ],
    "12.3": [
        size_of_the_hits,
        size_by_ratios,
        size_by_squares,
        size_with_any_error(lambda n, size: np.sqrt(size)),
        size_with_any_error(lambda n, size: size**2 / n.sum()),
        size_with_any_error(lambda n, size: size / np.sqrt(len(n))),
    ],
    "12.4": [
        intensity_in_zenith,
        intensity_of_all,
        intensity_between_two,
        lambda signal, zenith, edges, k: right.equal_intensity(signal, zenith, edges, k + 1),
        lambda signal, zenith, edges, k: right.equal_intensity(-signal, zenith, edges, k),
    ],
    "13.1": [
        direction_overflowing,
        direction_by_squares,
        direction_without_constant,
        direction_slope_of_length,
        lambda p, y: (right.direction_loss(p, y)[0] - np.log(4 * np.pi), y),
    ],
    "13.2": [
        psi_by(lambda n, m: np.arccos(np.clip((n * m).sum(axis=1), -1, 1))),
        psi_by(lambda n, m: np.rad2deg(right.angles(n, m))),
        psi_by(weighted=False),
        psi_by(level=0.5),
        psi_in_order,
    ],
    "13.3": [
        set_times_mask,
        set_of_all,
        set_mean,
        set_largest,
        set_phi_of_sum,
        set_weighted_by_place,
        set_at_least_one,
    ],
    "13.4": [
        bound_with_known_start,
        bound_of_information,
        bound_of_shares,
        bound_of_mean_sigma,
        lambda x, y, sigma: right.plane_bound(x, y, sigma) / right.LIGHT**2,
        lambda x, y, sigma: right.plane_bound(x, y, np.sqrt(sigma)),
        lambda x, y, sigma: np.sqrt(np.abs(right.plane_bound(x, y, sigma))),
    ],
    "14.1": [
        purity,
        response_of_all,
        lambda truth, called, classes: right.response_matrix(called, truth, classes),
        lambda truth, called, classes: right.response_matrix(truth, called, classes).T,
    ],
    "14.2": [
        lambda counts, matrix: counts / counts.sum(),
        fractions_inverted,
        fractions_inverted_and_cut,
        fractions_not_normed,
        lambda counts, matrix: right.likeliest_fractions(counts, matrix, steps=5),
        lambda counts, matrix: matrix.T @ counts / counts.sum(),
    ],
    "14.3": [
        mean_of_lightest,
        mean_with_errors_alone,
        lambda f, C, A: (f @ np.log10(A), np.sqrt(np.log10(A) @ C @ np.log10(A))),
        lambda f, C, A: (f @ np.log(A), np.sqrt(np.trace(C))),
        lambda f, C, A: (f @ np.log(A), np.log(A) @ C @ np.log(A)),
    ],
    "14.4": [
        lambda f, e: f,
        lambda f, e: f / e,
        lambda f, e: f * e / np.sum(f * e),
        lambda f, e: np.maximum(f, 0.01) / e / np.sum(np.maximum(f, 0.01) / e),
    ],
    "15.1": [
        interval_of_root_n,
        interval_of_wilson,
        interval_of_one_side,
        interval_of_upper_tails,
    ],
    "15.2": [
        limit_less_background,
        limit_by_root_n,
        limit_two_sided,
        lambda n, b, level: n + 3.0,
        lambda n, b, level: right.upper_limit(n, b, level) + b,
    ],
    "15.3": [
        counts_by(lambda n, p, s, b: p),
        counts_by(lambda n, p, s, b: -n),
        counts_by(lambda n, p, s, b: p / poisson.pmf(n, n)),
        counts_central,
        counts_one_short,
        counts_and_one,
        lambda s, b, level: (0, right.allowed_counts(s, b, level)[1]),
    ],
    "15.4": [
        sigma_with_nans,
        sigma_of_root_background,
        sigma_of_both_errors,
        lambda on, off, alpha: np.abs(right.significance(on, off, alpha)),
        lambda on, off, alpha: right.significance(on, off, 1 / alpha),
        lambda on, off, alpha: right.significance(on, off, alpha) ** 2,
        lambda on, off, alpha: right.significance(on, off, alpha) / np.sqrt(2),
    ],
    "16.1": [
        distance_by_order,
        lambda x, v, y, w: right.distance(x, np.ones(len(x)), y, np.ones(len(y))),
        lambda x, v, y, w: abs(np.average(x, weights=v) - np.average(y, weights=w)),
        lambda x, v, y, w: np.abs(
            (x <= y[:, None]) @ v / v.sum() - (y <= y[:, None]) @ w / w.sum()
        ).mean(),
    ],
    "16.2": [
        ratio_with_error(lambda n, s, q: 1 / np.sqrt(n)),
        ratio_with_error(lambda n, s, q: np.sqrt(1 / n + 1 / s)),
        ratio_with_error(lambda n, s, q: np.sqrt(1 / n + q / s**2) * s.sum() / n.sum()),
        lambda n, s, q: (n / s, n / s * np.sqrt(1 / n + q / s**2)),
        lambda n, s, q: (s / n * n.sum() / s.sum(), np.sqrt(1 / n + q / s**2)),
    ],
    "16.3": [
        odds_not_cut,
        odds_cut_last,
        lambda p, largest: np.minimum(p / np.maximum(1 - p, 1e-12), largest),
        lambda p, largest: p / p.mean(),
        lambda p, largest: right.weights_of(1 - p, largest),
    ],
    "16.4": [
        told_without_ties,
        told_by_hanley,
        lambda a, b: right.told_apart_by(b, a),
        lambda a, b: tuple(np.abs(right.told_apart_by(a, b))),
        lambda a, b: (right.told_apart_by(a, b)[0], right.told_apart_by(a, b)[0] - 0.5),
    ],
}
