-- Admins.

-- Keeps users.is_admin what admins say: it is a copy for the services that read users.
--
-- Twice or at once: sets what is true of the rows as they are.
-- Returns: null, as after-triggers may.
-- Errors: none.
create or replace function private.mark_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.users as u
     set is_admin = exists (select from public.admins as a where a.telegram_id = u.telegram_id)
   where (tg_op <> 'INSERT' and u.telegram_id = old.telegram_id)
      or (tg_op <> 'DELETE' and u.telegram_id = new.telegram_id);
  return null;
end
$$;

revoke all on function private.mark_admin from public, anon, authenticated;
comment on function private.mark_admin is 'Keeps users.is_admin what admins say';

-- Marks a person who is an admin already when they first write to a bot.
--
-- Twice or at once: changes the row that is being stored, nothing else.
-- Returns: the row.
-- Errors: none.
create or replace function private.mark_new_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  new.is_admin := exists (select from public.admins as a where a.telegram_id = new.telegram_id);
  return new;
end
$$;

revoke all on function private.mark_new_admin from public, anon, authenticated;
comment on function private.mark_new_admin is 'Marks a person who is an admin when they first write';

-- Who may do what others may not. Filled from the environment at deployment (tools.database settings), never
-- by the application.

create table public.admins (
  email text primary key check (email = lower(email)),
  telegram_id bigint unique,
  created_at timestamptz not null default private.clock()
);

create trigger admins_mark_users
after insert or update or delete on public.admins
for each row execute function private.mark_admin();

comment on table public.admins is 'Who may do what others may not';
comment on column public.admins.telegram_id is 'Whose commands in a bot are an admin''s';
alter table public.admins enable row level security;
revoke all on table public.admins from public, anon, authenticated, service_role;

-- What admins did, for ever.

create table public.audit_log (
  id bigint generated always as identity primary key,
  admin_email text not null,
  action text not null,
  user_id bigint references public.users (id) on delete set null,
  reference text unique,
  before jsonb not null,
  after jsonb not null,
  created_at timestamptz not null default private.clock()
);

create index audit_log_user_idx on public.audit_log (user_id);

create trigger audit_log_immutable
before update or delete on public.audit_log
for each row execute function private.refuse_change();

comment on table public.audit_log is 'What admins did';
comment on column public.audit_log.reference is 'Given by the caller: the same one acts once';
alter table public.audit_log enable row level security;
revoke all on table public.audit_log from public, anon, authenticated, service_role;
revoke all on sequence public.audit_log_id_seq from public, anon, authenticated, service_role;

-- Gives a person bonus credits in an admin's name; a number below zero takes some back, to zero at most.
--
-- Twice or at once: the person's row is locked; with a reference it acts once, and a repetition is answered
--   with what it did then. Without one, every call acts.
-- Returns: jsonb {applied, before, after}: bonus credits.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action, person
--   or number; N0004 the number is unusable.
create or replace function public.admin_add_bonus_credits(
  p_user_id bigint, p_credits integer, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_before integer;
  v_after integer;
  v_known public.audit_log;
begin
  if coalesce(p_credits, 0) = 0 or abs(p_credits) > 1000000 then
    raise exception 'the credits must be a number up to a million, and not zero' using errcode = 'N0004';
  end if;
  select u.bonus_credits into v_before from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'N0002';
  end if;
  v_known := private.known_action(p_reference, 'add_bonus_credits', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'credits')::integer <> p_credits then
      raise exception 'this reference is known with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false,
      'before', v_known.before -> 'bonus_credits',
      'after', v_known.after -> 'bonus_credits'
    );
  end if;

  v_after := greatest(v_before + p_credits, 0);
  update public.users as u set bonus_credits = v_after where u.id = p_user_id;
  begin
    insert into public.audit_log (admin_email, action, user_id, reference, before, after)
    values (
      v_email, 'add_bonus_credits', p_user_id, p_reference,
      jsonb_build_object('bonus_credits', v_before),
      jsonb_build_object('bonus_credits', v_after, 'credits', p_credits)
    );
  exception when unique_violation then
    raise exception 'this reference is known with another action or person' using errcode = 'N0003';
  end;
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after);
end
$$;

revoke all on function public.admin_add_bonus_credits from public, anon, authenticated;
grant execute on function public.admin_add_bonus_credits to bot_backend, service_role;
comment on function public.admin_add_bonus_credits is 'Gives a person bonus credits in an admin''s name';

-- Gives a person today's requests back, over all bots, in an admin's name.
--
-- Twice or at once: the person's row is locked, as it is for every request that is reserved; with a reference
--   it acts once, and a repetition is answered with what it did then. Without one, every call acts.
-- Returns: jsonb {applied, before, after}: requests of today.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action or person.
create or replace function public.admin_reset_user_usage(
  p_user_id bigint, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_vip_level integer;
  v_quota record;
  v_known public.audit_log;
begin
  select u.vip_level into v_vip_level from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'N0002';
  end if;
  v_known := private.known_action(p_reference, 'reset_user_usage', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'requests', 'after', v_known.after -> 'requests'
    );
  end if;

  v_quota := private.quota(p_user_id, v_vip_level);
  update public.daily_usage as d
     set requests = 0
   where d.user_id = p_user_id and d.day = v_quota.day and d.requests > 0;
  begin
    insert into public.audit_log (admin_email, action, user_id, reference, before, after)
    values (
      v_email, 'reset_user_usage', p_user_id, p_reference,
      jsonb_build_object('requests', v_quota.requests, 'day', v_quota.day),
      jsonb_build_object('requests', 0, 'day', v_quota.day)
    );
  exception when unique_violation then
    raise exception 'this reference is known with another action or person' using errcode = 'N0003';
  end;
  return jsonb_build_object('applied', true, 'before', v_quota.requests, 'after', 0);
end
$$;

revoke all on function public.admin_reset_user_usage from public, anon, authenticated;
grant execute on function public.admin_reset_user_usage to bot_backend, service_role;
comment on function public.admin_reset_user_usage is 'Gives a person today''s requests back in an admin''s name';

-- Looks whether an admin's action with this reference was carried out already.
--
-- Twice or at once: the caller holds the person's row, so of two calls with one reference for one person the
--   second finds what the first did.
-- Returns: what was written then, or null for a new reference or none.
-- Errors: N0003, the reference belongs to another action or person.
create or replace function private.known_action(p_reference text, p_action text, p_user_id bigint)
returns public.audit_log
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_known public.audit_log;
begin
  select l.* into v_known from public.audit_log as l where l.reference = p_reference;
  if found and (v_known.action <> p_action or v_known.user_id is distinct from p_user_id) then
    raise exception 'this reference is known with another action or person' using errcode = 'N0003';
  end if;
  return v_known;
end
$$;

revoke all on function private.known_action from public, anon, authenticated;
comment on function private.known_action is 'Whether an admin''s action was carried out already';

-- Lets only admins pass.
--
-- Twice or at once: only reads.
-- Returns: the admin's e-mail address as admins has it.
-- Errors: N0001, not an admin.
create or replace function private.require_admin(p_admin_email text)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_email text;
begin
  select a.email into v_email from public.admins as a where a.email = lower(p_admin_email);
  if not found then
    raise exception 'not an admin' using errcode = 'N0001';
  end if;
  return v_email;
end
$$;

revoke all on function private.require_admin from public, anon, authenticated;
comment on function private.require_admin is 'Lets only admins pass';

CREATE TRIGGER users_mark_new_admin BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION private.mark_new_admin();
