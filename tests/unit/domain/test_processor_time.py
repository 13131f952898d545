"""What a function may use of a processor at once, and how long its neighbours wait behind that."""

from __future__ import annotations

import pytest

from orchestrator.domain.processor_time import MIB_PER_VCPU, cpu_period_us, cpu_quota_us, init_cpu_quota_us


@pytest.mark.parametrize("memory_mib", [128, 129, 256, 512, 640, 1024, 1769, 3008, 10_240])
def test_a_function_has_its_memorys_share_whatever_its_period(memory_mib: int) -> None:
    """One vCPU at 1,769 MB."""
    share = cpu_quota_us(memory_mib) / cpu_period_us(memory_mib)
    assert share == pytest.approx(memory_mib / MIB_PER_VCPU, rel=0.001)


@pytest.mark.parametrize(
    ("memory_mib", "period_us"), [(128, 100_000), (256, 50_000), (512, 25_000), (640, 20_000), (10_240, 20_000)]
)
def test_a_period_is_as_short_as_the_share_allows(memory_mib: int, period_us: int) -> None:
    """What a function of 128 MB does in one go, a larger one does in one go as well."""
    assert cpu_period_us(memory_mib) == period_us
    assert cpu_quota_us(memory_mib) >= cpu_quota_us(128)


@pytest.mark.parametrize("memory_mib", [128, 512, 1769, 10_240])
def test_an_init_has_one_processor_or_the_functions_own_share_if_that_is_more(memory_mib: int) -> None:
    """In the same periods: only what it has in each of them changes when it is over."""
    processors = init_cpu_quota_us(memory_mib) / cpu_period_us(memory_mib)
    assert processors == pytest.approx(max(1.0, memory_mib / MIB_PER_VCPU), rel=0.001)
