"""Words of the languages that the fallback classifier needs, whatever the scenario."""

from __future__ import annotations

import re

# What a question may begin with and that says nothing about its type.
_FILLERS = """
    а и ну но вот так да ой эм ээ слушайте смотрите скажите подскажите пожалуйста уточните хорошо понятно
    понял поняла ясно тогда то есть еще кстати можно интересно хотел хотела спросить узнать простите
    извините здравствуйте добрый день давайте просто вообще so well ok okay and but um uh right sure then
    also please sorry hi hello hey alright now great i see thanks just let me ask maybe
    actually
"""
FILLERS = frozenset(_FILLERS.split())
_QUESTION_WORDS = """
    как какой какая какое какие каких каким какую какого каком какими кто кому кем ком что чего чему чем где
    куда откуда когда сколько почему зачем отчего чей чья чьи насколько который которые есть расскажите
    опишите поделитесь назовите покажите объясните неужели разве правда верно правильно бывает бывают
    случается случаются how what who whom whose where when why which do does did is are was were have has
    had can could will would should describe explain walk tell whats hows whos any ever anything talk
"""
QUESTION_WORDS = frozenset(_QUESTION_WORDS.split())
_STRONG_QUESTION_WORDS = """
    как какой какая какое какие каких каким какую какого каком кто кому кем где куда откуда когда сколько
    почему зачем чем насколько how what who where when why which
"""
STRONG_QUESTION_WORDS = frozenset(_STRONG_QUESTION_WORDS.split())
# A sentence that begins so is a statement about the seller, whatever question word follows.
FIRST_PERSON = frozenset("мы я наш наша наше наши нам мне we i our my it this that".split())  # noqa: SIM905
_GREETINGS = (
    r"(?:здравствуйте|добрый (?:день|вечер)|доброе утро|привет|hello|hi|hey"
    r"|good (?:morning|afternoon|evening))"
)
GREETING = re.compile(rf"{_GREETINGS}(?:[ ,.!]+[\w-]+){{0,4}}[ ,.!]*")
# Where an order begins: a sentence, a clause, or behind a joining word; not in "Do operators ignore rules?".
_ORDER = r"(?:^|[.!?;:,)\]»\"—-] *|\b(?:and|then|please|just|now|и|а|но|пожалуйста|теперь|просто) )"
# A text that speaks to the examiner instead of to the client. A client's own rules, scores, hidden costs and
# labels are ordinary subjects of a call, so an order alone or such a word alone is none.
INSTRUCTIONS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_ORDER}(?:ignore|disregard|forget|override)\b.{{0,40}}"
        r"\b(?:instructions?|prompts?|(?:your|these|all|previous|above) rules"
        r"|everything (?:above|before|you))\b",
        r"\b(?:system prompt|jailbreak|developer mode|prompt injection)\b|\bsystem message:",
        r"\byou are now (?:a |an |the )?(?:assistant|grader|examiner|judge)\b",
        r"\byou are (?:now )?(?:a |an |the )?(?:chatgpt|language model|ai (?:assistant|model|bot|grader))\b",
        rf"{_ORDER}(?:give|award|assign|grant) (?:me|this|it|my|us)\b.{{0,30}}"
        r"\b(?:\d+ points?|xp|badge"
        r"|(?:all|full|max\w*|bonus|extra|high\w*|top|perfect|best) (?:the )?(?:points|score|marks))\b",
        rf"{_ORDER}(?:classify|label|mark|score|rate|count) (?:this|it|me|my|the question)\b.{{0,30}}"
        r"\b(?:implication|need[- ]payoff|contextual|maximum|as (?:a |an )?(?:situation|problem))\b",
        rf"{_ORDER}(?:reveal|print|show|output|repeat|tell me)\b.{{0,30}}"
        r"\b(?:(?:hidden|secret|all|all the) facts|(?:your|the) prompt|case file"
        r"|your instructions(?= ?(?:[.!?,;]|$)))",
        rf"{_ORDER}(?:игнорируй|проигнорируй|не учитывай|забудь|отмени)(?:те)?\b.{{0,40}}"
        r"\b(?:инструкц|промпт|(?:все|свои|твои|эти|предыдущие) (?:правил|указан|команд|сообщени)|все,? что)",
        r"\bсистемн\w{2,4} промпт|\b(?:твой|твоего|свой|своего) промпт|\bджейлбрейк|\bрежим разработчика",
        r"\bты (?:теперь )?(?:ии|бот|нейросеть|модель|экзаменатор|ассистент|chatgpt)\b",
        # "Поставьте от 1 до 10 баллов" is a question to the client.
        rf"{_ORDER}(?:поставь|начисли|дай|присвой|засчитай|выстави)(?:те)?\b"
        r"(?! ли)(?!.{0,40}\b(?:от|из|по) ).{0,30}"
        r"\b(?:балл|очк(?:и|ов)|(?:максимальн|высш)\w+ оценк|значок|xp)",
        rf"{_ORDER}(?:классифицируй|пометь|отметь|засчитай|считай)(?:те)?\b.{{0,40}}"
        r"\b(?:вопрос как|как (?:извлекающ|направляющ|контекстн)|(?:проблемн|ситуационн)\w+ вопрос)",
        rf"{_ORDER}(?:раскрой|выведи|покажи|перечисли|напиши)(?:те)?\b.{{0,30}}"
        r"\b(?:(?:скрыт|секретн)\w+ (?:факт|информаци)|промпт|все факты|(?:свои|твои) инструкции)",
    )
)
# Frequent words of four letters and more that two sentences may share by chance.
_STOP_WORDS = """
    если есть было были быть будет вами вами ваша ваши вашей вашем ваше всего всех всегда даже какая какие
    какой каких когда который которые меня можно может надо очень потом почему после просто сейчас сколько
    такая такие такой также тоже того только туда тогда хорошо чего через чтобы этого этой этом этот этим
    эти этих именно обычно компании компания работы работа работает работаете вопрос сказали говорили
    говорите упомянули насколько происходит ваших вашего нужно самый самое свои своих который about after
    also because been before being company could does each else ever every from have here into just like
    made make many more most much need only other over same should some such take than that their them then
    there these they thing this those very want well were what when where which while will with work working
    would your yours said mentioned exactly usually current currently
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
# Words that refer to what the client said; with a shared word they make a question contextual.
REFERENCES = re.compile(
    r"\bвы (?:сказали|говорили|упомянули|упоминали|назвали|отметили)\b|\bпо вашим словам\b"
    r"|\byou(?:'ve| have)? (?:just )?(?:said|mentioned|named|noted)\b"
)
