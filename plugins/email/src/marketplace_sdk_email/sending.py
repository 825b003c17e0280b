"""One mail handed to the server, in bounded time."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from queue import Empty, SimpleQueue
from threading import Thread, Timer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from marketplace_sdk_email.config import Config

__all__ = ["Failed", "send"]

_PERMANENT = range(500, 600)
_ENHANCED = re.compile(rb"\s*5\.(\d{1,3})\.(\d{1,3})\b")
_NO_MAILBOX = (550, 551, 553)
_DISABLED = (2, 1)
"""Subject and detail of the enhanced status (RFC 3463) of a mailbox that is switched off."""


class Failed(Exception):
    """A mail was not accepted. Texts are fixed ones, never the other side's.

    Attributes:
        code: ``no_address``, ``not_accepted``, ``unreachable`` or ``timeout``.
        hint: what to do about it.
    """

    def __init__(self, reason: str, *, code: str, hint: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.hint = hint


def send(
    mail: EmailMessage, to: str, config: Config, *, tls: ssl.SSLContext, left: Callable[[], float]
) -> None:
    """Hand a mail over; returning means that the server has it.

    Args:
        mail: with its headers.
        to: the one address of the envelope.
        config: the server.
        tls: whom to trust.
        left: seconds that are left.

    Raises:
        Failed: it was not accepted, or there was no answer.
    """
    address = _resolved(config, left)
    session = _Session(config, address, tls)
    late: list[bool] = []
    try:
        with _watched(session, left, late):
            session.begin(max(left(), 0.001))
            _hand_over(session, mail, to, config, tls)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        failed = (
            Failed("it took too long", code="timeout") if late or left() <= 0 else _judged(error)
        )
        raise failed from None
    finally:
        session.close()


class _Session(smtplib.SMTP):
    """A session on an address that was resolved before, under the name that TLS verifies."""

    def __init__(self, config: Config, address: str, tls: ssl.SSLContext) -> None:
        super().__init__()
        self._config = config
        self._address = address
        self._tls = tls
        self._host = config.host  # what STARTTLS verifies

    def begin(self, timeout: float) -> None:
        self.timeout = timeout
        code, _ = self.connect(self._address, self._config.port)
        if code != 220:  # noqa: PLR2004 - "service ready"
            raise smtplib.SMTPResponseException(code, b"")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        if self._config.security != "tls":
            return plain
        self.sock = plain  # so that it can be hung up during the handshake
        return self._tls.wrap_socket(plain, server_hostname=self._config.host)

    def hang_up(self) -> None:
        """Wake whoever waits on the connection; from another thread."""
        held: Any = self.sock
        if held is not None:
            with contextlib.suppress(OSError):
                # Not the method of an encrypted socket, which would change it under its user.
                socket.socket.shutdown(held, socket.SHUT_RDWR)


@contextlib.contextmanager
def _watched(session: _Session, left: Callable[[], float], late: list[bool]) -> Iterator[None]:
    """End the session when time is over; a timeout for each read would let a slow server drip."""

    def stop() -> None:
        late.append(True)
        session.hang_up()

    timer = Timer(max(left(), 0), stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _hand_over(
    session: _Session, mail: EmailMessage, to: str, config: Config, tls: ssl.SSLContext
) -> None:
    session.ehlo()
    if config.security == "starttls":
        session.starttls(context=tls)
        session.ehlo()
    if config.username:
        session.login(config.username, config.password)
    session.send_message(mail, config.sender.addr_spec, [to])
    # It has the mail; how the farewell goes is nobody's concern.
    with contextlib.suppress(smtplib.SMTPException, OSError):
        session.quit()


_MEANINGS: tuple[tuple[type[Exception], str, str, str], ...] = (
    (
        smtplib.SMTPAuthenticationError,
        "sign-in is refused",
        "not_accepted",
        "check username and password",
    ),
    (
        smtplib.SMTPNotSupportedError,
        "the server lacks what is needed",
        "not_accepted",
        "STARTTLS, sign-in and addresses beyond ASCII must be offered by the server",
    ),
    (
        ssl.SSLError,
        "there is no trusted encryption",
        "unreachable",
        "the certificate must be valid for host; see ca_file and security",
    ),
    (TimeoutError, "it took too long", "timeout", ""),
)


def _judged(error: Exception) -> Failed:
    """What an error means; only that an address does not exist ends the attempts."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        unknown = _unknown_mailbox(code, text)
        return Failed(
            f"the recipient is refused ({code})", code="no_address" if unknown else "not_accepted"
        )
    for kind, reason, meaning, hint in _MEANINGS:
        if isinstance(error, kind):
            return Failed(reason, code=meaning, hint=hint)
    if isinstance(error, smtplib.SMTPResponseException):
        return Failed(f"it answered {error.smtp_code}", code="not_accepted")
    return Failed("there is no connection", code="unreachable")


def _unknown_mailbox(code: int, text: bytes) -> bool:
    if code not in _PERMANENT:
        return False
    said = _ENHANCED.match(text)
    if said is None:
        return code in _NO_MAILBOX
    subject, detail = int(said[1]), int(said[2])
    return subject == 1 or (subject, detail) == _DISABLED


def _resolved(config: Config, left: Callable[[], float]) -> str:
    """Resolve in a thread, since getaddrinfo knows no timeout and cannot be stopped."""
    answers: SimpleQueue[str | None] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)
            answers.put(str(found[0][4][0]))
        except (OSError, ValueError):
            answers.put(None)

    Thread(target=ask, name="email-resolve", daemon=True).start()
    try:
        address = answers.get(timeout=max(left(), 0))
    except Empty:
        raise Failed("its name was not resolved in time", code="timeout") from None
    if address is None:
        raise Failed("its name cannot be resolved", code="unreachable")
    return address
