-- Row-level security is the second line of defense: even if a right on a table is granted by mistake, a role of the Data API
-- reads and changes nothing. The checks grant all rights, then act as the role.
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
    'no policy exists, so no role passes'
);

-- A stored user, and rights granted by mistake -------------------------------------------------------------

select lives_ok(
    $$
        select public.receive_update(
            p_bot => 'assistant', p_update_id => 1, p_delivery => gen_random_uuid(), p_kind => 'message',
            p_chat_id => 7001, p_telegram_user => '{"id": 7001, "first_name": "Anna"}', p_payload => '{}',
            p_lease_seconds => 40
        )
    $$,
    'an update stores a user'
);
select isnt_empty('select 1 from public.users', 'the owner of the tables reads the user');

-- Only for this transaction: the migrating role is not a member of bot_backend, which cannot reach pgTAP by itself.
grant bot_backend to current_user;
grant usage on schema extensions to bot_backend;

grant select, insert, update, delete on all tables in schema public to anon, authenticated, bot_backend;

set local role anon;
select is_empty('select 1 from public.users', 'anon reads no user, even with the select right');
select is_empty('select 1 from public.telegram_updates', 'anon reads no update');
select is_empty('update public.users set is_active = false returning id', 'anon changes no user');
select throws_ok(
    'insert into public.daily_usage (user_id, bot, day, requests) select 1, ''assistant'', ''2026-01-01'', 1',
    '42501', null, 'anon inserts nothing'
);

set local role authenticated;
select is_empty('select 1 from public.users', 'authenticated reads no user, even with the select right');
select is_empty('delete from public.telegram_updates returning update_id', 'authenticated deletes nothing');

set local role bot_backend;
select is_empty('select 1 from public.users', 'bot_backend reads no user: only functions reach the tables');

-- The service role -----------------------------------------------------------------------------------------

reset role;
select ok(
    (select rolbypassrls from pg_roles where rolname = 'service_role'),
    'service_role bypasses row-level security, so only missing grants keep it from the tables'
);

select * from finish();
rollback;
