"""The job `models`: warns the admins before a provider switches off a model in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shared.ai import model_lists, modes, providers, speech, transcription
from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.json_types import JsonObject
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import AlertEndingModels, ModelsInUse

Model = tuple[str, str]  # provider, model


def models() -> dict[str, int]:
    """Run once and return counts: {checked, alerts}. Safe to run twice at once: each alert is sent once.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    catalogue: ModelsInUse = db.call("models_in_use")
    uses: dict[tuple[str, str, str], list[str]] = {}
    for provider, model, kind, use in [
        *_configured(),
        *((one["provider"], one["model"], one["kind"], one["mode"]) for one in catalogue["used"]),
    ]:
        uses.setdefault((provider, model, kind), []).append(use)
    known: dict[tuple[str, str], set[str]] = {}
    for one in catalogue["known"]:
        known.setdefault(_list_of(one["provider"], one["kind"]), set()).add(one["model"])
    lists: dict[tuple[str, str], model_lists.Listed | None] = {}
    found: list[JsonObject] = []
    for (provider, model, kind), names in uses.items():
        if not _has_key(provider):
            continue  # this model cannot be called
        where = _list_of(provider, kind)
        if where not in lists:
            lists[where] = _read(*where, known.get(where, set()))
        listed = lists[where]
        is_listed, day = (None, None) if listed is None else model_lists.find(model, listed)
        found.append(
            {
                "provider": provider,
                "model": model,
                "uses": ", ".join(dict.fromkeys(names)),
                "is_listed": is_listed,
                "shutdown_on": day and day.isoformat(),
            }
        )
    alerted: AlertEndingModels = db.call("alert_ending_models", p_models=found)
    outbox.deliver_outgoing(alerted["outgoing"])
    done = {"checked": len(found), "alerts": alerted["alerts"]}
    log.info("models were compared with the lists of their providers", action="models_job", **done)
    return done


def _configured() -> Iterator[tuple[str, str, str, str]]:
    """Return provider, model, kind and setting of the models that the environment names."""
    chosen = settings()
    try:
        yield chosen.chat_provider, providers.chat_model(), "chat", "CHAT_MODEL"
        for mode in modes.MODES.values():
            if mode.model:
                yield mode.provider or chosen.chat_provider, mode.model, "chat", mode.key
        if voice := transcription.choose():
            yield voice.provider, voice.model, "transcription", "TRANSCRIPTION_MODEL"
        if chosen.speech_provider:
            voice = speech.choose(chosen.speech_provider)
            yield voice.provider, voice.model, "speech", "SPEECH_MODEL"
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")


def _has_key(provider: str) -> bool:
    try:
        return bool(settings().api_key(provider))
    except ConfigError:
        return False


def _list_of(provider: str, kind: str) -> tuple[str, str]:
    """Return provider and path of the list that has the models of a kind."""
    where = model_lists.LISTS.get(provider)
    return provider, where.paths.get(kind, where.path) if where is not None else ""


def _read(provider: str, path: str, known: set[str]) -> model_lists.Listed | None:
    """Return a provider's list; None also where it has none of the models that we know of this provider.

    Such a list is of another kind of models, or its form has changed.
    """
    if provider not in model_lists.LISTS:
        return None
    listed = model_lists.read(provider, path)
    if listed is not None and known and not any(model_lists.find(one, listed)[0] for one in known):
        log.warning(
            "a list has none of our models", action="model_list_strange", provider=provider, path=path
        )
        return None
    return listed
