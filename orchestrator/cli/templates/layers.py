"""
AWS::Lambda::LayerVersion whose content is here: a folder or a zip file.

The same files give the same zip, byte for byte: that is how a layer that did not change is known.
AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-layerversion.html
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.cli.templates.shapes import shaped
from orchestrator.cli.templates.wanted import Ask, Call, NotForPaddock, Standing, Wanted, members_that_differ

_SHA = "CodeSha256"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class LayerKind:
    """
    Layers.

    Args:
        folder: What paths are relative to.
    """

    type = "AWS::Lambda::LayerVersion"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._zips: dict[str, bytes] = {}

    def wanted(self, logical_id: str, properties: Mapping[str, Any]) -> Wanted:
        """As `Kind`."""
        content = properties.get("Content")
        path = self._folder / content if isinstance(content, str) else None
        if path is None or not path.exists():
            raise NotForPaddock("its content is not a folder or zip file here")
        zipped = self._zips[logical_id] = path.read_bytes() if path.is_file() else zip_of(path)
        name = str(properties.get("LayerName") or logical_id)
        described = {key: value for key, value in properties.items() if key not in ("LayerName", "Content")}
        given = shaped("PublishLayerVersion", described)
        members = {_SHA: base64.b64encode(hashlib.sha256(zipped).digest()).decode(), **given}
        return Wanted(logical_id=logical_id, type=self.type, name=name, target={"LayerName": name}, members=members)

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """As `Kind`."""
        listed = (ask("ListLayerVersions", **wanted.target) or {}).get("LayerVersions", [])
        if not listed:
            return None
        found = ask("GetLayerVersion", **wanted.target, VersionNumber=listed[0]["Version"])
        if found is None:
            return None
        members = {**found, _SHA: found["Content"]["CodeSha256"]}
        return Standing(members=members, values={"LayerVersionArn": found["LayerVersionArn"]})

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """As `Kind`."""
        return members_that_differ(wanted, standing)

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """As `Kind`."""
        return bool(differing)

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """As `Kind`. A version of a layer is never changed: another one is published."""
        members = {key: value for key, value in wanted.members.items() if key != _SHA}
        content = {"Content": {"ZipFile": self._zips[wanted.logical_id]}}
        return [Call(operation="PublishLayerVersion", parameters={**wanted.target, **content, **members})]


def zip_of(folder: Path) -> bytes:
    """A folder's files, in order, without times."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.external_attr = (path.stat().st_mode & 0xFFFF) << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return written.getvalue()
