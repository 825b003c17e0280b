"""One Databricks workspace: the SDK's client, built without a request, used within a call."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config

from marketplace_sdk.plugin import MarketplaceError, ProvisioningError
from marketplace_sdk_databricks.authentication import Credentials, Strategy
from marketplace_sdk_databricks.deadline import Deadline, DeadlineAdapter
from marketplace_sdk_databricks.failures import Failure, failure_of
from marketplace_sdk_databricks.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from marketplace_sdk.plugin import Call

__all__ = ["Workspace"]

_DISTRIBUTION = "data-marketplace-sdk-databricks"
_PRODUCT = "data-marketplace-sdk"
# The deadline of a call ends retries; the SDK's own budget must only be longer.
_LONGEST = 3600


class _OfflineConfig(Config):
    """The SDK's settings, without what it would add to ours by itself.

    It would ask the host where to sign in, with a budget of its own, and read ``DATABRICKS_*`` and
    ``~/.databrickscfg``, from which another host or a stranger's token might come.
    """

    @classmethod
    def attributes(cls) -> Iterable[Any]:
        """Those of the SDK's class, which looks for them in the class that it is called on."""
        return Config.attributes()

    def _resolve_host_metadata(self) -> None:
        """Nothing is asked while a client is built."""

    def _load_from_env(self) -> None:
        """What is not in our configuration is not used."""

    def _known_file_config_loader(self) -> None:
        """The same."""


class Workspace:
    """A connection to one workspace. May be shared by threads; nothing is sent before it is used.

    Args:
        host: with its scheme.
        credentials: how to sign in.
        name: of the connection, for messages.
        rate: requests a second that it may take.
    """

    def __init__(self, host: str, credentials: Credentials, *, name: str, rate: float) -> None:
        self.name = name
        self.host = host.rstrip("/")
        self.credentials = credentials
        self.deadline = Deadline()
        self._throttle = Throttle(rate)
        self._lock = threading.Lock()
        self._strategy: Strategy | None = None
        self._client: WorkspaceClient | None = None
        self._platform = ""

    def __repr__(self) -> str:
        return f"Workspace({self.host!r}, name={self.name!r})"

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        with self._lock:
            strategy, self._strategy = self._strategy, None
            client, self._client = self._client, None
        if strategy is not None:
            strategy.close()
        if client is not None:
            _session(client).close()

    @contextmanager
    def use(self, call: Call, what: str) -> Iterator[WorkspaceClient]:
        """The client, for one call; nothing lasts longer than it.

        Args:
            call: the deadline.
            what: is being done, as in *cannot <what>*, for the error.

        Raises:
            ProvisioningError: whatever goes wrong in the block.
        """
        try:
            with self.within(call) as client:
                yield client
        except OSError as error:
            raise self.failure(error).error(f"{what} on connection {self.name}") from None

    @contextmanager
    def within(self, call: Call) -> Iterator[WorkspaceClient]:
        """The client for one call, for whoever understands failures: they are OSError."""
        with self.deadline.of(call):
            yield self._built()

    def failure(self, error: BaseException) -> Failure:
        """What went wrong, without our secrets."""
        try:
            secrets = [self.credentials.secret()]
        except (OSError, MarketplaceError):
            secrets = []  # it could not be read, so it was not sent either
        found = failure_of(error, [each for each in secrets if each])
        strategy = self._strategy
        if found.row.name == "bad_credentials" and strategy is not None:
            strategy.forget()
        return found

    def platform(self, client: WorkspaceClient) -> str:
        """Identity of the metastore, ``databricks:<id>``: whatever workspace leads to it."""
        if not self._platform:
            current = client.metastores.current()
            if not current.metastore_id:
                raise ProvisioningError(
                    f"cannot use connection {self.name}: the workspace has no metastore",
                    hint="assign a Unity Catalog metastore to it",
                )
            self._platform = f"databricks:{current.metastore_id}"
        return self._platform

    def _built(self) -> WorkspaceClient:
        with self._lock:
            if self._client is None:
                self._strategy = Strategy(
                    self.credentials, self.host, self.deadline, self._throttle
                )
                self._client = self._build(self._strategy)
            return self._client

    def _build(self, strategy: Strategy) -> WorkspaceClient:
        config = _OfflineConfig(
            host=self.host,
            auth_type=strategy.auth_type(),
            credentials_strategy=strategy,
            product=_PRODUCT,
            product_version=version(_DISTRIBUTION),
            clock=self.deadline,
            retry_timeout_seconds=_LONGEST,
        )
        client = WorkspaceClient(config=config)
        session = _session(client)
        session.mount("https://", DeadlineAdapter(self.deadline, self._throttle))
        session.mount("http://", DeadlineAdapter(self.deadline, self._throttle))
        return client


def _session(client: WorkspaceClient) -> Any:
    # The SDK lets nobody choose its transport, and sends what is not bounded in time.
    return client.api_client._api_client._session  # noqa: SLF001 - the SDK shows its session nowhere else
