"""
A function's processor time: its memory's share of one, in periods as short as that share allows.

Within a period it may use its share at once, on every processor of the host: the shorter the period, the shorter the
burst that its neighbours wait behind. Not shorter than that a small function can answer in one go (ADR 14).
AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

from __future__ import annotations

MIB_PER_VCPU = 1769
"""AWS gives a function one vCPU at 1,769 MB."""
_SHORTEST_PERIOD_US = 20_000
_LONGEST_PERIOD_US = 100_000
_SMALLEST_MIB = 128


def cpu_period_us(memory_mib: int) -> int:
    """
    How long a period of this function is: 100 ms with 128 MB, 25 with 512, 20 with 640 and more.

    Args:
        memory_mib: The function's memory.

    Returns: Microseconds.
    """
    return max(_SHORTEST_PERIOD_US, _LONGEST_PERIOD_US * _SMALLEST_MIB // memory_mib)


def cpu_quota_us(memory_mib: int) -> int:
    """
    The processor time that a function of this memory gets in each of its periods.

    Args:
        memory_mib: The function's memory.

    Returns: Microseconds.
    """
    return memory_mib * cpu_period_us(memory_mib) // MIB_PER_VCPU


def init_cpu_quota_us(memory_mib: int) -> int:
    """
    The same while it initializes: one processor, or more if it has more.

    Less makes an init take many times as long; without any, one that spins takes the host from all others.
    """
    return max(cpu_period_us(memory_mib), cpu_quota_us(memory_mib))
