"""Push delivery: one request per message, in Google's envelope, with an identity token.

The platform uses the envelope only. Pushes without it (`no_wrapper`) are for subscriptions that
people create; of ours, only the conformance tests use them.
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from google.auth import crypt, jwt

from infra.local.pubsub.backlog import Backlog, Lease
from infra.local.pubsub.database import MessageBodies
from infra.local.pubsub.delivery_policy import DeliveryPolicy, PushConfig
from infra.local.pubsub.errors import SigningKeyError
from infra.local.pubsub.logs import log
from infra.local.pubsub.wire import Pb, PubsubMessage

ISSUER = "https://accounts.google.com"
TOKEN_LIFE_SECONDS = 3600
TOKEN_REUSE_SECONDS = 1800
USER_AGENT = "CloudPubSub-Google"
# Google's list. A 102 is always followed by the final status, which decides.
SUCCESS = frozenset({102, 200, 201, 202, 204})
# Less than the two seconds after which gunicorn closes an idle connection.
KEEP_ALIVE_SECONDS = 1.5
# A connection lost later than this was lost while the endpoint was working on the request.
STALE_SECONDS = 0.05
# The request times out at the acknowledgement deadline; its lease lasts this much longer.
SLACK_SECONDS = 30


class TokenSigner:
    """Signs OpenID Connect tokens for service accounts, as Google does, with one RSA key.

    Raises:
        SigningKeyError: `pem` is not an RSA private key in PEM.
    """

    def __init__(self, pem: bytes, key_id: str | None) -> None:
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise SigningKeyError("the signing key is not a PEM private key") from error
        if not isinstance(key, RSAPrivateKey):
            raise SigningKeyError("the signing key is not an RSA key")
        self._signer = crypt.RSASigner(key, key_id or _digest(key))
        self._tokens: dict[tuple[str, str], tuple[float, str]] = {}

    def token(self, account: str, audience: str) -> str:
        """A token of `account` for `audience`, valid for at least half an hour."""
        now = time.time()
        signed_at, token = self._tokens.get((account, audience), (0.0, ""))
        # If the clock was set back, the cached token is dated in the future and is rejected.
        if not signed_at <= now < signed_at + TOKEN_REUSE_SECONDS:
            token = self._sign(account, audience, int(now))
            self._tokens[account, audience] = (int(now), token)
        return token

    def _sign(self, account: str, audience: str, now: int) -> str:
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "azp": _subject(account),
            "sub": _subject(account),
            "email": account,
            "email_verified": True,
            "iat": now,
            "exp": now + TOKEN_LIFE_SECONDS,
        }
        return str(jwt.encode(self._signer, claims).decode())


def load_signer(path: Path, key_id: str | None) -> TokenSigner:
    """Read a signing key; without a key id, a digest of the public key is used.

    Raises:
        SigningKeyError: the file cannot be read, or is not an RSA private key in PEM.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise SigningKeyError(f"cannot read the signing key {path}: {error.strerror}") from error
    return TokenSigner(pem, key_id)


def _digest(key: RSAPrivateKey) -> str:
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(public).hexdigest()[:40]


def _subject(account: str) -> str:
    """A stable number for an account, as long as Google's."""
    return str(int(hashlib.sha256(account.encode()).hexdigest(), 16))[:21]


@dataclass(frozen=True)
class PushRequest:
    """The body and headers of a push, without its token."""

    body: bytes
    headers: dict[str, str]


def push_request(
    push: PushConfig, subscription: str, serialized: bytes, attempt: int | None
) -> PushRequest:
    """Build the request that delivers a message.

    `attempt` is None if the subscription has no dead-letter policy, and is then left out.
    """
    message = PubsubMessage.FromString(serialized)
    if push.wrapped:
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        return PushRequest(_envelope(message, subscription, attempt), headers)
    headers = {"User-Agent": USER_AGENT, "Content-Type": "application/octet-stream"}
    if push.with_metadata:
        headers.update(_metadata(message, subscription, attempt))
    return PushRequest(message.data, headers)


def _envelope(message: Pb, subscription: str, attempt: int | None) -> bytes:
    published = _publish_time(message)
    head = _members({"attributes": dict(message.attributes)}) + "," if message.attributes else ""
    rest = {"messageId": message.message_id, "message_id": message.message_id}
    if message.ordering_key:
        rest["orderingKey"] = message.ordering_key
    rest |= {"publishTime": published, "publish_time": published}
    outer: dict[str, object] = {"subscription": subscription}
    if attempt is not None:
        outer = {"deliveryAttempt": attempt, **outer}
    # Joined by hand, because json.dumps would scan the data for characters to escape.
    return b"".join(
        (
            b'{"message":{' + head.encode() + b'"data":"',
            base64.b64encode(message.data),
            f'",{_members(rest)}}},{_members(outer)}}}'.encode(),
        )
    )


def _members(values: Mapping[str, object]) -> str:
    return json.dumps(values, separators=(",", ":"))[1:-1]


def _publish_time(message: Pb) -> str:
    published = datetime.fromtimestamp(message.publish_time.ToMilliseconds() / 1000, UTC)
    return published.strftime("%Y-%m-%dT%H:%M:%S.") + f"{published.microsecond // 1000:03d}Z"


def _metadata(message: Pb, subscription: str, attempt: int | None) -> dict[str, str]:
    about = {
        "x-goog-pubsub-subscription-name": subscription,
        "x-goog-pubsub-message-id": message.message_id,
        "x-goog-pubsub-publish-time": _publish_time(message),
        "x-goog-pubsub-ordering-key": message.ordering_key,
        "x-goog-pubsub-delivery-attempt": "" if attempt is None else str(attempt),
    }
    return {key: value for key, value in about.items() if value} | dict(message.attributes)


class PushClient:
    """What the pushers of all subscriptions share: connections, message bodies, the signer.

    Args:
        bodies: the bodies of messages.
        signer: signs identity tokens, if pushes can carry them.
        signed_endpoints: the endpoints that get tokens. A token is all that the functions ask for,
            so nobody else may receive one.
        concurrency: concurrent pushes per subscription.
    """

    def __init__(
        self,
        bodies: MessageBodies,
        signer: TokenSigner | None,
        signed_endpoints: Iterable[str],
        concurrency: int,
    ) -> None:
        self.concurrency = concurrency
        self._bodies = bodies
        self._signer = signer
        self._signed_endpoints = frozenset(signed_endpoints)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding",),
        )
        self._running: set[asyncio.Task[None]] = set()

    @property
    def can_sign(self) -> bool:
        """Whether pushes can carry identity tokens."""
        return self._signer is not None

    def signs_for(self, endpoint: str) -> bool:
        """Whether pushes to an endpoint can carry identity tokens."""
        return self.can_sign and endpoint in self._signed_endpoints

    async def body(self, lease: Lease) -> bytes | None:
        """The body of the leased message, or None if the message has been deleted."""
        return await self._bodies.read(lease.message.number)

    async def send(self, push: PushConfig, request: PushRequest, timeout_seconds: float) -> str:
        """Send a push; return "" if the endpoint accepted it, or else the reason it failed."""
        if push.account and not self.signs_for(push.endpoint):
            return "no tokens for this endpoint"
        try:
            async with asyncio.timeout(timeout_seconds):
                status = await self._post(push, request)
        except TimeoutError:
            return f"no answer in {timeout_seconds:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return type(error).__name__
        return "" if status in SUCCESS else f"status {status}"

    async def _post(self, push: PushConfig, request: PushRequest) -> int:
        started = asyncio.get_running_loop().time()
        try:
            return await self._post_once(push, request)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # If it failed at once, the endpoint was just closing an idle connection: try again.
            if asyncio.get_running_loop().time() - started > STALE_SECONDS:
                raise
            return await self._post_once(push, request)

    async def _post_once(self, push: PushConfig, request: PushRequest) -> int:
        headers = dict(request.headers)
        if push.account and self._signer is not None:
            headers["Authorization"] = f"Bearer {self._signer.token(push.account, push.audience)}"
        async with self._session.post(
            push.endpoint, data=request.body, headers=headers, allow_redirects=False
        ) as response:
            return response.status

    def start(self, delivery: asyncio.Task[None]) -> None:
        """Keep a reference to a running delivery."""
        self._running.add(delivery)
        delivery.add_done_callback(self._running.discard)

    async def close(self, timeout_seconds: float) -> None:
        """Wait for running deliveries, then cancel the rest; a restart delivers those again."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=timeout_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._session.close()


class Pusher:
    """Pushes the ready messages of one subscription, up to a number of them at a time.

    `accepted` is called with the numbers of the messages that the endpoint accepted.
    """

    def __init__(
        self,
        subscription: str,
        policy: DeliveryPolicy,
        backlog: Backlog,
        client: PushClient,
        accepted: Callable[[list[int]], None],
    ) -> None:
        self._subscription = subscription
        self._policy = policy
        self._backlog = backlog
        self._client = client
        self._accepted = accepted
        self._running = 0
        self.stopped = False

    def pump(self) -> None:
        """Start as many deliveries as are ready and allowed."""
        lease_seconds = self._policy.ack_seconds + SLACK_SECONDS
        while not self.stopped and self._running < self._client.concurrency:
            leases = self._backlog.lease(1, 0, lease_seconds)
            if not leases:
                return
            self._running += 1
            self._client.start(asyncio.create_task(self._deliver(leases[0])))

    async def _deliver(self, lease: Lease) -> None:
        try:
            await self._push(lease)
        finally:
            self._running -= 1
            self.pump()

    async def _push(self, lease: Lease) -> None:
        push, number = self._policy.push, lease.message.number
        body = await self._client.body(lease)
        if body is None or push is None:
            self._accepted([number])
            return
        attempt = lease.attempt if self._policy.dead_letter else None
        request = push_request(push, self._subscription, body, attempt)
        reason = await self._client.send(push, request, self._policy.ack_seconds)
        if not reason:
            self._accepted([number])
            return
        log(
            "WARNING",
            "push failed",
            subscription=self._subscription,
            message_id=str(number),
            attempt=lease.attempt,
            reason=reason,
        )
        self._backlog.fail(lease)
