"""A gcloud that keeps a cloud in a JSON file ($FAKE_CLOUD) and refuses what the real one does not know.

Commands and flags are those of the Google Cloud SDK 558.0.0: the reference pages
cloud.google.com/sdk/gcloud/reference/<command> and the commands' sources (lib/surface/<group>/<command>.py):
secrets/create, secrets/versions/{add,list,access}, secrets/add_iam_policy_binding,
iam/service_accounts/{create,describe,list,add_iam_policy_binding}, projects/{create,list,describe},
billing/projects/{describe,link}, billing/accounts/list, services/{enable,list}, builds/{submit,list},
functions/{list,describe}, scheduler/{jobs,locations}/list, {run,functions}/regions/list,
storage/buckets/{list,describe,create,get_iam_policy,add_iam_policy_binding}, auth/list, logging/read.

`answer` is one call. Most tests make it in their own process; the file is also a program on a PATH.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

WIDE = {"project", "quiet", "format", "verbosity", "account"}  # GCLOUD WIDE FLAGS
LIST = {"filter", "limit", "page-size", "sort-by", "uri"}  # of every list command
BINDING = {"member", "role", "condition", "condition-from-file"}
# command: (number of words that follow it at least, at most, flags, flags it needs)
COMMANDS = {
    "auth list": (0, 0, LIST | {"filter-account"}, set()),
    "projects list": (0, 0, LIST, set()),
    "projects describe": (1, 1, set(), set()),
    "projects create": (1, 1, {"name", "folder", "organization", "labels", "set-as-default"}, set()),
    "projects get-iam-policy": (1, 1, LIST, set()),
    "projects add-iam-policy-binding": (1, 1, BINDING, {"member", "role"}),
    "billing projects describe": (1, 1, set(), set()),
    "billing projects link": (1, 1, {"billing-account"}, {"billing-account"}),
    "billing accounts list": (0, 0, LIST, set()),
    "services list": (0, 0, LIST | {"enabled", "available"}, set()),
    "services enable": (1, 99, {"async"}, set()),
    "run regions list": (0, 0, LIST, set()),
    "functions regions list": (0, 0, LIST | {"gen2"}, {"gen2"}),
    "scheduler locations list": (0, 0, LIST, set()),
    "iam service-accounts list": (0, 0, LIST, set()),
    "iam service-accounts describe": (1, 1, set(), set()),
    "iam service-accounts create": (1, 1, {"description", "display-name"}, set()),
    "iam service-accounts get-iam-policy": (1, 1, LIST, set()),
    "iam service-accounts add-iam-policy-binding": (1, 1, BINDING, {"member", "role"}),
    "secrets list": (0, 0, LIST | {"location"}, set()),
    "secrets create": (
        1, 1,
        {"data-file", "replication-policy", "replication-policy-file", "kms-key-name", "locations", "labels",
         "expire-time", "ttl", "topics", "next-rotation-time", "rotation-period", "set-annotations"},
        set(),
    ),
    "secrets get-iam-policy": (1, 1, LIST | {"location"}, set()),
    "secrets add-iam-policy-binding": (1, 1, BINDING | {"location"}, {"member", "role"}),
    "secrets versions list": (1, 1, LIST | {"location"}, set()),
    "secrets versions add": (1, 1, {"data-file", "location"}, {"data-file"}),
    "secrets versions access": (1, 1, {"secret", "out-file", "location"}, {"secret"}),
    "storage buckets list": (0, 1, LIST, set()),
    "storage buckets describe": (1, 1, set(), set()),
    "storage buckets create": (
        1, 9,
        {"location", "uniform-bucket-level-access", "public-access-prevention", "soft-delete-duration",
         "retention-period", "lifecycle-file", "default-storage-class"},
        set(),
    ),
    "storage buckets get-iam-policy": (1, 1, LIST, set()),
    "storage buckets add-iam-policy-binding": (1, 1, BINDING, {"member", "role"}),
    "builds submit": (
        0, 1,
        {"config", "pack", "tag", "ignore-file", "substitutions", "async", "region", "timeout",
         "machine-type", "gcs-source-staging-dir", "gcs-log-dir", "no-source", "service-account"},
        set(),
    ),
    "builds list": (0, 0, LIST | {"ongoing", "region"}, set()),
    "functions list": (0, 0, LIST | {"regions", "v2"}, set()),
    "functions describe": (1, 1, {"gen2", "no-gen2", "region", "v2"}, set()),
    "scheduler jobs list": (0, 0, LIST | {"location"}, set()),
    "logging read": (0, 1, LIST | {"freshness", "order", "bucket", "view", "location"}, set()),
}  # fmt: skip
NEEDS_API = {
    "secrets": "secretmanager", "builds": "cloudbuild", "functions": "cloudfunctions",
    "scheduler": "cloudscheduler", "run": "run", "iam": "iam",
}  # fmt: skip


class Refused(Exception):
    def __init__(self, text, status):
        super().__init__(f"ERROR: (gcloud) {text}\n")
        self.status = status


def fail(text, status=1):
    raise Refused(text, status)


def parse(words):
    command = next((" ".join(words[:n]) for n in (3, 2) if " ".join(words[:n]) in COMMANDS), None)
    if command is None:
        fail(f"Invalid choice: {' '.join(words[:3])!r}.", 2)
    least, most, allowed, needed = COMMANDS[command]
    names, flags = [], {}
    for word in words[len(command.split()) :]:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            if name not in allowed | WIDE:
                fail(f"unrecognized arguments: {word}", 2)
            flags[name] = value
        else:
            names.append(word)
    if not least <= len(names) <= most or not needed <= flags.keys():
        fail(f"argument error in {command}: {names} {sorted(flags)}", 2)
    return command, names, flags


class Cloud:
    def __init__(self, state, stdin, environment, folder):
        self.state = state
        self.folder = folder
        self.stdin = stdin
        self.environment = environment
        self.output = ""

    def print(self, *words, sep=" "):
        self.output += sep.join(map(str, words)) + "\n"

    def run(self, command, names, flags):
        project = flags.get("project") or (
            names[0] if command.startswith(("projects", "billing pro")) else ""
        )
        if self.environment.get("FAKE_FAILS") and f"{command} {' '.join(names)}".startswith(
            self.environment["FAKE_FAILS"]
        ):
            fail("INTERNAL: the fake fails here")
        exists = project in self.state["projects"]
        if not exists and command not in (
            "projects create",
            "projects list",
            "auth list",
            "billing accounts list",
        ):
            fail(f"PERMISSION_DENIED: {project} does not exist or you lack access")
        self.here = self.state["projects"].get(project, {})
        self.project = project
        if (unknown := self.state.get("unknown", {}).get(command, [])) and unknown[0] > 0:
            unknown[0] -= 1
            fail(unknown[1])
        api = NEEDS_API.get(command.split()[0])
        if api and f"{api}.googleapis.com" not in self.here["services"]:
            fail(f"PERMISSION_DENIED: {api} API has not been used before or it is disabled")
        getattr(self, "do_" + re.sub(r"\W", "_", command))(names, flags)

    def do_auth_list(self, names, flags):
        self.print(*self.state["accounts"], sep="\n")

    def do_projects_list(self, names, flags):
        wanted = flags.get("filter", "").removeprefix("projectId=")
        self.print(*(name for name in self.state["projects"] if name == wanted), sep="\n")

    def do_projects_describe(self, names, flags):
        self.print(names[0])

    def do_projects_create(self, names, flags):
        if names[0] in self.state["projects"] or names[0] in self.state["taken"]:
            fail("The project ID you specified is already in use by another project.")
        self.state["projects"][names[0]] = {
            "billing": "", "services": [], "emails": [], "policy": [], "account_policies": {}, "secrets": {},
            "functions": {}, "jobs": [], "builds": [], "buckets": {},
        }  # fmt: skip

    def do_projects_get_iam_policy(self, names, flags):
        self.show_policy(self.here["policy"])

    def do_projects_add_iam_policy_binding(self, names, flags):
        if "condition" not in flags:
            fail("Adding a binding without specifying a condition is prohibited in non-interactive mode.")
        self.bind(self.here["policy"], flags)

    def do_billing_projects_describe(self, names, flags):
        self.print(bool(self.here["billing"]))

    def do_billing_projects_link(self, names, flags):
        self.here["billing"] = flags["billing-account"]

    def do_billing_accounts_list(self, names, flags):
        self.print(
            json.dumps(
                [{"name": "billingAccounts/0X0X0X-0X0X0X-0X0X0X", "displayName": "Main", "open": True}]
            )
        )

    def do_services_list(self, names, flags):
        self.print(*self.here["services"], sep="\n")

    def do_services_enable(self, names, flags):
        if not self.here["billing"]:
            fail("FAILED_PRECONDITION: Billing account for project is not found.")
        self.here["services"] += [name for name in names if name not in self.here["services"]]

    def do_run_regions_list(self, names, flags):
        self.print_places("europe-north1", "europe-west1", "europe-west3", "us-central1")

    def do_functions_regions_list(self, names, flags):
        self.print_places("europe-north1", "europe-west1", "europe-west3", "us-central1")

    def do_scheduler_locations_list(self, names, flags):  # not everywhere where functions are
        self.print_places("europe-west1", "europe-west3", "europe-west5", "us-central1")

    def print_places(self, *places):
        self.print(*(f"projects/{self.project}/locations/{place}" for place in places), sep="\n")

    def do_iam_service_accounts_list(self, names, flags):
        self.print(*self.here["emails"], sep="\n")

    def do_iam_service_accounts_describe(self, names, flags):
        if names[0] not in self.here["emails"]:
            fail("NOT_FOUND: Unknown service account")

    def do_iam_service_accounts_create(self, names, flags):
        email = f"{names[0]}@{self.project}.iam.gserviceaccount.com"
        if email in self.here["emails"]:
            fail(f"Resource in projects [{self.project}] is the subject of a conflict: already exists.")
        self.here["emails"].append(email)

    def do_iam_service_accounts_get_iam_policy(self, names, flags):
        self.show_policy(self.here["account_policies"].get(names[0], []))

    def do_iam_service_accounts_add_iam_policy_binding(self, names, flags):
        if names[0] not in self.here["emails"]:
            fail("NOT_FOUND: Unknown service account")
        self.bind(self.here["account_policies"].setdefault(names[0], []), flags)

    def do_storage_buckets_list(self, names, flags):
        self.print(*(f"{bucket}/" for bucket in self.here["buckets"]), sep="\n")

    def do_storage_buckets_describe(self, names, flags):
        if names[0] not in self.here["buckets"]:
            fail(f"{names[0]} not found: 404.")

    def do_storage_buckets_create(self, names, flags):
        if names[0] in self.here["buckets"]:
            fail("HTTPError 409: you already own it.")
        if "lifecycle-file" in flags and not (self.folder / flags["lifecycle-file"]).is_file():
            fail(f"Unable to read file [{flags['lifecycle-file']}]")
        self.here["buckets"][names[0]] = []

    def do_storage_buckets_get_iam_policy(self, names, flags):
        self.show_policy(self.here["buckets"][names[0]])

    def do_storage_buckets_add_iam_policy_binding(self, names, flags):
        self.bind(self.here["buckets"][names[0]], flags)

    def do_secrets_list(self, names, flags):
        self.print(*self.here["secrets"], sep="\n")

    def do_secrets_create(self, names, flags):
        if names[0] in self.here["secrets"]:
            fail(
                f"Resource in projects [{self.project}] is the subject of a conflict: Secret already exists."
            )
        if self.state.get("regional") and flags.get("locations") != self.state["regional"]:
            fail(
                "FAILED_PRECONDITION: Constraint constraints/gcp.resourceLocations violated for "
                "[orgpolicy:projects/1] attempting to create a secret in [global]."
            )
        self.here["secrets"][names[0]] = {"versions": [], "policy": []}

    def do_secrets_get_iam_policy(self, names, flags):
        self.show_policy(self.secret(names[0])["policy"])

    def do_secrets_add_iam_policy_binding(self, names, flags):
        self.bind(self.secret(names[0])["policy"], flags)

    def do_secrets_versions_list(self, names, flags):
        if (flags["sort-by"], flags["limit"], flags["format"]) != ("~createTime", "1", "value(state)"):
            fail("the fake tells the newest version's state alone")
        secret = self.secret(names[0])
        self.print(secret.get("newest", "ENABLED") if secret["versions"] else "")

    def do_secrets_versions_add(self, names, flags):
        if flags["data-file"] != "-":
            fail("the fake reads stdin")
        value = self.stdin()
        if not value:
            fail("INVALID_ARGUMENT: Secret Payload cannot be empty.")
        self.secret(names[0])["versions"].append(value)
        self.secret(names[0])["newest"] = "ENABLED"

    def do_secrets_versions_access(self, names, flags):
        versions = self.secret(flags["secret"])["versions"]
        if names[0] != "latest" or not versions:
            fail("NOT_FOUND: Secret Version not found")
        if (state := self.secret(flags["secret"]).get("newest", "ENABLED")) != "ENABLED":
            fail(
                f"FAILED_PRECONDITION: Secret Version [projects/1/secrets/x/versions/2] is in {state} state."
            )
        self.output += versions[-1]

    def do_builds_submit(self, names, flags):
        text, separator = flags["substitutions"], ","
        if match := re.match(r"\^(.+?)\^", text):
            text, separator = text[match.end() :], match[1]
        given = dict(pair.split("=", 1) for pair in text.split(separator))
        if not all((self.folder / flags[name]).is_file() for name in ("config", "ignore-file")):
            fail("Unable to read file [deploy.yaml]")
        problem = self.deploy(given)
        failed = (
            {"id": problem.split(":")[0], "status": "FAILURE"}
            if problem
            else {"id": "check", "status": "SUCCESS"}
        )
        self.here["builds"].insert(0, {
            "id": f"b{len(self.here['builds']) + 1}", "status": failed["status"], "steps": [failed],
            "logUrl": "https://console.cloud.google.com/cloud-build/builds/b1", "substitutions": given,
        })  # fmt: skip
        self.print("FAILURE" if problem else "SUCCESS", problem)
        if problem:
            fail(f"build b1 completed with status FAILURE: {problem}")

    def deploy(self, given):
        """Do what deploy.yaml does, with the rights that its account has; return what stops it."""
        if problem := self.lacking(given):
            return problem
        if self.environment.get("FAKE_BUILD_FAILS"):
            return self.environment["FAKE_BUILD_FAILS"] + ": on purpose"
        for name in ("telegram", "payments", "generations", "scheduled", "console"):
            own = f"https://{given['_REGION']}-{self.project}.cloudfunctions.net"
            variables = {"PUBLIC_URL": own} | {key[1:]: value for key, value in given.items()}
            url = f"https://{name}.run.app"
            self.here["functions"][name] = {
                "state": "ACTIVE", "serviceConfig": {"environmentVariables": variables, "uri": url},
            }  # fmt: skip
        jobs = (
            "sweep", "payments", "generations", "quiz", "statements", "reminders", "storage", "models",
            "summaries", "health", "courses", "avatars", "broadcasts", "analytics", "crm", "messenger",
        )  # fmt: skip
        self.here["jobs"] = [f"switchboard-{job}" for job in jobs]
        import urllib.request  # slow to import, and a fake starts 80 times a run

        for bot, token in json.loads(self.here["secrets"]["BOT_TOKENS"]["versions"][-1]).items():
            url = f"{variables['PUBLIC_URL']}/telegram/{bot}"
            secret = self.here["secrets"]["TELEGRAM_WEBHOOK_SECRET"]["versions"][-1]
            body = json.dumps({"url": url, "secret_token": secret, "allowed_updates": []}).encode()
            address = f"{self.environment['TELEGRAM_API_URL']}/bot{token}/setWebhook"
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=10).close()
        return ""

    def lacking(self, given):
        deployer = f"serviceAccount:switchboard-deploy@{self.project}.iam.gserviceaccount.com"
        for role in (
            "cloudbuild.builds.builder",
            "cloudfunctions.developer",
            "run.admin",
            "cloudscheduler.admin",
        ):
            if not self.has(self.here["policy"], f"roles/{role}", deployer):
                return f"check: {deployer} lacks {role}"
        if not given.get("_ADMIN_EMAILS") or not given.get("_ADMIN_TELEGRAM_IDS"):
            return "settings: This deployment has no admin"
        for name in ("telegram", "payments", "generations", "scheduled", "console"):
            email = f"switchboard-{name}@{self.project}.iam.gserviceaccount.com"
            if not self.has(
                self.here["account_policies"].get(email, []), "roles/iam.serviceAccountUser", deployer
            ):
                return f"{name}: deploy may not act as {email}"
            for secret in self.mounted(name, given):
                held = self.here["secrets"].get(secret)
                if held is None or not held["versions"]:
                    return f"{name}: {secret} was not found"
                if not self.has(
                    held["policy"], "roles/secretmanager.secretAccessor", f"serviceAccount:{email}"
                ):
                    return f"{name}: {email} may not read {secret}"
        return ""

    def mounted(self, function, given):
        """The secrets that deploy.yaml gives a function (--set-secrets)."""
        names = ["DATABASE_URL", "BOT_TOKENS", "TELEGRAM_WEBHOOK_SECRET", "USER_HASH_KEY"]
        if function not in ("generations", "console"):
            names += [name for name in given.get("_PAYMENT_SECRETS", "").split(",") if name]
        if function in ("telegram", "scheduled"):
            names.append(f"{given['_CHAT_PROVIDER'].upper()}_API_KEY")
            names += ["TOKEN_ENCRYPTION_KEYS"] if given.get("_TOKEN_ENCRYPTION_KEYS_VERSION") else []
        return names

    def do_builds_list(self, names, flags):
        self.print(json.dumps(self.here["builds"][:1]))

    def do_functions_list(self, names, flags):
        self.print(*(f"projects/p/locations/r/functions/{name}" for name in self.here["functions"]), sep="\n")

    def do_functions_describe(self, names, flags):
        self.print(json.dumps(self.here["functions"][names[0]]))

    def do_scheduler_jobs_list(self, names, flags):
        names = {job: f"projects/p/locations/r/jobs/{job}" for job in self.here["jobs"]}
        if flags.get("format") == "json":
            paused = self.here.get("paused", [])
            states = {job: "PAUSED" if job in paused else "ENABLED" for job in names}
            self.print(json.dumps([{"name": names[job], "state": states[job]} for job in names]))
        else:
            self.print(*names.values(), sep="\n")

    def do_logging_read(self, names, flags):
        self.print(json.dumps(self.here.get("log", [])))

    def secret(self, name):
        if name not in self.here["secrets"]:
            fail(f"NOT_FOUND: Secret [projects/1/secrets/{name}] not found")
        return self.here["secrets"][name]

    def has(self, policy, role, member):
        return any(one["role"] == role and member in one["members"] for one in policy)

    def show_policy(self, policy):
        self.print(json.dumps({"bindings": policy, "etag": "x", "version": 1}))

    def bind(self, policy, flags):
        member = flags["member"]
        email = member.removeprefix("serviceAccount:")
        if email not in self.here["emails"]:
            fail(f"INVALID_ARGUMENT: Service account {email} does not exist.")
        # As Google's: an account is known to policies only some moments after it was made.
        if self.state.get("spreading", 0) > 0:
            self.state["spreading"] -= 1
            fail(f"INVALID_ARGUMENT: Service account {email} does not exist.")
        if not self.has(policy, flags["role"], member):
            policy.append({"role": flags["role"], "members": [member]})


def answer(words, stdin, environment, folder):
    """Return exit status, output and errors of one call in a folder; `stdin()` is what a pipe brings."""
    file = Path(environment["FAKE_CLOUD"])
    with file.with_name("calls").open("a") as notes:
        notes.write(json.dumps(words) + "\n")
    try:
        command, names, flags = parse(words)
        if environment.get("FAKE_HANGS") == command:
            file.with_name("hanging").write_text(str(os.getppid()))
            time.sleep(60)
        before = file.read_text()
        cloud = Cloud(json.loads(before), stdin, environment, folder)
        try:
            cloud.run(command, names, flags)
        finally:
            if (after := json.dumps(cloud.state)) != before:  # reading calls may run at once
                file.write_text(after)
    except Refused as refused:
        return refused.status, "", str(refused)
    return 0, cloud.output, ""


def main():
    status, output, errors = answer(sys.argv[1:], sys.stdin.read, os.environ, Path())
    sys.stdout.write(output)
    sys.stderr.write(errors)
    sys.exit(status)


if __name__ == "__main__":
    main()
