"""Prediction of a 10→64→64→1 relu network, one event and a million, against PyTorch, onnxruntime.

All calculate in single precision with the same weights, from float32 features.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from side_by_side import CPU_BUILD, Row, Side, competitor, race, run, same, times_faster

import baksan as bk

THREADS, D = 2, 10
FLOORS = {1: {"PyTorch": 3, "onnxruntime": 1.1}, 1_000_000: {"onnxruntime": 1}}


def rows(quick: bool) -> Iterator[Row]:
    many = np.random.default_rng(0).standard_normal((1_000_000, D)).astype(np.float32)
    ours = network()
    ours(many[:1])  # compiles, so that the race counts its calls by those that do not
    for n, floors in FLOORS.items():
        x = many[: n // 10 if quick and n > 1 else n]
        sides = {"ours": Side(lambda x=x: ours(x), len(x))}
        if competitor("torch", "torch==2.13.0", CPU_BUILD):
            sides["PyTorch"] = pytorch(ours, x)
        if competitor("onnx") and competitor("onnxruntime"):
            sides["onnxruntime"] = onnxruntime(ours, x, threads=1 if n == 1 else THREADS)
        seconds = race(sides, same_predictions)
        events = "one event" if n == 1 else f"{len(x):,} events"
        for name in list(sides)[1:]:
            claim = f"model(x) of a network, 10→64→64→1, {events}"
            yield times_faster(claim, seconds, name, floors.get(name), rates=n > 1)


def network() -> bk.Network:
    """Drawn at random: the time does not hang on the numbers."""
    some = np.random.default_rng(1).standard_normal((1000, D))
    a = bk.Network((64, 64)).prepared(some, np.ones(len(some)), 1).drawn(0)
    noise = np.random.default_rng(2).normal(0.0, 0.1, a.parameters.shape)
    return a.at_constant(np.array([0.5])).moved(a.parameters + noise)


def layers(a: bk.Network) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (in, out) and biases that take features as they are, in single precision."""
    pairs = [(layer["weight"].astype(float), layer["bias"].astype(float)) for layer in a.layers]
    weight, bias = pairs[0]
    weight = weight / a.encoding.scale[:, None]
    pairs[0] = weight, bias - a.encoding.centre @ weight
    weight, bias = pairs[-1]
    pairs[-1] = weight * a.unit, bias * a.unit + a.offset
    return [(w.astype(np.float32), b.astype(np.float32)) for w, b in pairs]


def pytorch(a: bk.Network, x: np.ndarray) -> Side:
    import torch

    torch.set_num_threads(THREADS)
    parts: list[torch.nn.Module] = []
    for weight, bias in layers(a):
        parts += [torch.nn.Linear(*weight.shape), torch.nn.ReLU()]
        parts[-2].weight.data = torch.from_numpy(weight.T.copy())
        parts[-2].bias.data = torch.from_numpy(bias)
    net, t = torch.nn.Sequential(*parts[:-1]).eval(), torch.from_numpy(x)

    def predict() -> np.ndarray:
        with torch.inference_mode():
            return net(t).numpy()

    return Side(predict, len(x))


def onnxruntime(a: bk.Network, x: np.ndarray, threads: int) -> Side:
    import onnxruntime as engine

    options = engine.SessionOptions()
    options.intra_op_num_threads = threads
    session = engine.InferenceSession(in_onnx(a), options, providers=["CPUExecutionProvider"])
    return Side(lambda: session.run(None, {"x": x})[0], len(x))


def in_onnx(a: bk.Network) -> bytes:
    """The network as matrix products and relus."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, numbers, below = [], [], "x"
    for i, pair in enumerate(layers(a)):
        names = [f"weight {i}", f"bias {i}"]
        numbers += map(numpy_helper.from_array, pair, names)
        nodes.append(helper.make_node("Gemm", [below, *names], [f"u {i}"]))
        nodes.append(helper.make_node("Relu", [f"u {i}"], [below := f"h {i}"]))
    del nodes[-1]
    x, p = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
        for name, width in (("x", D), (nodes[-1].output[0], 1))
    )
    graph = helper.make_graph(nodes, "network", [x], [p], numbers)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def same_predictions(name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    same(f"predictions, against {name}", ours, theirs, rtol=1e-5)


if __name__ == "__main__":
    run(rows, threads=THREADS)
