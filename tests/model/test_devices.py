import os

import pytest
import torch

from model import devices
from model.errors import MakemoreError

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
no_gpu = pytest.mark.skipif(
    torch.cuda.is_available() or torch.backends.mps.is_available(), reason="there is a GPU"
)
no_mps = pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is an Apple GPU")


def test_the_cpu_is_always_here():
    choice = devices.choose("cpu")
    assert choice.device == torch.device("cpu")
    assert str(choice) == "cpu (as asked)"


@no_gpu
def test_without_a_gpu_the_cpu_is_chosen_and_the_reason_is_given():
    choice = devices.choose("auto")
    assert choice.name == "cpu"
    assert "CUDA" in choice.reason


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_cuda_gpu_is_preferred_and_named():
    choice = devices.choose("auto")
    assert choice.name == "cuda"
    assert torch.cuda.get_device_name() in choice.reason


@no_cuda
def test_a_missing_cuda_gpu_is_an_error_that_says_what_to_do():
    with pytest.raises(MakemoreError, match=r"cuda cannot be used: .*CUDA.*; choose auto or cpu"):
        devices.choose("cuda")


@no_mps
def test_a_missing_apple_gpu_is_an_error_that_says_what_to_do():
    with pytest.raises(MakemoreError, match=r"mps cannot be used: .*; choose auto or cpu"):
        devices.choose("mps")


def test_a_tiny_model_gets_one_thread():
    torch.set_num_threads(2)
    devices.fit_threads(27 * 27)
    assert torch.get_num_threads() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's affinity")
def test_cores_that_are_not_to_be_used_get_no_thread():
    usable = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(usable)})
        devices.fit_threads(1 << 24)
        assert torch.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, usable)


@pytest.mark.skipif((os.cpu_count() or 1) < 3, reason="needs three cores")
def test_a_large_model_leaves_cores_to_others():
    devices.fit_threads(1 << 24)
    assert 1 <= torch.get_num_threads() < (os.cpu_count() or 1)
