"""Measured kernels beside the terms of the roofline, predicted over measured minus one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.calibration.kernels.measured import Draw, MeasuredKernels, Product
from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.execution import RooflineExecution
from simulator.latency.machine import Machine, machine_of
from simulator.latency.power import PhaseWork, step_energy_j
from simulator.latency.roofline.constants import RooflineConstants, resolve_constants
from simulator.latency.roofline.terms import gemm_s
from simulator.scenario.backend import AutoBackendSpec

_BYTES = {"bf16": 2, "fp8": 1}


@dataclass(frozen=True, slots=True)
class ComparedProduct:
    """A product with its predicted time [us]."""

    measured: Product
    predicted_us: float

    @property
    def error(self) -> float:
        """Predicted over measured minus one."""
        return self.predicted_us / self.measured.us - 1.0


@dataclass(frozen=True, slots=True)
class ComparedDraw:
    """A load with its predicted draw [W]."""

    measured: Draw
    predicted_w: float

    @property
    def error(self) -> float:
        """Predicted over measured minus one."""
        return self.predicted_w / self.measured.watts - 1.0


class Comparison:
    """One file of measured kernels against the profile of its device.

    Raises
    ------
    InputError
        Where the device is not one whose steps are priced by a roofline, or has no known power.
    """

    def __init__(self, kernels: MeasuredKernels) -> None:
        device = load_device(kernels.device)
        execution = device.execution
        if not isinstance(execution, RooflineExecution):
            raise InputError(f"{kernels.device} is not priced by a roofline")
        self._machine: Machine = machine_of(device)
        if self._machine.tdp_w is None or self._machine.idle_w is None:
            raise InputError(f"the power of {kernels.device} is not known")
        self._constants: RooflineConstants = resolve_constants(
            execution, self._machine.bandwidth, "bf16", "bf16", AutoBackendSpec(), device.family
        )
        self.products = [ComparedProduct(one, self._product_us(one)) for one in kernels.products]
        self.draws = [ComparedDraw(one, self._watts(one)) for one in kernels.draws]

    def _product_us(self, product: Product) -> float:
        machine = self._machine
        constants = self._constants.gemm_for(product.dtype)
        seconds = gemm_s(
            constants,
            product.n,
            product.k,
            product.tokens,
            _BYTES[product.dtype],
            machine.bandwidth,
            machine.product_flops(product.dtype),
        )
        return constants.fixed_us + 1e6 * seconds

    def _watts(self, draw: Draw) -> float:
        machine = self._machine
        assert machine.tdp_w is not None and machine.idle_w is not None
        if not draw.bytes_per_s:
            return machine.idle_w
        second, nothing = np.ones(1), np.zeros(1)
        work = PhaseWork(second * draw.bytes_per_s, second * draw.flops_per_s)
        _, joules = step_energy_j(
            self._constants.power,
            machine.tdp_w,
            machine.idle_w,
            second,
            PhaseWork(nothing, nothing),
            work,
            machine.bandwidth,
            machine.product_flops(draw.dtype),
        )
        return machine.idle_w + float(joules[0])
