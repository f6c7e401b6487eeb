-- Reasons leave with the person; a part of a file holds five megabytes.

-- Made anew with another default below, in this transaction.
-- squawk-ignore ban-drop-function
drop function public.export_person(p_user_id bigint, p_after bigint, p_bytes integer);

-- Keeps what was written once as it was written. Only letting go of an erased person is allowed, and of what an
-- admin wrote about them in words of their own (reason, in before and after).
--
-- Twice or at once: changes nothing itself.
-- Returns: the row, when its user_id became null and nothing else changed but for that.
-- Errors: T0001, the row cannot be changed.
create or replace function private.refuse_change()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_nobodys jsonb;
begin
  if tg_op = 'UPDATE' and (to_jsonb(old) ->> 'user_id') is not null then
    v_nobodys := jsonb_set(to_jsonb(old), '{user_id}', 'null');
    if to_jsonb(new) in (v_nobodys, v_nobodys #- '{before,reason}' #- '{after,reason}') then
      return new;
    end if;
  end if;
  raise exception '% is written once', tg_table_name using errcode = 'T0001';
end
$$;

revoke all on function private.refuse_change from public, anon, authenticated;
comment on function private.refuse_change is 'Keeps what was written once as it was written';

-- Erases the person of an update, as the last thing that this update does. What accounting needs stays and
-- belongs to nobody: the ledger, whose remaining balance is booked out first, and what admins did. Whoever they
-- brought, or were brought by, keeps what they got.
--
-- Twice or at once: the caller holds the update's row and the person alone (private.hold_person), so every
--   change of theirs is committed or will find nobody. Their updates that others hold right now are passed over:
--   those strip them themselves, there, when they come to the person.
-- Returns: nothing. p_erasure {hash, balance}: what remembers them in erased_people, and the balance that they
--   agreed to lose. The update keeps its answer, without the chat it goes to; calls that it owes stay until
--   they are made.
-- Errors: Y0001, the balance is more than was agreed to.
create or replace function private.erase_person(p_update public.telegram_updates, p_erasure jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_user public.users;
  v_other record;
begin
  select u.* into v_user from public.users as u where u.id = p_update.user_id;
  if v_user.balance > (p_erasure ->> 'balance')::numeric then
    raise exception 'the balance is more than the person agreed to lose' using errcode = 'Y0001';
  elsif v_user.balance > 0 then
    -- The reference tells nothing of whose it was.
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, -v_user.balance, 0, 'erased', 'erased:' || gen_random_uuid());
  end if;
  perform private.remember_person(v_user, p_erasure ->> 'hash');

  update public.telegram_updates as t
     set chat_id = null, user_id = null, delivery = null, answer = t.answer - 'chat_id'
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  for v_other in
    select t.bot, t.update_id
      from public.telegram_updates as t
     where t.user_id = v_user.id
       for update skip locked
  loop
    perform private.strip_update(v_other.bot, v_other.update_id);
  end loop;
  delete from public.telegram_outbox as o
   where o.chat_id = v_user.telegram_id
     and (o.bot, o.update_id) is distinct from (p_update.bot, p_update.update_id);
  -- Bodies that nobody could read: whose they are, only their text may tell.
  update public.telegram_updates as t
     set payload = null, error = null
   where t.kind = 'unusable' and strpos(t.payload #>> '{}', v_user.telegram_id::text) > 0;

  update public.audit_log as l
     set user_id = null, before = l.before - 'reason', after = l.after - 'reason'
   where l.user_id = v_user.id;
  delete from public.user_referrals as r
   where (r.referrer_id = v_user.id and r.referred_id is null)
      or (r.referred_id = v_user.id and r.referrer_id is null);
  -- All else goes, or belongs to nobody from now on, by its foreign key.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_person from public, anon, authenticated;
comment on function private.erase_person is 'Erases the person of an update';

-- Tells everything that is stored about a person: for themselves. A long conversation comes in parts.
--
-- Twice or at once: only reads, all of it at one moment.
-- Returns: jsonb {sections, messages, next}, or null when there is no such person. sections is there in the
--   first part only: one key a subject, rows as the tables have them, without what tells of somebody else.
--   messages [{bot, chat_id, role, content, created_at}], the oldest first, p_bytes of text (one message at
--   least) after number p_after; next is the number to go on after, null at the end.
-- Errors: none of its own.
create or replace function public.export_person(
  p_user_id bigint, p_after bigint default 0, p_bytes integer default 5000000
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_messages jsonb;
  v_last bigint;
begin
  if not exists (select from public.users as u where u.id = p_user_id) then
    return null;
  end if;
  select coalesce(jsonb_agg(to_jsonb(m.message) - array['id', 'user_id'] order by m.id), '[]'), max(m.id)
    into v_messages, v_last
    from (
      select r.id, r as message,
        sum(octet_length(r.content)) over (order by r.id) - octet_length(r.content) as bytes_before
        from public.messages as r
       where r.user_id = p_user_id and r.id > p_after
       order by r.id
       limit 20000
    ) as m
   where m.bytes_before < p_bytes;
  return jsonb_build_object(
    'sections', case when p_after = 0 then private.person_sections(p_user_id) end,
    'messages', v_messages,
    'next', case
      when exists (select from public.messages as r where r.user_id = p_user_id and r.id > v_last) then v_last
    end
  );
end
$$;

revoke all on function public.export_person from public, anon, authenticated;
grant execute on function public.export_person to bot_backend, service_role;
comment on function public.export_person is 'Everything that is stored about a person';

-- Keeps what a person who is being erased must not collect again, under a hash that tells nobody who it was.
--
-- Twice or at once: the caller holds the person alone. Who was erased before, came back and is erased again
--   has one row. Of somebody who used nothing nothing is kept.
-- Returns: nothing.
-- Errors: none.
create or replace function private.remember_person(p_user public.users, p_hash text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_used jsonb := jsonb '{}';
  v_usage jsonb := jsonb '{}';
  v_daily jsonb;
begin
  if not p_user.is_newcomer
    or exists (select from public.user_referrals as r where r.referred_id = p_user.id)
  then
    v_used := v_used || '{"referral": true}';
  end if;
  select jsonb_agg(jsonb_build_object('bot', d.bot, 'day', d.day, 'requests', d.requests)) into v_daily
    from public.daily_usage as d
   where d.user_id = p_user.id
     and d.day >= (private.clock() at time zone private.setting('quota_timezone'))::date
     and d.requests > 0;
  if v_daily is not null then
    v_usage := jsonb_build_object('daily', v_daily);
  end if;
  if v_used = '{}' and v_usage = '{}' then
    return;
  end if;
  insert into public.erased_people as e (person_hash, used, usage)
  values (decode(p_hash, 'hex'), v_used, v_usage)
  on conflict (person_hash) do update
    set used = e.used || excluded.used,
        usage = excluded.usage,
        erased_at = excluded.erased_at;
end
$$;

revoke all on function private.remember_person from public, anon, authenticated;
comment on function private.remember_person is 'Keeps what an erased person must not collect again';
