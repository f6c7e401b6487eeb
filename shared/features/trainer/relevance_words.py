"""Words and phrases by which relevance.py judges a question; in lower case, with е for ё.

`*` stands for the rest of a word, `$` for the end of the sentence.
"""

from __future__ import annotations

# Words that name nothing to ask about.
EMPTY = """
    я ты мы он она оно они мне меня тебе тебя нам нас его ее их им ним него нее них мой твой наш моя твоя
    наша мое твое наше мои твои наши вы вас вам вами ваш ваша ваше ваши этот эта эти тот та те тут там здесь
    туда сюда во на со ко об от до из за по под над при про для без или либо же бы не ни нет угу ок окей
    норм лады алло але тест проверка прием лол хм хмм эх ух ах ей ау бла тра раз типа короче блин че чо шо
    уже будет было был была были быть сам сама сами себя все всего понимаете слушаю знаете лорем ипсум my
    you your yours he she it its we us our they them their this that these those there here an the of in on
    at to for from with by as about into or not no nope yes yeah yep ok huh hm hmm eh uh oh wow lol haha
    test testing check ping foo bar baz blah really be been being am got else then than lorem ipsum dolor
"""

# Words that refer to what the client said.
REFERRING = """
    it that this those these them then этот эта это эти этого этой этих этому этим этом тогда
"""

# Short questions that lean on what the client just said.
FOLLOW_UPS = """
    how many, how much, how often, how long, how far, how soon, how come, since when, why, where, when, who,
    which, what for, what kind, what else, what exactly, сколько, почему, зачем, отчего, где, куда, откуда,
    когда, кто, какие, какой, какая, какое, часто, давно, долго, что именно, что еще, чем именно, для чего,
    с кем, в чем, у кого, от чего, с чем
"""

# What a business is about. With one of these, also a question about the weather is one about business.
BUSINESS = """
    carrier*, goods, cow, cows, cattle, herd*, livestock, pay, pays, paying, paid, charge*, save, savings,
    setup time, deadline*, lead time, square meter*, square metre*, capacity, throughput, output,
    installation*, provider*, subscription*, продукц*, плат*, квадратн*, срок, сроки, сроков, срокам,
    переналад*, мощност*, подписк*, настрой*, бланк*, перевоз*, площад*, business*, compan*, firm, firms,
    client*, customer*, buyer*, guest*, patient*, supplier*, suppl*, vendor*, contract*, order, orders,
    ordering, deliver*, sale, sales, sell*, team, teams, staff, employee*, manager*, operator*, worker*,
    driver*, engineer*, department*, office*, factory, factories, plant, plants, warehouse*, store, stores,
    shop, shops, branch*, site, sites, produc*, line, lines, machine*, equipment, tool, tools, shift*,
    schedul*, stock, inventor*, material*, budget*, cost*, spend*, revenue*, profit*, margin*, price*,
    pricing, invoic*, payment*, process*, system*, software, server*, data, crm, erp, api, report*, quality,
    defect*, downtime, breakdown*, delay*, harvest*, crop*, fleet, truck*, vehicle*, route*, shipment*,
    logistic*, project*, season*, market*, purchas*, procurement, packag*, maintenance, repair*, service*,
    decision*, decid*, approv*, responsib*, construction, training session*, onboard*, audit*, claim*,
    ticket*, request*, volume*, partner*, contractor*, hotel*, room, rooms, roof*, tenant*, building*,
    agent*, bonus*, salar*, accident*, cooling, energy, power, fuel, document*, paperwork, technolog*,
    hardware, website*, app, apps, portal*, database*, integrat*, outsourc*, investment*, turnover,
    competitor*, colleague*, people, work, works, working, hire, hiring, recruit*, spreadsheet*, excel,
    part, parts, component*, storage, transport*, import*, export*, license*, licence*, insur*, tax, taxes,
    account*, bank*, student*, teacher*, school*, course, courses, doctor*, clinic*, farm*, field, fields,
    oven*, kitchen*, menu, dish*, restaurant*, customs, freight, crane*, pump*, sensor*, scanner*,
    incident*, outage*, backup*, distribut*, plan, plans, planning, problem*, difficult*, error*, mistake*,
    бизнес*, компани*, фирм*, предприят*, клиент*, заказ*, покупател*, гост*, пациент*, постав*, договор*,
    контракт*, продаж*, продае*, команд*, сотрудник*, персонал*, менеджер*, оператор*, рабоч*, работник*,
    водител*, инженер*, отдел*, офис*, завод*, фабрик*, склад*, магазин*, филиал*, объект*, производ*,
    выпуск*, линия, линии, линию, линией, линий, станок, станк*, машин*, оборудован*, смена, смены, сменах,
    смену, график*, запас*, остатк*, материал*, бюджет*, затрат*, расход*, выручк*, прибыл*, марж*, цен,
    цена, цены, счет*, оплат*, платеж*, процесс*, систем*, программ*, сервер*, данны*, црм, отчет*,
    качеств*, брак*, простой, простои, простоя, простоев, поломк*, задерж*, урожа*, парк, парка, парке,
    грузов*, маршрут*, отгруз*, логист*, проект*, сезон*, рынок, рынк*, закуп*, упаков*, сырь*, товар*,
    услуг*, ремонт*, обслужив*, решени*, решает, решают, согласов*, утвержд*, отвечает, строй*, строит*,
    обучен*, заявк*, обращен*, объем*, партнер*, подряд*, дистриб*, план, планы, планир*, договорен*,
    проблем*, трудност*, ошибк*, аренд*, тендер*, запчаст*, отел*, гостиниц*, номеров, номера, кровл*,
    крыш*, жильц*, жильцы, здани*, помещен*, агент*, преми*, зарплат*, авари*, охлажд*, энерги*, топлив*,
    документ*, бумаг*, технолог*, сайт*, приложени*, портал*, баз*, интеграц*, инвестиц*, оборот*,
    конкурент*, коллег*, люди, людей, людям, работа, работе, работает, работают, работаете, нанима*, подбор*,
    таблиц*,
    эксел*, детал*, хранен*, хранит*, транспорт*, импорт*, экспорт*, лиценз*, страхов*, налог*, бухгалтер*,
    банк*, студент*, ученик*, учител*, преподават*, школ*, курс, курсы, курсов, врач*, клиник*, ферм*, печ*,
    кухн*, меню, блюд*, ресторан*, таможн*, груз*, кран, краны, кранов, насос*, датчик*, сканер*, инцидент*,
    сбо*, резервн*, молок*, скот*, коров*, стад*, зерн*, деньг*, денег, закрыт*, месяц*, смен
"""

# Small talk, and what else a sales call may turn to: private life, free time, favors, the connection.
OFF_TOPIC = """
    breakfast, завтрак, nba, нхл, weather*, raining, snowing, what time is it, what day is it,
    what's the time, who won, football, soccer, hockey, basketball, movie*, film$, films$, song$, songs$,
    netflix, favorite*, favourite*, pizza, burger*, girlfriend*, boyfriend*, wife, husband, married, marry,
    your family, your kids, your children, your hobby, your hobbies, your weekend, weekend plans,
    your vacation, your mood, your name$, your age$, how old are you, where are you from, where do you live,
    do you live, do you love, you love me, do you like me, joke*, poem*, write me, write a, write some,
    write code, sing, dance, bitcoin*, crypto*, some coffee, a coffee, coffee with, like coffee, cup of,
    some tea, a tea, like tea, have lunch, have dinner, some beer, a beer, wearing, meaning of life, zodiac,
    horoscope, believe in god, are you there, are you here, are you alive, are you serious, are you kidding,
    are you single, are you stupid, are you dumb, are you crazy, are you ok, are you okay, are you sure,
    are you listening, did you sleep, sleep well, slept well, help me$, can you help$, my answer*,
    did you say$, repeat that, repeat please, repeat it, say that again, say it again, understand me,
    hear me, what's up, whats up, wassup, how's life, how is life, how's everything, how are things,
    how are you, you doing$, you doing today, your day, your evening, your morning, anyone there,
    anyone here, do you speak, do you know me, do you remember me, do you hate,
    you stupid, you idiot, this training, this exam, this game, this exercise, what's spin, what is spin,
    go on a date, go out with me, tell me about yourself, погод*, дождь, снег, который час,
    сколько времени$, сколько сейчас времени, какой сегодня день, какое сегодня число, кто выиграл,
    кто победил, футбол*, хоккей*, кино, фильм*, сериал*, песни, песню, музык*, любим*, пицц*, бургер*,
    девушка, парень, замужем, женат, женаты, жена, жену, муж, семья, семью, дети, детей, выходные, выходных,
    отпуск*, хобби, настроени*, зовут, вам лет, тебе лет, любите, любишь, свидани*, анекдот*, шутк*, стих,
    стихи, стихотворение, сказк*, напишешь, напиши, напишите, спой, споете, биткоин*, биткойн*, хотите кофе,
    хотите чай, хотите чаю, будете кофе, будете чай, будете чаю, кофе$, чай$, чаю$, попить, выпить,
    пообедать, поужинать, надето, смысл жизни, смысл в жизни, знаку зодиака, зодиак*, гороскоп*, вы тут$,
    вы здесь$, ты тут$, ты здесь$, есть кто$, есть тут кто, кто тут$, кто здесь$, спалось, выспал*,
    как сам$, как сама$, как сами$, как жизнь, как дела, дела$, как оно, как ты$, за кого вы, вы за кого,
    болеете$, помочь мне, помоги, можете помочь$, помогите$, мне спросить, мне спрашивать, мне сказать,
    мне делать, мне ответить, вы сказали$, повтори, повторите, меня понимаете, меня слышите, меня слушаете,
    меня помните, меня знаете, дурак, дура, идиот*, тупой, эта тренировка, этот экзамен, эта игра,
    это упражнение, что такое спин, откуда вы$, где вы живете, вы живете, вы верите, вы курите, вы пьете,
    вы женаты, расскажите о себе, сколько вы зарабатываете
"""

# Questions to the software and general knowledge: never about a client, whatever else they name.
NEVER = """
    do you support$, you calling from, откуда звоните, откуда вы звоните, инопланетян*, aliens, a hint,
    good question$, this end$, i finish, more points, the rules$, programmed you, plans for the weekend,
    this training work, the training work, bitcoin*, i cook, биткоин*, биткойн*, эта тренировка,
    этой тренировки, эту тренировку, are you a bot, are you a robot, are you a human, are you a real,
    are you an ai, are you ai, are you human, are you real, are you a machine, are you a person,
    are you a program, are you chatgpt, who are you$, who made you, who created you, what are you$, chatgpt,
    openai, language model, which model are you, should i ask, should i say, should i write, do i ask,
    do i say, my score, my points, my level, my result, my results, points do i, points have i,
    questions are left, questions left, questions do i have, у меня счет, планы на выходные,
    команду болеете, подсказк*, хороший вопрос$, это закончить, какие правила$, я справляюсь,
    я хорошо справляюсь, тебя программировал*, ты бот, вы бот, ты робот, вы робот, ты человек, вы человек,
    вы живой, ты живой, вы живая, ты настоящий, вы настоящий, вы настоящая, ты кто, вы кто$, кто ты,
    кто вы$, кто вы такой, кто вы такая, тебя создал, вас создал, чатжпт, чатгпт, нейросеть, мои баллы,
    мой счет, мой результат, у меня баллов, у меня очков, вопросов осталось, вопросов у меня осталось,
    осталось вопросов
"""
