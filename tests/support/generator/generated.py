"""Request n of a seed: which kind it is, what it is on the wire, and what may be answered."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.support.generator import mutations
from tests.support.generator.console import ConsoleRequests
from tests.support.generator.drafts import SIGNED_AT, Draft, Operations, authorization
from tests.support.generator.hostile_http import HostileForms
from tests.support.generator.pools import documents, odd_texts
from tests.support.generator.shapes import Values
from tests.support.generator.standing import NOTHING, Standing

_BUILT = 0.8
_NO_DOWNLOAD = "/_paddock/layers/000000000000/us-east-1/tools/1/none.zip"
_MANY_BYTES = (300_000, 1_000_000, 1_048_577, 6_291_456, 6_291_457, 7_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """
    One request, or what is sent in place of one.

    Args:
        kind: For the count, and in the order of `SHARES`.
        sent: All of its bytes.
        method: Of the first request in it.
        is_one: An ordinary request: one answer comes, and its connection may be kept.
        least: Answers that must come at least; of what is not one.
        most: Answers that may come at most.
        ends: Will the server close the connection by itself? Of what is not one.
        is_endless: Its answer may go on for ever.
        is_served: It must be answered with a success.
        is_refused: It must not be.
        is_understood: Every member is as the model says.
        operation: Of the model, which it asks for, or did before it was changed.
    """

    number: int
    kind: str
    sent: bytes
    method: str
    is_one: bool = True
    least: int = 0
    most: int = 1
    ends: bool = True
    is_endless: bool = False
    is_served: bool = False
    is_refused: bool = False
    is_understood: bool = False
    operation: str | None = None


class Generator:
    """
    Makes requests.

    Args:
        seed: With the number of a request it decides everything about it.
        invoked: A function that is there, and that the requests only invoke.
        bait: One that no request names, but some would smuggle a call to.
        images: What functions may be made of.
        built: The operations that are served: they are asked for more often than the others.
        description: The console's own, as OpenAPI.
        standing: What is there besides, for them to name.
    """

    def __init__(
        self,
        seed: int,
        *,
        invoked: str,
        bait: str,
        images: Sequence[str],
        built: Collection[str],
        description: Mapping[str, Any],
        standing: Standing = NOTHING,
    ) -> None:
        self._seed = seed
        self._invoked = invoked
        self._operations = Operations(Values(images, standing))
        self._downloads = standing.downloads or (_NO_DOWNLOAD,)
        self._built = sorted(built)
        self._console = ConsoleRequests(description, invoked)
        self._hostile = HostileForms(invoked, bait)

    def request(self, number: int) -> Generated:
        """Request number so-and-so."""
        chance = random.Random(f"{self._seed}:{number}")
        (kind,) = chance.choices(_KINDS, _WEIGHTS)
        return SHARES[kind][1](self, chance, number, kind)

    # -- kinds

    def valid(self, chance: random.Random, number: int, kind: str) -> Generated:
        """An operation as the model has it."""
        draft = self._draft(chance)
        return _one(number, kind, draft, draft.rendered(chance), is_understood=True)

    def invocation(self, chance: random.Random, number: int, kind: str) -> Generated:
        """A call of a function that is there, in all the ways there are."""
        draft = self._invoke(chance)
        return _one(number, kind, draft, draft.rendered(chance), is_served=True)

    def mutated(self, chance: random.Random, number: int, kind: str) -> Generated:
        """An operation that was changed in one respect, and now and then in two."""
        draft = self._draft(chance)
        _MUTATIONS[kind](chance, draft)
        if chance.random() < 0.1:
            chance.choice(list(_MUTATIONS.values()))(chance, draft)
        return _one(number, kind, draft, draft.rendered(chance), is_endless="follow" in draft.query)

    def odd_invocation(self, chance: random.Random, number: int, kind: str) -> Generated:
        """A call of a function that is there, with a body or headers that are odd."""
        draft = self._invoke(chance)
        chance.choice((mutations.of_body, mutations.of_head, mutations.of_query))(chance, draft)
        return _one(number, kind, draft, draft.rendered(chance))

    def console(self, chance: random.Random, number: int, kind: str) -> Generated:
        """What the console reads, valid and odd."""
        draft = self._console.draft(chance)
        if chance.random() < 0.3:
            chance.choice((mutations.of_place, mutations.of_head, mutations.of_query))(chance, draft)
        return _one(number, kind, draft, draft.rendered(chance), is_endless="follow" in draft.query)

    def health(self, chance: random.Random, number: int, kind: str) -> Generated:
        """What supervisors ask."""
        draft = Draft(method="GET", target=chance.choice(("/healthz", "/readyz")))
        is_odd = chance.random() < 0.3
        if is_odd:
            chance.choice((mutations.of_place, mutations.of_head))(chance, draft)
        return _one(number, kind, draft, draft.rendered(chance), is_served=not is_odd)

    def download(self, chance: random.Random, number: int, kind: str) -> Generated:
        """A layer's archive, and odd paths to one."""
        draft = Draft(method="GET", target=chance.choice(self._downloads))
        if chance.random() < 0.7:
            chance.choice((mutations.of_place, mutations.of_place, mutations.of_head, mutations.of_query))(
                chance, draft
            )
        return _one(number, kind, draft, draft.rendered(chance))

    def presigned(self, chance: random.Random, number: int, kind: str) -> Generated:
        """A URL that looks presigned, whole or not."""
        draft = self._invoke(chance) if chance.random() < 0.5 else self._draft(chance)
        credential = f"{chance.choice(('test', '111122223333', 'x' * 300))}/20261123/us-east-1/lambda/aws4_request"
        parts = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": credential,
            "X-Amz-Date": SIGNED_AT,
            "X-Amz-Expires": chance.choice(("60", "604801", "-1", "x")),
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Signature": f"{chance.getrandbits(256):064x}",
            "X-Amz-Security-Token": "t",
        }
        for name in chance.sample(list(parts), chance.choice((0, 0, 1, 3))):
            parts[name] = chance.choice(odd_texts())
        query = "&".join(f"{name}={quote(value.encode('utf-8', 'replace'), safe='')}" for name, value in parts.items())
        draft.target = f"{draft.target}{'&' if draft.query else '?'}{query}"
        return _one(number, kind, draft, draft.rendered(chance))

    def large(self, chance: random.Random, number: int, kind: str) -> Generated:
        """A body near the limits, or beyond."""
        draft = self._invoke(chance)
        if chance.random() < 0.3:
            draft = self._draft(chance)
            draft.document = None
        size = chance.choice(_MANY_BYTES)
        draft.body = b'{"a": "' + b"x" * (size - 9) + b'"}'
        return _one(number, kind, draft, draft.rendered(chance))

    def hostile_http(self, chance: random.Random, number: int, kind: str) -> Generated:
        """No honest HTTP."""
        draft = self._draft(chance)
        drawn = self._hostile.draw(chance, draft.rendered(chance))
        return Generated(
            number=number,
            kind=f"{kind}: {drawn.name}",
            sent=drawn.sent,
            method=drawn.sent.partition(b" ")[0].decode("latin-1"),
            is_one=False,
            least=drawn.least,
            most=drawn.most,
            ends=drawn.ends,
            is_refused=drawn.is_refused,
        )

    # -- drafts

    def _draft(self, chance: random.Random) -> Draft:
        return self._operations.draft(
            chance, chance.choice(self._built if chance.random() < _BUILT else self._operations.names)
        )

    def _invoke(self, chance: random.Random) -> Draft:
        """Of the function that is there, by its name or ARN, for the account that it is of."""
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{self._invoked}"
        name = chance.choice((self._invoked, self._invoked, self._invoked, arn, f"{self._invoked}:$LATEST"))
        draft = Draft(method="POST", target=f"/2015-03-31/functions/{quote(name, safe='')}/invocations")
        draft.operation = "Invoke"
        if chance.random() < 0.2:
            draft.target += "?Qualifier=%24LATEST"
        if chance.random() < 0.5:
            draft.put("X-Amz-Invocation-Type", chance.choice(("RequestResponse", "RequestResponse", "Event", "DryRun")))
        if chance.random() < 0.3:
            draft.put("X-Amz-Log-Type", chance.choice(("Tail", "None")))
        if chance.random() < 0.2:
            context = json.dumps({"custom": {"a": chance.choice(documents())}}).encode()
            draft.put("X-Amz-Client-Context", base64.b64encode(context if len(context) < 2_000 else b"{}"))
        if chance.random() < 0.2:
            draft.put("X-Amzn-Trace-Id", f"Root=1-5759e988-{chance.getrandbits(96):024x};Sampled=1")
        if chance.random() < 0.5:
            draft.put("X-Amz-Date", SIGNED_AT)
            draft.put("Authorization", authorization(chance, "test").replace("eu-central-1", "us-east-1"))
        draft.body = json.dumps(_payload(chance)).encode() if chance.random() < 0.95 else b""
        return draft


def _payload(chance: random.Random) -> Any:
    """What the function `behaviours` does something with, or anything."""
    if chance.random() < 0.6:
        return chance.choice(documents())
    return chance.choice(
        (
            {"do": "sleep", "seconds": 0.02},
            {"do": "raise", "message": chance.choice(odd_texts())},
            {"do": "print", "lines": [chance.choice(odd_texts()).encode("utf-8", "replace").decode()]},
            {"do": "large", "bytes": chance.choice((1_000, 100_000))},
            {"do": "none"},
            {"do": "context"},
        )
    )


def _one(number: int, kind: str, draft: Draft, sent: bytes, **rules: bool) -> Generated:
    return Generated(number=number, kind=kind, sent=sent, method=draft.method, operation=draft.operation, **rules)


_MUTATIONS: Mapping[str, mutations.Mutation] = {
    "other value": mutations.of_value,
    "other members": mutations.of_members,
    "other body": mutations.of_body,
    "other place": mutations.of_place,
    "other head": mutations.of_head,
}

Maker = Callable[[Generator, random.Random, int, str], Generated]

SHARES: Mapping[str, tuple[int, Maker]] = {
    "valid": (300, Generator.valid),
    "invocation": (140, Generator.invocation),
    "odd invocation": (80, Generator.odd_invocation),
    "other value": (110, Generator.mutated),
    "other members": (50, Generator.mutated),
    "other body": (60, Generator.mutated),
    "other place": (80, Generator.mutated),
    "other head": (60, Generator.mutated),
    "console": (30, Generator.console),
    "health": (10, Generator.health),
    "download": (10, Generator.download),
    "presigned": (20, Generator.presigned),
    "large": (2, Generator.large),
    "hostile HTTP": (48, Generator.hostile_http),
}
"""Of a thousand requests, how many are of each kind, and how one is made."""

_KINDS = tuple(SHARES)
_WEIGHTS = tuple(weight for weight, _ in SHARES.values())
