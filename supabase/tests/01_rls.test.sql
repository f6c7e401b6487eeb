-- Row-level security is the second lock: even where somebody grants a right on a table by mistake, a visitor
-- of the Data API sees and changes nothing. Each check opens the first lock itself, then acts as the visitor.
begin;
select plan(12);

select is_empty(
    $$
        select c.oid::regclass from pg_class c
        where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
            and c.relkind in ('r', 'p') and not c.relrowsecurity
    $$,
    'every table has row-level security'
);
select is_empty(
    $$select policyname from pg_policies where schemaname in ('public', 'private')$$,
    'no policy lets anybody through'
);

-- A person to be seen, and the mistake ---------------------------------------------------------------------

select lives_ok(
    $$
        select public.receive_update(
            p_bot => 'assistant', p_update_id => 1, p_delivery => gen_random_uuid(), p_kind => 'message',
            p_chat_id => 7001, p_telegram_user => '{"id": 7001, "first_name": "Anna"}', p_payload => '{}',
            p_lease_seconds => 40
        )
    $$,
    'a person writes to us'
);
select isnt_empty('select 1 from public.users', 'the owner of the tables sees the person');

-- Until the rollback: whoever migrates is no member of bot_backend, which itself cannot reach pgTAP.
grant bot_backend to current_user;
grant usage on schema extensions to bot_backend;

grant select, insert, update, delete on all tables in schema public to anon, authenticated, bot_backend;

set local role anon;
select is_empty('select 1 from public.users', 'anon sees nobody, even with the right to look');
select is_empty('select 1 from public.telegram_updates', 'anon sees no update');
select is_empty('update public.users set is_active = false returning id', 'anon changes nobody');
select throws_ok(
    'insert into public.daily_usage (user_id, bot, day, requests) select 1, ''assistant'', ''2026-01-01'', 1',
    '42501', null, 'anon adds nothing'
);

set local role authenticated;
select is_empty('select 1 from public.users', 'authenticated sees nobody, even with the right to look');
select is_empty('delete from public.telegram_updates returning update_id', 'authenticated deletes nothing');

set local role bot_backend;
select is_empty('select 1 from public.users', 'our own role sees nobody: only functions reach the tables');

-- The owner's own tool -------------------------------------------------------------------------------------

reset role;
select ok(
    (select rolbypassrls from pg_roles where rolname = 'service_role'),
    'service_role passes row-level security, so only grants keep it from the tables'
);

select * from finish();
rollback;
