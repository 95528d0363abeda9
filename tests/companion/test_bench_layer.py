"""The bench of the layer: its table, how multiply-adds are counted, and what it refuses."""

import importlib.util

import pytest
import torch

from companion.bench import bench_layer as layer
from nslib import NeuronStructure, TaskLinear

SMALL = "--features 3 --outputs 2 --batch 8 --rank 2 --repeats 2".split()


def test_prints_a_row_for_each_layer(capsys):
    assert layer.main(SMALL) == 0
    printed = capsys.readouterr().out
    assert "pure(1,2)+interact(2,3;rank=2), 3 -> 2, batch 8, cpu" in printed
    for label in ("nslib TaskLinear, normalised", "nn.Linear, same multiply-adds",
                  "nn.Linear 3 -> 2", "1/1.25"):
        assert label in printed
    peer = importlib.util.find_spec("tnlearn") is not None
    assert ("tnlearn TNLinear, rank 1" in printed) == peer


def test_without_the_peers_only_ours_and_torch_are_measured(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert layer.main(SMALL) == 0
    printed = capsys.readouterr()
    assert "tnlearn" not in printed.out and "tnlearn, of the companion" in printed.err


def test_same_multiply_adds_counts_both_products():
    structure = NeuronStructure((1, 2), (2, 3), rank=8)
    neuron = TaskLinear(64, 64, structure)
    products = neuron.factors.numel() + neuron.weight.numel()
    assert layer.same_multiply_adds(64, 64, structure) * 64 == products == 64 * 40 + 144 * 64
    assert layer.same_multiply_adds(5, 7, NeuronStructure((1,), ())) == 7


def test_a_ratio_compares_steps_of_the_same_turn():
    row = layer._row("authors' CP layer, normalised", [2.0, 9.0, 4.0], [1.0, 3.0, 1.0])
    assert row["ratio"] == 3.0 and row["ratio of least"] == 2.0
    assert row["least ms"] == 2000.0 and row["target"] == "≥ 1.5"
    assert layer._row("nn.Linear 3 -> 2", [1.0], [1.0])["target"] == ""


def test_a_step_differentiates_input_and_parameters():
    neuron = TaskLinear(3, 2)
    gradients = layer.step(neuron, 3, 8)()
    assert [g.shape for g in gradients] == [(8, 3), *(p.shape for p in neuron.parameters())]
    assert all(p.grad is None for p in neuron.parameters())


@pytest.mark.parametrize("arguments, message", [
    (["--batch", "0"], "--batch: found 0, expected 1 or more"),
    (["--device", "tpu"], "--device: found 'tpu', expected cpu"),
    (["--official", "."], "found no folder neuronseek"),
])
def test_bad_options_are_refused(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        layer.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_missing_device_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        layer.main(["--device", "cuda"])
    assert "here is no CUDA device" in capsys.readouterr().err
