"""What `gcloud … --format=json` prints, as far as the tools read it."""

from __future__ import annotations

from pydantic import Field

from tools.validation import Foreign


class Binding(Foreign):
    """A role and its members, who have it only while the condition holds, if there is one."""

    role: str
    members: tuple[str, ...] = ()
    condition: dict[str, object] | None = None


class Policy(Foreign):
    """An IAM policy; one without bindings has an etag alone."""

    bindings: tuple[Binding, ...] = ()

    def gives(self, role: str, member: str) -> bool:
        """Return whether a member has a role without a condition."""
        return any(one.role == role and member in one.members and not one.condition for one in self.bindings)


class BillingAccount(Foreign):
    """A billing account; its id is the last part of the name."""

    name: str
    display_name: str = Field("", alias="displayName")


class ServiceConfig(Foreign):
    """How a function runs."""

    environment: dict[str, str] = Field(default_factory=dict, alias="environmentVariables")


class Function(Foreign):
    """A function of the second generation."""

    state: str = ""
    service: ServiceConfig | None = Field(None, alias="serviceConfig")

    @property
    def environment(self) -> dict[str, str]:
        """Return its settings."""
        return self.service.environment if self.service is not None else {}


class Job(Foreign):
    """A job of Cloud Scheduler; our name of it is the last part of `name`."""

    name: str
    state: str = ""


class BuildStep(Foreign):
    """A step of a build; `status` is missing until it began."""

    id: str = "?"
    status: str = ""


class Build(Foreign):
    """A build of Cloud Build."""

    id: str
    steps: tuple[BuildStep, ...] = ()
    log_url: str = Field("see Cloud Build", alias="logUrl")


class LogEntry(Foreign):
    """A line of Cloud Logging: of ours as JSON, of the platform as text."""

    json_payload: dict[str, object] = Field(default_factory=dict, alias="jsonPayload")
    text_payload: str = Field("", alias="textPayload")

    @property
    def text(self) -> str:
        """Return the words of the line."""
        return str(self.json_payload.get("message") or self.text_payload)
