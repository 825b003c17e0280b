"""One POST over one connection to an address that was checked.

The only module that knows the HTTP library, httpx. It uses a transport of its own without a client
around it: so there are no redirects, proxies, cookies or credentials from the environment to turn
off, nothing logs the URL, and a connection's socket can be bounded in time and size.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import certifi
import httpcore
import httpx

from marketplace_sdk_webhook.outcome import Answer, Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from marketplace_sdk_webhook.addresses import Address
    from marketplace_sdk_webhook.target import Target

__all__ = ["post", "tls_context"]

_MAX_HEAD = 32 * 1024
_MAX_BODY = 64 * 1024
_MAX_ATTEMPTS = 4


def tls_context(ca_file: str) -> ssl.SSLContext:
    """A context that checks certificates and names, against ``ca_file`` or the usual roots.

    Raises:
        OSError: the file cannot be read or holds no certificate.
    """
    return ssl.create_default_context(cafile=ca_file or certifi.where())


def post(
    target: Target,
    addresses: Sequence[Address],
    headers: Mapping[str, str],
    body: bytes,
    *,
    tls: ssl.SSLContext,
    left: Callable[[], float],
    keep: int = 0,
) -> Answer:
    """Send one request and return what the answer's head says, and the beginning of its body.

    Args:
        target: gives the name for TLS and the ``Host`` header, the port and the path.
        addresses: what to connect to instead of resolving the name again.
        headers: beyond ``Host``, ``Content-Length`` and ``Connection``.
        body: sent as is.
        tls: see :func:`tls_context`.
        left: seconds until the whole call must be over, asked before each step.
        keep: bytes of the body to return, at most 65,536; an answer that breaks off is returned
            as far as it came.

    Raises:
        Failed: no answer, in time or at all.
    """
    fields = {"Host": target.authority, "Connection": "close", **headers}
    url = httpx.URL(
        scheme=target.scheme,
        host=target.host,
        port=target.port,
        raw_path=target.path.encode("ascii"),
    )
    request = httpx.Request("POST", url, headers=fields, content=body)
    try:
        with _PinnedTransport(addresses, tls, left) as transport:
            response = transport.handle_request(request)
            body = transport.drain(response)
            return Answer(
                response.status_code, response.headers.get("retry-after", ""), body[:keep]
            )
    except httpcore.TimeoutException:
        raise Failed("it did not answer in time", code="timeout") from None
    except _UntrustedError:
        raise Failed(
            "its certificate is not valid for this name and these authorities",
            code="unreachable",
            hint="ca_file names a bundle of authorities to trust",
        ) from None
    except (httpcore.NetworkError, httpcore.ProtocolError):
        # The library's text may quote the other side's bytes, and those may echo ours.
        raise Failed("the connection failed", code="unreachable") from None


class _PinnedTransport(httpx.BaseTransport):
    """A transport for one request, over a connection to one of the given addresses.

    A pool of its own per request: nothing is kept alive, so no connection outlives the check of
    its address, and a half-closed one never costs an attempt.
    """

    def __init__(
        self, addresses: Sequence[Address], tls: ssl.SSLContext, left: Callable[[], float]
    ) -> None:
        self._backend = _PinnedBackend(addresses, left)
        self._pool = httpcore.ConnectionPool(ssl_context=tls, network_backend=self._backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method, url, headers=request.headers.raw, content=request.read()
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def drain(self, response: httpx.Response) -> bytes:
        """Read a polite amount of the body; the status has been said, so failing is no failure."""
        self._backend.budget.bytes = _MAX_BODY
        body = bytearray()
        try:
            for chunk in response.iter_raw():
                body += chunk
                if len(body) >= _MAX_BODY:
                    break
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            pass
        finally:
            response.close()
        return bytes(body)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """What the other side sends after its head."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _UntrustedError(httpcore.ConnectError):
    """The certificate is not one of the name's; the pool would drop the cause that says so."""


class _Budget:
    """How many bytes may still be received."""

    def __init__(self) -> None:
        self.bytes = _MAX_HEAD


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to given addresses, whatever host it is asked for.

    The library's time limits are left aside, here and in the stream: they are per step.
    """

    def __init__(self, addresses: Sequence[Address], left: Callable[[], float]) -> None:
        self._addresses = addresses[:_MAX_ATTEMPTS]
        self._left = left
        self._sockets = httpcore.SyncBackend()
        self.budget = _Budget()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the library's
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the library's
        local_address: str | None = None,  # noqa: ARG002 - the library's
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - the library's
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectTimeout()
        for position, address in enumerate(self._addresses):
            left = self._left()
            if left <= 0:
                break
            try:
                # An even share, so that one silent address leaves time for the next.
                stream = self._sockets.connect_tcp(
                    str(address), port, timeout=left / (len(self._addresses) - position)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _BoundedStream(stream, self._left, self.budget)
        raise failure


class _BoundedStream(httpcore.NetworkStream):
    """A stream with one deadline for everything and a limit on what is received.

    The library's own timeouts are per read, so a peer that sends a byte now and then would hold
    a worker for as long as it likes.
    """

    def __init__(
        self, stream: httpcore.NetworkStream, left: Callable[[], float], budget: _Budget
    ) -> None:
        self._stream = stream
        self._left = left
        self._budget = budget

    def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ARG002 - the library's
    ) -> bytes:
        left = self._left()
        if left <= 0:
            raise httpcore.ReadTimeout
        if self._budget.bytes <= 0:
            raise httpcore.ReadError("more than was asked for")
        data = self._stream.read(min(max_bytes, self._budget.bytes), timeout=left)
        self._budget.bytes -= len(data)
        return data

    def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ARG002 - the library's
    ) -> None:
        # Not the library's write, which gives the whole time anew to each send of a long buffer.
        socket = self._stream.get_extra_info("socket")
        while buffer:
            left = self._left()
            if left <= 0:
                raise httpcore.WriteTimeout
            try:
                socket.settimeout(left)
                buffer = buffer[socket.send(buffer) :]
            except TimeoutError:
                raise httpcore.WriteTimeout from None
            except OSError as error:
                raise httpcore.WriteError from error

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the library's
    ) -> httpcore.NetworkStream:
        left = self._left()
        if left <= 0:
            # The library forgets a stream whose handshake failed; its own closes itself.
            self.close()
            raise httpcore.ConnectTimeout
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, timeout=left)
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise _UntrustedError from None
            raise
        return _BoundedStream(stream, self._left, self._budget)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
