"""Push delivery: one subscription's messages, each in a request of its own."""

import asyncio
from collections.abc import Callable

import aiohttp

from infra.local.pubsub import envelope
from infra.local.pubsub.backlog import Backlog, Lease
from infra.local.pubsub.bodies import Bodies
from infra.local.pubsub.identity import Identity
from infra.local.pubsub.logs import log
from infra.local.pubsub.terms import Push, Terms

# Google's list; a 102 is followed by another status, which is the one that counts here.
SUCCESS = frozenset({102, 200, 201, 202, 204})
# Under the two seconds after which gunicorn closes an idle connection.
KEEP_ALIVE_SECONDS = 1.5
# A connection that is lost later than this was lost while the endpoint was at work.
STALE_SECONDS = 0.05
# The lease outlasts the request's timeout, which is the deadline.
SLACK_SECONDS = 30


class Courier:
    """What all pushers share: connections, bodies, the push service's identity."""

    def __init__(self, bodies: Bodies, identity: Identity | None, concurrency: int) -> None:
        self.concurrency = concurrency
        self._bodies = bodies
        self._identity = identity
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding",),
        )
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def can_sign(self) -> bool:
        """Whether identity tokens can be made."""
        return self._identity is not None

    async def body(self, lease: Lease) -> bytes | None:
        """The leased message's body, None when it is gone."""
        return await self._bodies.of(lease.message.number)

    async def send(self, push: Push, request: envelope.Envelope, timeout_seconds: float) -> str:
        """Make a push request; return "" when it was accepted, else what went wrong."""
        try:
            async with asyncio.timeout(timeout_seconds):
                status = await self._post(push, request)
        except TimeoutError:
            return f"no answer in {timeout_seconds:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return type(error).__name__
        return "" if status in SUCCESS else f"status {status}"

    async def _post(self, push: Push, request: envelope.Envelope) -> int:
        started = asyncio.get_running_loop().time()
        try:
            return await self._post_once(push, request)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # Lost at once, it was an idle connection that the endpoint was just closing.
            if asyncio.get_running_loop().time() - started > STALE_SECONDS:
                raise
            return await self._post_once(push, request)

    async def _post_once(self, push: Push, request: envelope.Envelope) -> int:
        headers = dict(request.headers)
        if push.account and self._identity is not None:
            headers["Authorization"] = f"Bearer {self._identity.token(push.account, push.audience)}"
        async with self._session.post(
            push.endpoint, data=request.body, headers=headers, allow_redirects=False
        ) as response:
            return response.status

    def start(self, delivery: asyncio.Task[None]) -> None:
        """Keep a reference to a running delivery."""
        self.tasks.add(delivery)
        delivery.add_done_callback(self.tasks.discard)

    async def close(self, patience_seconds: float) -> None:
        """Let running deliveries end, for a while; the rest come again after the next start."""
        if self.tasks:
            _, late = await asyncio.wait(self.tasks, timeout=patience_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._session.close()


class Pusher:
    """Takes what is ready from a backlog and pushes it, so many at a time."""

    def __init__(
        self,
        name: str,
        terms: Terms,
        backlog: Backlog,
        courier: Courier,
        accepted: Callable[[list[int]], None],
    ) -> None:
        self._name = name
        self._terms = terms
        self._backlog = backlog
        self._courier = courier
        self._accepted = accepted
        self._under_way = 0
        self.stopped = False

    def pump(self) -> None:
        """Start as many deliveries as are ready and allowed."""
        lease_seconds = self._terms.ack_seconds + SLACK_SECONDS
        while not self.stopped and self._under_way < self._courier.concurrency:
            leases = self._backlog.take(1, 0, lease_seconds)
            if not leases:
                return
            self._under_way += 1
            self._courier.start(asyncio.create_task(self._deliver(leases[0])))

    async def _deliver(self, lease: Lease) -> None:
        try:
            await self._push(lease)
        finally:
            self._under_way -= 1
            self.pump()

    async def _push(self, lease: Lease) -> None:
        push, number = self._terms.push, lease.message.number
        body = await self._courier.body(lease)
        if body is None or push is None:
            self._accepted([number])
            return
        attempt = lease.attempt if self._terms.dead_letter else None
        request = envelope.wrap(push, self._name, body, attempt)
        fault = await self._courier.send(push, request, self._terms.ack_seconds)
        if not fault:
            self._accepted([number])
            return
        log(
            "WARNING",
            "push failed",
            subscription=self._name,
            message_id=str(number),
            attempt=lease.attempt,
            reason=fault,
        )
        self._backlog.fail(lease)
