"""Invocations on their way: admitted, recorded, matched with environments, ended, retried, recovered."""
