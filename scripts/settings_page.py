"""Writes docs/settings.md from `orchestrator/settings.py`. Run by `make docs`; a test compares."""

from __future__ import annotations

from pathlib import Path

from orchestrator.settings import Settings

TARGET = Path(__file__).parent.parent / "docs" / "settings.md"


def page() -> str:
    """The whole page."""
    lines = [
        "# Settings",
        "",
        "Generated from `orchestrator/settings.py` by `make docs`; do not edit. All are environment variables of the",
        "control plane; with compose, set them in the shell or in `.env`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = ",".join(str(part) for part in default) if isinstance(default, tuple | dict) else default
        lines.append(
            f"| `PADDOCK_{name.upper()}` | {'' if shown in (None, '') else f'`{shown}`'} | {field.description} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    TARGET.write_text(page())
    print(f"wrote {TARGET}")
