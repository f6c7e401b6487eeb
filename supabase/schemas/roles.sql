-- The roles that call us, and the two schemas they may look into.

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'bot_backend') then
    -- Without a login: the database tool gives it one, with a password from a secret.
    create role bot_backend nologin noinherit;
  end if;
end
$$;

-- A statement of ours that takes this long is broken; the caller has given up by then.
alter role bot_backend set statement_timeout = '8s';
alter role bot_backend set lock_timeout = '5s';
alter role bot_backend set idle_in_transaction_session_timeout = '10s';

-- A temporary object of a caller could take the place of a type or table that a function of the owner names.
do $$
begin
  execute format('revoke temporary on database %I from public', current_database());
  execute format('revoke temporary on database %I from bot_backend', current_database());
end
$$;

create schema if not exists private;
comment on schema private is 'Internals: reached only from functions of this project, not through the Data API';
revoke all on schema private from public, anon, authenticated;

grant usage on schema public to bot_backend, service_role;
