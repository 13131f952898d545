"""AWS's service model is the one that comes with us, whoever starts us."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.lambda_api.model import ServiceModel


def test_the_operators_own_configuration_for_aws_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile that is not there, a file that is none, models of one's own: nothing of it counts here."""
    (tmp_path / "config").write_text("[this is no configuration")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    assert "Invoke" in ServiceModel().operation_names()
