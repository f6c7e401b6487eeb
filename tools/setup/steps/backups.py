"""Backups of the database: the bucket that keeps them, and an account that can only add to it."""

from __future__ import annotations

from collections.abc import Sequence

from tools.setup import layout
from tools.setup.answers import Answers
from tools.setup.context import Context
from tools.setup.steps.step import Action, CloudStep

LIFECYCLE = "tools/setup/backup_lifecycle.json"  # deletes after 30 days
RETENTION = "2505600s"  # 29 days in which nothing can be deleted or replaced
CREATE, READ, WRITE = "storage.objectCreator", "storage.objectViewer", "storage.objectUser"


class Backups(CloudStep):
    """Where backups go, and the source of the build that takes one each day."""

    title = "Backups"
    heading = "3. Google Cloud"

    def actions(self, answers: Answers) -> Sequence[Action]:
        """Return all commands; none without backups."""
        if not answers.has_backups:
            return []
        project, region = answers.project, answers.region
        return [
            *(self._create(bucket, region) for bucket in self._buckets(project)),
            *(self._bind(bucket, account, role) for bucket, account, role in self._rights(project)),
        ]

    def missing(self, context: Context) -> Sequence[Action]:
        """Return what the project lacks."""
        from tools.cloud.payloads import Policy

        answers, cloud = context.answers, context.cloud
        if not answers.has_backups:
            return []
        project = answers.project
        found = cloud.read("storage", "buckets", "list", "--format=value(storage_url)").split()
        there = {url.rstrip("/") for url in found}
        lacking = [
            self._create(bucket, answers.region) for bucket in self._buckets(project) if bucket not in there
        ]
        policies = {
            bucket: cloud.read_one(Policy, "storage", "buckets", "get-iam-policy", bucket)
            for bucket in self._buckets(project)
            if bucket in there
        }
        lacking += [
            self._bind(bucket, account, role)
            for bucket, account, role in self._rights(project)
            if bucket not in policies
            or not policies[bucket].gives(f"roles/{role}", layout.member(account, project))
        ]
        return lacking

    def _buckets(self, project: str) -> tuple[str, str]:
        return layout.backup_bucket(project), layout.source_bucket(project)

    def _rights(self, project: str) -> list[tuple[str, str, str]]:
        backups, source = self._buckets(project)
        return [
            (backups, "backup", CREATE), (backups, "deploy", CREATE),
            (source, "deploy", WRITE), (source, "backup", READ),
        ]  # fmt: skip

    def _create(self, bucket: str, region: str) -> Action:
        words = ["storage", "buckets", "create", bucket, f"--location={region}"]
        words += ["--uniform-bucket-level-access", "--public-access-prevention"]
        if bucket.endswith("-backups"):
            # Deleted means deleted: erased users are in them (/privacy).
            words += ["--soft-delete-duration=0", f"--retention-period={RETENTION}"]
            words += [f"--lifecycle-file={LIFECYCLE}"]
        return Action(tuple(words), ("storage", "buckets", "describe", bucket))

    def _bind(self, bucket: str, account: str, role: str) -> Action:
        project = bucket.removeprefix("gs://").rpartition("-switchboard-")[0]
        member = f"--member={layout.member(account, project)}"
        return Action(
            ("storage", "buckets", "add-iam-policy-binding", bucket, member, f"--role=roles/{role}")
        )
