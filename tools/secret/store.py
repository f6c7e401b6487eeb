"""Secret Manager. A value travels on stdin: never in an argument, a file or a log."""

from __future__ import annotations

from collections.abc import Callable

from tools.cloud.gcloud import CloudError, Gcloud


class SecretStore:
    """The secrets of one project."""

    def __init__(self, gcloud: Gcloud, region: Callable[[], str] = str) -> None:
        self._gcloud = gcloud
        self._region = region
        self._names: frozenset[str] | None = None

    def names(self) -> frozenset[str]:
        """Return the names of all secrets, those without a version included. Raises CloudError."""
        if self._names is None:
            found = self._gcloud.read("secrets", "list", "--format=value(name)")
            self._names = frozenset(line.rsplit("/", 1)[-1] for line in found.split())
        return self._names

    def has_value(self, name: str) -> bool:
        """Return whether a secret exists and its newest version can be read. Raises CloudError.

        Everything reads `latest`, which is the newest version even where only an older one is enabled.
        """
        return name in self.names() and self._newest_state(name) == "ENABLED"

    def make(self, name: str, value: str) -> None:
        """Store the first value of a random secret.

        Raises CloudError, also where a value exists that is disabled or destroyed: what depends on it (the
        marks of erased users, for one) would be lost with another.
        """
        if name in self.names() and (state := self._newest_state(name)):
            raise CloudError(
                f"{name}: the newest version is {state.lower()}, and another value would not do. "
                f"gcloud secrets versions list {name} shows all. Enable the newest (gcloud secrets versions "
                f"enable) or store an older one again: gcloud secrets versions access NUMBER "
                f"--secret={name} | ./switchboard secret set {name}"
            )
        self.put(name, value)

    def _newest_state(self, name: str) -> str:
        """Return ENABLED, DISABLED or DESTROYED; empty where there is no version."""
        newest = ("--sort-by=~createTime", "--limit=1", "--format=value(state)")
        return self._gcloud.read("secrets", "versions", "list", name, *newest).strip().upper()

    def get(self, name: str) -> str:
        """Return the newest value. Raises CloudError."""
        return self._gcloud.read("secrets", "versions", "access", "latest", f"--secret={name}")

    def put(self, name: str, value: str) -> None:
        """Store a value: a new secret, or a new version of one that exists.

        Raises CloudError, also for an empty value: nothing is called then.
        """
        if not value.strip():
            raise CloudError(f"{name}: an empty value is not stored.")
        if name not in self.names():
            # Two calls, so that each can be repeated: whichever is cut off, the next run does the rest.
            self._create(name)
            self._names = self.names() | {name}
        self._gcloud.change("secrets", "versions", "add", name, "--data-file=-", value=value)

    def _create(self, name: str) -> None:
        """Make a secret everywhere, or in the deployment's region where the organization demands a place."""
        create = ("secrets", "create", name)
        try:
            self._gcloud.change(*create, "--replication-policy=automatic")
        except CloudError as error:
            region = self._region()
            if "gcp.resourceLocations" not in str(error) or not region:
                raise
            self._gcloud.change(*create, "--replication-policy=user-managed", f"--locations={region}")
