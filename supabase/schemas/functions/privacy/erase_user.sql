-- Erases the user of an update, as the last change of this update. What accounting needs stays without the user:
-- orders and payments, the ledger, whose remaining balance is booked out first, and the audit log of admins. Users
-- whom they referred, or who referred them, keep their credits.
--
-- p_erasure {hash, balance}: the key of the tombstone in erased_users, and the balance that the user agreed to lose.
-- The update keeps its answer without the chat id, and its outbox items until they are delivered.
--
-- Concurrency: the caller holds the update row and has locked the user exclusively (private.lock_user): every other
--   change of the user's data is committed, or will find no user. Update rows of the user that are locked right now
--   are skipped; their workers anonymize them when they try to lock the user.
-- Locks: as private.anonymize_payment_data and private.save_tombstone, waiting alarms, update row, the user's other
--   update rows (FOR UPDATE SKIP LOCKED), outbox items, audit log, scores on boards, calls to AI providers, referrals, teams
--   by id, user.
-- Returns: void
-- Errors: Y0001, the balance is higher than the user agreed to lose; Y0002, a renewal is running.
create or replace function private.erase_user(p_update public.telegram_updates, p_erasure jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_other record;
begin
  select u.* into v_user from public.users as u where u.id = p_update.user_id;
  if v_user.balance > (p_erasure ->> 'balance')::numeric then
    raise exception 'the balance is higher than the user agreed to lose' using errcode = 'Y0001';
  elsif v_user.balance > 0 then
    -- The reference does not identify the user.
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, -v_user.balance, 0, 'erased', 'erased:' || gen_random_uuid());
  end if;
  perform private.anonymize_payment_data(v_user);
  perform private.save_tombstone(v_user, p_erasure ->> 'hash');
  insert into private.erasures (user_id, user_hash)
  values (v_user.id, decode(p_erasure ->> 'hash', 'hex'))
  on conflict (user_id) do nothing;

  -- An error message may quote the user's text.
  update private.waiting_alarms as w
     set values = w.values || '{"error": "—"}'
   where w.key = 'owner_alert'
     and exists (
       select
         from public.telegram_updates as t
        where t.bot = w.values ->> 'bot'
          and t.update_id = (w.values ->> 'update_id')::bigint
          and t.user_id = v_user.id
     );
  update public.telegram_updates as t
     set chat_id = null, thread_id = 0, user_id = null, delivery = null, answer = t.answer - 'chat_id'
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  for v_other in
    select t.bot, t.update_id
      from public.telegram_updates as t
     where t.user_id = v_user.id
       for update skip locked
  loop
    perform private.anonymize_update(v_other.bot, v_other.update_id);
  end loop;
  delete from public.telegram_outbox as o
   where o.chat_id = v_user.telegram_id
     and (o.bot, o.update_id) is distinct from (p_update.bot, p_update.update_id);
  delete from private.waiting_alarms as w where w.values ->> 'user' = v_user.telegram_id::text;
  -- Bodies that could not be parsed have no user_id: search them for the Telegram id.
  update public.telegram_updates as t
     set payload = null, error = null
   where t.kind = 'invalid' and strpos(t.payload #>> '{}', v_user.telegram_id::text) > 0;

  update public.audit_log as l
     set user_id = null, before = l.before - array['reason', 'email'], after = l.after - array['reason', 'email']
   where l.user_id = v_user.id;
  perform private.leave_boards(v_user.id);
  delete from public.api_usage as a where a.user_id = v_user.id;
  delete from public.user_referrals as r
   where (r.referrer_id = v_user.id and r.referred_id is null)
      or (r.referred_id = v_user.id and r.referrer_id is null);
  perform private.hand_over_teams(v_user.id);
  -- Foreign keys delete the remaining rows or set their user_id to null.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_user from public, anon, authenticated, service_role;
comment on function private.erase_user is 'Erases the user of an update';
