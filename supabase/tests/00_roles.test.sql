-- Rights of the calling roles. Every check acts as the role that it tests.
begin;
select plan(16);

-- The role of the functions --------------------------------------------------------------------------------

select has_role('bot_backend');
select isnt_superuser('bot_backend');
select is_empty(
    $$select roleid::regrole from pg_auth_members where member = 'bot_backend'::regrole$$,
    'bot_backend is a member of no role and so has only its own rights'
);
select ok(
    not exists (
        select from pg_roles
        where rolname = 'bot_backend' and (rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
    ),
    'bot_backend has no role attributes'
);
select ok(
    exists (
        select from pg_roles where rolname = 'bot_backend' and 'statement_timeout=8s' = any (rolconfig)
    ),
    'bot_backend has a statement timeout of 8 seconds'
);

-- Its rights -----------------------------------------------------------------------------------------------

-- Only for this transaction: the migrating role is not a member of bot_backend, which cannot reach pgTAP by itself.
grant bot_backend to current_user;
grant usage on schema extensions to bot_backend;
set local role bot_backend;

select throws_ok('select * from public.users', '42501', null, 'bot_backend may not read a table');
select throws_ok(
    'insert into public.users (telegram_id) values (1)', '42501', null, 'bot_backend may not write a table'
);
select throws_ok('delete from public.telegram_updates', '42501', null, 'bot_backend may not delete from a table');
select throws_ok('select private.clock()', '42501', null, 'bot_backend may not call an internal function');
select throws_ok('select * from private.settings', '42501', null, 'bot_backend may not read the settings');
select throws_ok(
    'create temporary table mine ()', '42501', null, 'bot_backend may not create a temporary object'
);
select throws_ok('create table public.mine ()', '42501', null, 'bot_backend may not create a table');
select throws_ok(
    'create function public.mine() returns void language sql as ''''', '42501', null,
    'bot_backend may not create a function'
);

-- Roles of the Data API ------------------------------------------------------------------------------------

set local role anon;
select throws_ok('select * from public.users', '42501', null, 'anon may not read a table');

set local role authenticated;
select throws_ok('select * from public.users', '42501', null, 'authenticated may not read a table');

set local role service_role;
select throws_ok('select private.clock()', '42501', null, 'service_role may not call an internal function');

reset role;
select * from finish();
rollback;
