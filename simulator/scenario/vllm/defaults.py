"""Batch sizes that vLLM chooses by the device where nobody says them.

Devices with 70 GiB or more (but not the A100) run up to 1,024 requests and 8,192 tokens a step as
an API server, others 256 and 2,048 (``EngineArgs.get_batch_defaults``; general knowledge of vLLM's
source, unverified).
"""

from __future__ import annotations

from simulator.hardware.device import Device

_GIB = 2**30


def batch_defaults(device: Device) -> tuple[int, int]:
    """Default of ``max_num_seqs`` and of ``max_num_batched_tokens`` [tokens]."""
    large = (device.main_memory.capacity or 0.0) >= 70 * _GIB and "a100" not in device.id
    return (1024, 8192) if large else (256, 2048)
