-- Returns whether a message asks how to pay or says that its user wants to buy, in Russian or English: then a qualification
-- does not wait. Only a hint of when to look; it moves no score.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.has_payment_intent(p_text text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  -- No \w: in the C locale it knows no Cyrillic letters.
  select left(p_text, 1000) ~ (
    '([Кк]ак|[Кк]уда|[Гг]де|[Мм]ожно|[Хх]оч[ую]|[Хх]отим|[Гг]отов[аы]?|[Бб]уду)\s+(\S+\s+){0,2}(оплат|плат|куп|заказ|оформ)'
    || '|([Вв]ыстав|[Пп]ришли|[Сс]кинь|[Дд]ай)\S*\s+(\S+\s+){0,2}(сч[её]т|реквизит|ссылку на оплату)'
    || '|[Hh]ow\s+(\S+\s+){0,3}(pay|buy|order|purchase)'
    || '|([Rr]eady|[Ww]ant|like|going)\s+to\s+(pay|buy|order|purchase)'
    || '|([Ss]end|[Gg]ive)\s+(\S+\s+){0,2}(invoice|payment link)'
  );
$$;

revoke all on function private.has_payment_intent from public, anon, authenticated, service_role;
comment on function private.has_payment_intent is 'Returns whether a message asks how to pay';
