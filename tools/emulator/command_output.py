"""Results of the emulator's commands as text."""

from __future__ import annotations

from typing import Any

from tools.emulator.client import Answer

Json = dict[str, Any]


def answer_text(answer: Answer) -> str:
    """Return what a chat shows after an action, or what a tapped button opens."""
    if answer.opens is None:
        return answer.transcript
    if invoice := answer.opens.get("invoice"):
        every = ", every 30 days" if invoice["subscription_period"] else ""
        price = f"{invoice['total_amount']} Stars{every}"
        how = "Pay it with: ./switchboard emulator pay"
        return f"An invoice opens: {invoice['title']}, {price}\n{invoice['description']}\n{how}"
    how = "\nPay it with: ./switchboard emulator checkout pay" if "/pay/" in answer.opens["url"] else ""
    return f"A page opens: {answer.opens['url']}{how}"


def checkout_lines(found: list[Json]) -> str:
    """Return each checkout with the actions that are possible now."""
    if not found:
        return "There is no checkout yet: tap a button to pay first."
    return "\n".join(
        f"{one['provider']}  {one['id']}  {one['state']}  {one['amount']} {one['currency']}  {one['title']}\n"
        f"    possible now: {', '.join(action['name'] for action in one['actions'] if action['enabled'])}"
        for one in found
    )


def user_lines(users: list[Json]) -> str:
    """Return one line for each user."""
    return "\n".join(
        f"{one['id']}  {one['first_name']}{'  @' + one['username'] if one.get('username') else ''}"
        for one in users
    )


def fault_lines(found: Json) -> str:
    """Return the faults that are set, and the kinds there are."""
    if "removed" in found:
        return f"{found['removed']} removed"
    if "fault" in found:
        return _fault_line(found["fault"])
    kinds = [f"  {one['kind']:16} {one['about']}" for one in found["kinds"]]
    set_now = [_fault_line(one) for one in found["faults"]] or ["No fault is set."]
    return "\n".join([*set_now, "", "Kinds:", *kinds])


def _fault_line(fault: Json) -> str:
    what = fault["kind"] or f"{fault['status']} {fault['description']}"
    left = "every call" if fault["count"] is None else f"{fault['count']} more"
    narrowed = "".join(f", {name} {fault[name]}" for name in ("bot", "chat_id", "text") if name in fault)
    return f"#{fault['id']}  {what}, {fault['method']}{narrowed}: {left}, used {fault['used']}"


def clock_lines(state: Json) -> str:
    """Return the time and what falls due next."""
    following = "".join(f"\n  {one['at']}  {one['what']}" for one in state.get("next") or [])
    return f"{state['now']} ({state['offset']:g} seconds ahead){following}"


def trace_lines(events: list[Json]) -> str:
    """Return one line for each event."""
    return "\n".join(
        f"{event['kind']:14} {event['status'] if event['status'] is not None else '':>5}  {event['title']}"
        for event in events
    )


def coverage_lines(found: Json) -> str:
    """Return one line for each method of the Bot API."""
    lines = [f"Bot API {found['version']}: {found['summary']}"]
    for name, one in found["methods"].items():
        missing = f"  not: {', '.join(one['missing'])}" if one["missing"] else ""
        lines.append(f"{one['support']:8} {name}{missing}")
    return "\n".join(lines)
