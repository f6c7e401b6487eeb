-- The role of the functions (bot_backend) and the rights of all roles on the two schemas.

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'bot_backend') then
    -- Created without login; the database tool sets LOGIN and a password from a secret.
    create role bot_backend nologin noinherit;
  end if;
end
$$;

-- The caller's own deadline is shorter, so a statement that reaches this limit is a bug or an overload.
alter role bot_backend set statement_timeout = '8s';
alter role bot_backend set lock_timeout = '5s';
alter role bot_backend set idle_in_transaction_session_timeout = '10s';

-- Without this, a caller's temporary type or table could shadow a name that a security definer function uses.
do $$
begin
  execute format('revoke temporary on database %I from public', current_database());
  execute format('revoke temporary on database %I from bot_backend', current_database());
end
$$;

create schema if not exists private;
comment on schema private is 'Internal functions and tables; not exposed by the Data API';
revoke all on schema private from public, anon, authenticated;

grant usage on schema public to bot_backend, service_role;
