"""Who says what in a pasted conversation, also where the text is hostile."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from shared.features.trainer import transcripts
from shared.features.trainer.transcripts import Exchange, certain_seller, exchanges, read, verbatim

SAID = [("A", "Hello there."), ("B", "Hi: what is it?"), ("A", "How many?")]
FORMS = {
    "wrapped": "A: Hello\nthere.\nB: Hi: what is it?\nA: How many?",
    "untidy": "a : Hello there.\n**B:** Hi: what is it?\nA:How many?",
    "times": "[12:30] A: Hello there.\n12:31 B: Hi: what is it?\n(12.32) A: How many?",
    "WhatsApp": (
        "12.03.26, 12:30 - A: Hello there.\n12.03.26, 12:31 - B: Hi: what is it?\n"
        "12.03.26, 12:32 - A: How many?"
    ),
    "WhatsApp on iOS": (
        "[12.03.2026, 12:30:11 PM] A: Hello there.\n[12.03.2026, 12:30:12] B: Hi: what is it?\n"
        "[12.03.2026, 12:31:00] A: How many?"
    ),
    "Telegram": (
        "A, [12.03.2026 12:30]\nHello there.\n\nB, [12.03.2026 12:31]:\nHi: what is it?\n"
        "A, [12.03.2026 12:32]\nHow many?"
    ),
    "WhatsApp in the US": (
        "[3/12/26, 12:30:11\u202fPM] A: Hello there.\n[3/12/26, 12:30:12\u202fPM] \u200eB: Hi: what is it?\n"
        "\u200e[3/12/26, 12:31:00\u202fPM] A: How many?"
    ),
    "a time behind the name": "A [00:03]: Hello there.\nB [00:10]: Hi: what is it?\nA [01:15]: How many?",
    "subtitles": (
        "1\n00:00:01.000 --> 00:00:02.000\nA: Hello there.\n\n2\n00:00:03.000 --> 00:00:04.000\n"
        "B: Hi: what is it?\n\n3\n00:00:05.000 --> 00:00:06.000\nA: How many?"
    ),
    "no contact": "~ A: Hello there.\n~ B: Hi: what is it?\n~ A: How many?",
    "ISO dates": (
        "2026-03-12 12:30:11 A: Hello there.\n[2026-03-12 12:31] B: Hi: what is it?\n"
        "2026-03-12T12:32:00Z A: How many?"
    ),
    "Zoom": (
        "12:30:11 From A to Everyone:\n\tHello there.\n"
        "12:31:00 From B to A(Direct Message):\n\tHi: what is it?\n"
        "12:32:00 From A to Everyone:\n\tHow many?"
    ),
    "Zoom with dates, earlier": (
        "2026-03-12 12:30:11 From A to Everyone: Hello there.\n12:31:00\t From  B : Hi: what is it?\n"
        "12:32:00 От A кому Все: How many?"
    ),
    "slashes": "/ A: Hello there.\n/ B: Hi: what is it?\n/ A: How many?",
    "mails in their order": (
        "From: A <a@example.com>\nSent: Thursday, March 12, 2026 9:30 PM\nTo: B\nSubject: Offer\n\n"
        "Hello\nthere.\n\n"
        "From: B <b@example.com>\nDate: 13 Mar 2026 10:30\nSubject: RE: Offer\n\nHi: what is it?\n\n"
        "От: A\nОтправлено: 14 марта 2026 г. 10:30\nКому: B\nТема: RE: Offer\n\nHow many?"
    ),
    "a thread of mails": (
        "От: A\nДата: 14.03.2026, 10:30\nТема: RE: Offer\n\nHow many?\n\n-----Original Message-----\n"
        "From: B [mailto:b@example.com]\nSent: 13.03.2026 22:30\nTo: A\n\nHi: what is it?\n\n"
        "From: A\nSent: 13.03.2026 09:30\nTo: B\n\nHello there."
    ),
    "quotations in a mail": (
        "How many?\n\nOn Fri, Mar 13, 2026 at 10:30 AM B <b@example.com> wrote:\n> Hi: what is it?\n>\n"
        "> On Thu, Mar 12, 2026 at 9:30 PM A <\n> a.long.address@example.com> wrote:\n>> Hello there."
    ),
    "Russian quotations": (
        "How many?\n\nпт, 13 мар. 2026 г. в 10:30, B <b@example.com>:\n> Hi: what is it?\n>\n"
        "> 12.03.2026 10:30, A пишет:\n>> Hello there."
    ),
    "list": "Notes of the call\n- A: Hello there.\n- B: Hi: what is it?\n- A: How many?",
}


@pytest.mark.parametrize("form", FORMS)
def test_the_usual_forms_are_read(form: str) -> None:
    found = read(transcripts.clean(FORMS[form]))
    assert [(line.speaker.upper(), line.text) for line in found.lines] == SAID
    assert len(found.speakers) == 2


def test_a_word_before_a_colon_is_no_speaker_unless_it_comes_back() -> None:
    found = read("Ann: We have a plan.\nImportant: no delays.\nBob: Yes.\nAnn: And?\nBob: http://x.y: z")
    assert found.speakers == ("Ann", "Bob")
    assert found.lines[0].text == "We have a plan. Important: no delays."
    assert found.lines[-1].text == "http://x.y: z"


def test_dashes_take_turns() -> None:
    found = read("— Hello\nthere.\n– Hi!\n- How?")
    assert [(line.speaker, line.text) for line in found.lines] == [
        ("1", "Hello there."),
        ("2", "Hi!"),
        ("1", "How?"),
    ]
    assert found.first_words("2") == "Hi!"
    assert certain_seller(found) is None


@pytest.mark.parametrize(
    ("names", "seller"),
    [
        (("Менеджер", "Клиент"), "Менеджер"),
        (("Менеджер Анна", "Олег"), "Менеджер Анна"),
        (("Anna", "Client"), "Anna"),
        (("Sales", "Customer", "Lawyer"), "Sales"),
        (("Anna", "Bob"), None),
        (("Anna", "Client", "Bob"), None),
        (("Seller 1", "Seller 2"), None),
        (("Sales client", "Bob"), None),
    ],
)
def test_the_seller_is_certain_by_a_role_only(names: tuple[str, ...], seller: str | None) -> None:
    assert certain_seller(read("\n".join(f"{name}: Why?" for name in names * 2))) == seller


def test_everyone_but_the_seller_is_the_client() -> None:
    call = "C: First.\nS: One?\nC: Yes.\nD: No.\nS: So.\nC: Right.\nS: Two?\nS: Three?\nC: Four."
    found = read(f"{call}\nS: Bye.\nD: Bye.")
    chosen = [number for number, line in enumerate(found.lines) if line.text.endswith("?")]
    assert exchanges(found, "S", chosen) == [
        Exchange("First.", "One?", "Yes. No. Right."),
        Exchange("Yes. No. Right.", "Two?", ""),
        Exchange("Yes. No. Right.", "Three?", "Four. Bye."),
    ]


def test_verbatim_is_the_same_words_in_a_row() -> None:
    text = "We lost, 40 hours; all of it — in March."
    assert verbatim("lost 40 Hours", text) == "lost, 40 hours"
    assert verbatim("“in march”", text) == "in March"
    assert verbatim(text, text) == text[:-1]
    for other in ("ost 40", "lost hours", "40 lost", "", "…", "in March and", text * 2):
        assert verbatim(other, text) == ""


def test_halves_of_surrogate_pairs_are_replaced() -> None:
    assert transcripts.clean("why \ud83d?\r\n\udc00\x00 \ud83d\ude00") == "why \ufffd?\n\ufffd \U0001f600"


def test_a_word_that_a_client_cut_in_two_is_whole_again() -> None:
    assert transcripts.join(["A" * 4096, "B", "C"]) == "A" * 4096 + "B\nC\n"


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        ":",
        "a: b\n",
        "1:",
        ", [1]",
        "— ",
        "- a\n",
        "[12:30] ",
        "a b ",
        "*a*: ",
        "\n",
        "ж: ?\n",
        "from: a\nto: b\n",
        "10:30 wrote:\n",
        "1 10:30 <a>:\n",
        "1 10:30 From a to b: c\n",
        "a: b\nc\n",
        "1 10:30 ",
    ],
)
def test_reading_takes_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        started = time.thread_time()
        read((piece * count)[:count])
        return time.thread_time() - started

    short, long = (min(seconds(count) for _ in range(3)) for count in (10_000, 40_000))
    assert long < 10 * max(short, 0.01)  # generous: quadratic time would take seconds


def test_thousands_of_speakers_are_none() -> None:
    assert read("\n".join(f"name {number} x: why?" for number in range(3_000))).speakers == ()
    many = "\n".join(f"n{chr(97 + number)}: why?" for number in range(20))
    assert len(read(f"{many}\n{many}").speakers) == transcripts.MOST_SPEAKERS


def test_a_line_may_hold_only_a_name_and_a_time() -> None:
    found = read("Anna Petrova   0:03\nHello.\nBoris Ivanov   0:10\nYes?\nAnna Petrova   1:15\nHow many?")
    assert found.speakers == ("Anna Petrova", "Boris Ivanov")
    assert [line.text for line in found.lines] == ["Hello.", "Yes?", "How many?"]


def test_phone_numbers_are_speakers_behind_a_time() -> None:
    phone = "+7 912 345-67-89"
    found = read(f"[12:30] {phone}: How many?\n[12:31] Ann: Ten.\n[12:32] {phone}: Why?\n[12:33] Ann: So.")
    assert found.speakers == (phone, "Ann")


ONE_SIDED = {
    "the seller": ("Sales: Hello.\nHi.\nSales: How many?\nTen.\nOr so.\nSales: Why?", "Sales"),
    "the client": (
        "Hello.\nClient: Hi.\nHow many?\nClient: Ten.\nA day?\nClient: Yes.\nNote: so.\nClient: So.\nFine.",
        transcripts.UNNAMED,
    ),
    "after times": ("[00:01] Anna: Hello.\n[00:03] Hi.\n[00:05] Anna: How many?\n[00:07] Ten.", None),
}


@pytest.mark.parametrize("case", ONE_SIDED)
def test_where_one_speaker_is_named_the_other_lines_are_the_others(case: str) -> None:
    text, seller = ONE_SIDED[case]
    found = read(text)
    assert len(found.speakers) == 2
    assert transcripts.UNNAMED in found.speakers
    assert all(one.speaker != two.speaker for one, two in pairwise(found.lines)), (
        "each has turns of several lines"
    )
    assert certain_seller(found) == seller
    assert not found.has_name(transcripts.UNNAMED)
    assert "How many?" in [line.text for line in found.lines]


def test_an_answer_above_a_thread_is_the_other_authors() -> None:
    thread = "Yes.\nFrom: Bob\nSent: 12.03.2026 10:30\nTo: Ann\n\nReally?"
    assert [(line.speaker, line.text) for line in read(thread).lines] == [("Bob", "Really?"), ("—", "Yes.")]
    thread += "\nFrom: Ann\nSent: 12.03.2026 10:20\nTo: Bob\n\nTen."
    assert [line.speaker for line in read(thread).lines] == ["Ann", "Bob", "Ann"]


def test_the_headers_of_one_mail_around_a_conversation_are_no_thread() -> None:
    found = read(
        "Notes\nFrom: Ann\nDate: today\nManager: How many?\nClient: Ten.\nManager: Why?\nClient: So."
    )
    assert set(found.speakers) == {"Client", "Manager"}
    assert certain_seller(found) == "Manager"


def test_headers_of_mails_are_no_speakers() -> None:
    assert read("From: Ann\nTo: Bob\nSubject: Offer\nFrom: Bob\nTo: Ann\nSubject: Re: Offer").speakers == ()


def test_a_buyer_with_the_title_of_a_manager_is_not_certain_to_sell() -> None:
    found = read(
        "Менеджер по закупкам: Сколько стоит?\nИван: Сто.\nМенеджер по закупкам: А доставка?\nИван: Десять."
    )
    assert certain_seller(found) != "Менеджер по закупкам"


def test_names_may_be_emoji_and_begin_with_one() -> None:
    found = read(
        "🙂: How many machines?\n🚗 Ivan: Five.\n🙂: And then?\n📌 Note: two are idle.\n🚗 Ivan: Yes."
    )
    assert found.speakers == ("🙂", "🚗 Ivan")
    assert [line.text for line in found.lines][2] == "And then? 📌 Note: two are idle."
