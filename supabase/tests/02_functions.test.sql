-- Execute rights and properties of functions, also in a project whose default privileges grant new objects to all roles (CI
-- runs these checks in such a project; see tools/database/prepare.py).
begin;
select plan(7);

create temporary view api as
select p.oid, p.oid::regprocedure::text as name, n.nspname, p.prosecdef, p.proconfig
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where n.nspname in ('public', 'private')
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e');

select is_empty(
    $$
        select name, role from api, unnest(array['anon', 'authenticated']) role
        where has_function_privilege(role, oid, 'execute')
    $$,
    'anon and authenticated may execute nothing'
);
select is_empty(
    $$select name from api where nspname = 'public' and not has_function_privilege('bot_backend', oid, 'execute')$$,
    'bot_backend may execute the whole API'
);
select is_empty(
    $$select name from api where nspname = 'private' and has_function_privilege('bot_backend', oid, 'execute')$$,
    'bot_backend may execute no internal function'
);
select is_empty(
    $$select name from api where nspname = 'public' and not prosecdef$$,
    'the API runs with the rights of its owner'
);
select is_empty(
    $$select name from api where not 'search_path=pg_catalog, pg_temp' = any (coalesce(proconfig, '{}'))$$,
    'no function resolves a name in a schema of its caller'
);

-- As the calling role --------------------------------------------------------------------------------------

-- Only for this transaction: the migrating role is not a member of bot_backend, which cannot reach pgTAP by itself.
grant bot_backend to current_user;
grant usage on schema extensions to bot_backend;
set local role bot_backend;
select lives_ok(
    $$
        select public.receive_update(
            p_bot => 'assistant', p_update_id => 2, p_delivery => gen_random_uuid(), p_kind => 'message',
            p_chat_id => 7002, p_telegram_user => '{"id": 7002, "first_name": "Boris"}', p_payload => '{}',
            p_lease_seconds => 40
        )
    $$,
    'bot_backend calls an API function, which reaches tables that bot_backend may not'
);

set local role anon;
select throws_ok(
    $$
        select public.receive_update(
            p_bot => 'assistant', p_update_id => 3, p_delivery => gen_random_uuid(), p_kind => 'message',
            p_chat_id => 7003, p_telegram_user => '{"id": 7003}', p_payload => '{}', p_lease_seconds => 40
        )
    $$,
    '42501', null, 'anon may not call an API function'
);

reset role;
select * from finish();
rollback;
