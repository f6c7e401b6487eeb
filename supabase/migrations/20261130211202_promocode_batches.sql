-- Promocode batches. The table of promo codes is small, so its index and foreign key are made at once.

-- squawk-ignore-file require-concurrent-index-creation, adding-foreign-key-constraint, constraint-missing-not-valid

alter table public.promocodes add column batch_id bigint;

-- Batches of promo codes that work once each: for vouchers, partners and giveaways. A user redeems one code of a batch.

create table public.promocode_batches (
  id bigint generated always as identity primary key,
  prefix text not null check (prefix ~ '^[A-Z0-9]{2,16}$'),
  kind text not null check (kind in ('month', 'credits', 'trainings', 'percent')),
  value integer not null check (value > 0),
  size integer not null check (size between 1 and 5000),
  valid_until timestamptz,
  note text check (length(note) <= 500),
  reference text unique,
  created_at timestamptz not null default private.clock()
);

comment on table public.promocode_batches is 'Batches of promo codes that work once each';
comment on column public.promocode_batches.prefix is 'Beginning of each code of the batch';
comment on column public.promocode_batches.reference is 'Idempotency key from the caller';
alter table public.promocode_batches enable row level security;
revoke all on table public.promocode_batches from public, anon, authenticated, service_role;
revoke all on sequence public.promocode_batches_id_seq from public, anon, authenticated, service_role;

-- Creates a promo code in an admin's name.
--
-- Concurrency: the code is unique regardless of case. With a reference it acts once, and a repeated call returns the
--   code that the first one created.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'created' | 'taken'
--   promocode: private.promocode_details   (taken: the existing one)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or code; Z0007 a value is invalid: the
--   letters of the code, kind, number, plan, uses, times or note.
create or replace function public.admin_create_promocode(
  p_code text,
  p_kind text,
  p_value integer,
  p_admin_email text,
  p_max_uses integer default null,
  p_valid_until timestamptz default null,
  p_valid_from timestamptz default null,
  p_plan text default 'PREMIUM',
  p_note text default null,
  p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_note text := nullif(trim(p_note), '');
  v_promocode public.promocodes;
  v_known public.audit_log;
begin
  if length(v_note) > 500 or coalesce(p_valid_until <= private.clock(), false) then
    raise exception 'the note must have at most 500 characters, and the end must be in the future' using errcode = 'Z0007';
  end if;
  v_known := private.find_audit_entry(p_reference, 'create_promocode', null);
  begin
    insert into public.promocodes as p (code, kind, value, plan, max_uses, valid_from, valid_until, note)
    values (
      upper(trim(p_code)), p_kind, p_value,
      case when p_kind = 'month' then p_plan end,
      p_max_uses, coalesce(p_valid_from, private.clock()), p_valid_until, v_note
    )
    on conflict (code) do nothing
    returning p.* into v_promocode;
  exception when check_violation or not_null_violation or foreign_key_violation then
    raise exception 'invalid promo code: %', sqlerrm using errcode = 'Z0007';
  end;
  if v_promocode.id is null then
    select p.* into v_promocode from public.promocodes as p where p.code = upper(trim(p_code));
    if v_known.id is not null and v_known.after ->> 'code' <> v_promocode.code then
      raise exception 'the reference was used with another code' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'outcome', case when v_known.id is not null then 'created' else 'taken' end,
      'promocode', private.promocode_details(v_promocode)
    );
  end if;
  perform private.write_audit(
    v_email, 'create_promocode', null, p_reference, '{}',
    jsonb_strip_nulls(to_jsonb(v_promocode) - '{uses,is_active,created_at,batch_id}'::text[])
  );
  return jsonb_build_object('outcome', 'created', 'promocode', private.promocode_details(v_promocode));
end
$$;

revoke all on function public.admin_create_promocode from public, anon, authenticated, service_role;
grant execute on function public.admin_create_promocode to bot_backend, service_role;
comment on function public.admin_create_promocode is 'Creates a promo code in an admin''s name';

-- Creates a batch of promo codes that work once each, in an admin's name. A code is the prefix and twelve random characters.
--
-- Concurrency: with a reference it acts once; a repeated call returns the batch of the first.
-- Locks: the new rows.
-- Returns: jsonb
--   ...private.promocode_batch
-- Errors: N0001 not an admin; N0003 the reference was used with another action; Z0007 a value is invalid.
create or replace function public.admin_create_promocode_batch(
  p_prefix text,
  p_kind text,
  p_value integer,
  p_size integer,
  p_admin_email text,
  p_valid_until timestamptz default null,
  p_note text default null,
  p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_batch public.promocode_batches;
begin
  if coalesce(p_valid_until <= private.clock(), false) then
    raise exception 'the end must be in the future' using errcode = 'Z0007';
  end if;
  begin
    insert into public.promocode_batches as b (prefix, kind, value, size, valid_until, note, reference)
    values (upper(trim(p_prefix)), p_kind, p_value, p_size, p_valid_until, nullif(trim(p_note), ''), p_reference)
    on conflict (reference) do nothing
    returning b.* into v_batch;
    if v_batch.id is null then
      select b.* into v_batch from public.promocode_batches as b where b.reference = p_reference;
      if (v_batch.prefix, v_batch.kind, v_batch.value, v_batch.size) is distinct from (upper(trim(p_prefix)), p_kind, p_value, p_size) then
        raise exception 'the reference was used with another batch' using errcode = 'N0003';
      end if;
      return private.promocode_batch(v_batch);
    end if;
    insert into public.promocodes (code, kind, value, plan, max_uses, valid_until, note, batch_id)
    select
      v_batch.prefix || '-' || upper(private.random_code()), v_batch.kind, v_batch.value,
      case when v_batch.kind = 'month' then 'PREMIUM' end, 1, v_batch.valid_until, v_batch.note, v_batch.id
      from generate_series(1, v_batch.size);
  exception when check_violation or not_null_violation then
    raise exception 'invalid batch: %', sqlerrm using errcode = 'Z0007';
  end;
  perform private.write_audit(
    v_email, 'create_promocode_batch', null, p_reference, '{}',
    jsonb_build_object('code', v_batch.prefix, 'batch', v_batch.id, 'size', v_batch.size, 'kind', p_kind, 'value', p_value)
  );
  return private.promocode_batch(v_batch);
end
$$;

revoke all on function public.admin_create_promocode_batch from public, anon, authenticated, service_role;
grant execute on function public.admin_create_promocode_batch to bot_backend;
comment on function public.admin_create_promocode_batch is 'Creates a batch of promo codes that work once each';

-- Returns all codes of a batch for an admin's export, which is audited once an hour (private.audit_reading).
--
-- Concurrency: read-only but for the audit.
-- Locks: none.
-- Returns: jsonb
--   {
--     batch: private.promocode_batch
--     codes: [ { code: text, uses: int, is_active: boolean } ]
--   } | null               (no such batch)
-- Errors: N0001 not an admin.
create or replace function public.admin_export_promocode_batch(p_batch_id bigint, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_batch public.promocode_batches;
begin
  select b.* into v_batch from public.promocode_batches as b where b.id = p_batch_id;
  if not found then
    return null;
  end if;
  perform private.audit_reading(
    v_email, 'export_promocodes', p_batch_id::text, null, jsonb_build_object('code', v_batch.prefix, 'batch', v_batch.id)
  );
  return jsonb_build_object(
    'batch', private.promocode_batch(v_batch),
    'codes', (
      select coalesce(
          jsonb_agg(jsonb_build_object('code', p.code, 'uses', p.uses, 'is_active', p.is_active) order by p.id), '[]'::jsonb
        )
        from public.promocodes as p
       where p.batch_id = p_batch_id
    )
  );
end
$$;

revoke all on function public.admin_export_promocode_batch from public, anon, authenticated, service_role;
grant execute on function public.admin_export_promocode_batch to bot_backend;
comment on function public.admin_export_promocode_batch is 'Returns all codes of a batch for an admin''s export';

-- Lists batches of promo codes for an admin, newest first, page by page.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   batches: [ private.promocode_batch ]
--   next: bigint | null    (p_before of the next page)
-- Errors: N0001 not an admin.
create or replace function public.admin_promocode_batches(
  p_admin_email text, p_before bigint default null, p_limit integer default 20
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit constant integer := least(greatest(p_limit, 1), 50);
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  v_ids := array(
    select b.id from public.promocode_batches as b where p_before is null or b.id < p_before
     order by b.id desc limit v_limit + 1
  );
  return jsonb_build_object(
    'batches', (
      select coalesce(jsonb_agg(private.promocode_batch(b) order by b.id desc), '[]'::jsonb)
        from public.promocode_batches as b
       where b.id = any(v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end
  );
end
$$;

revoke all on function public.admin_promocode_batches from public, anon, authenticated, service_role;
grant execute on function public.admin_promocode_batches to bot_backend;
comment on function public.admin_promocode_batches is 'Lists batches of promo codes for an admin';

-- Lists the promo codes for an admin, but for those of batches, newest first, page by page; with p_code only that one.
--
-- Concurrency: read-only, over an index. A page starts below p_before, so new codes do not shift it.
-- Locks: none.
-- Returns: jsonb
--   promocodes: [ private.promocode_details ]
--   next: bigint | null    (p_before of the next page)
-- Errors: N0001 not an admin.
create or replace function public.admin_promocodes(
  p_admin_email text, p_code text default null, p_before bigint default null, p_limit integer default 10
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  -- Two queries, so that each uses its own index.
  if p_code is not null then
    v_ids := array(select p.id from public.promocodes as p where p.code = upper(trim(p_code)));
  else
    v_ids := array(
      select p.id from public.promocodes as p where p.batch_id is null and (p_before is null or p.id < p_before)
       order by p.id desc limit v_limit + 1
    );
  end if;
  return jsonb_build_object(
    'promocodes', (
      select coalesce(jsonb_agg(private.promocode_details(p) order by p.id desc), '[]'::jsonb)
        from public.promocodes as p
       where p.id = any (v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end
  );
end
$$;

revoke all on function public.admin_promocodes from public, anon, authenticated, service_role;
grant execute on function public.admin_promocodes to bot_backend, service_role;
comment on function public.admin_promocodes is 'Lists the promo codes for an admin, newest first';

-- Switches the codes of a batch off, or on again, in an admin's name. Codes that were redeemed keep what they gave.
--
-- Concurrency: the batch is locked; a redemption at the same time happens before or after. A repeated call changes nothing.
-- Locks: batch (NO KEY UPDATE), its codes by id.
-- Returns: jsonb
--   private.promocode_batch | null   (no such batch)
-- Errors: N0001 not an admin.
create or replace function public.admin_switch_promocode_batch(p_batch_id bigint, p_is_active boolean, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_batch public.promocode_batches;
begin
  select b.* into v_batch from public.promocode_batches as b where b.id = p_batch_id for no key update;
  if not found then
    return null;
  end if;
  perform from public.promocodes as p where p.batch_id = p_batch_id order by p.id for no key update;
  update public.promocodes as p
     set is_active = p_is_active
   where p.batch_id = p_batch_id and p.is_active <> p_is_active;
  if found then
    perform private.write_audit(
      v_email, 'switch_promocode', null, null,
      jsonb_build_object('code', v_batch.prefix, 'batch', v_batch.id, 'is_active', not p_is_active),
      jsonb_build_object('code', v_batch.prefix, 'batch', v_batch.id, 'is_active', p_is_active)
    );
  end if;
  return private.promocode_batch(v_batch);
end
$$;

revoke all on function public.admin_switch_promocode_batch from public, anon, authenticated, service_role;
grant execute on function public.admin_switch_promocode_batch to bot_backend;
comment on function public.admin_switch_promocode_batch is 'Switches the codes of a batch off, or on again';

-- Returns a batch of promo codes with its counts, for admins.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   prefix: text
--   kind: 'month' | 'credits' | 'trainings' | 'percent'
--   value: int
--   size: int
--   used: int
--   is_active: boolean             (false: switched off)
--   valid_until: timestamptz | null
--   note: text | null
--   created_at: timestamptz
-- Errors: none.
create or replace function private.promocode_batch(p_batch public.promocode_batches)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(p_batch) - 'reference' || jsonb_build_object(
    'used', count(*) filter (where p.uses > 0), 'is_active', coalesce(bool_or(p.is_active), false)
  )
    from public.promocodes as p
   where p.batch_id = p_batch.id;
$$;

revoke all on function private.promocode_batch from public, anon, authenticated, service_role;
comment on function private.promocode_batch is 'A batch of promo codes with its counts';

-- Redeems a promo code for a user. A discount applies to the next one-time purchase (private.find_discount). An attempt that
-- grants nothing is an outcome, not an error, so that it counts towards the daily limit.
--
-- Concurrency: a repeated call with the same reference grants nothing more and returns what the first one granted. The lock on
--   promocode_attempts serializes the attempts of one user, the lock on the code its redemptions: each user redeems it once,
--   and never more than max_uses users; of a batch each user redeems one code.
-- Locks: user (KEY SHARE), promocode_attempts, code (NO KEY UPDATE), then as private.grant_promocode.
-- Returns: jsonb
--   outcome: 'redeemed' | 'already_used' | 'unknown' | 'expired' | 'used_up' | 'not_yet'
--     | 'too_many_attempts'   (the setting promocode_daily_attempts is reached; the code is not looked up)
--   code?: text            (redeemed, already_used; as are kind, value, plan and until)
--   kind?: 'month' | 'credits' | 'trainings' | 'percent'
--   value?: int
--   plan?: text
--   until?: timestamptz    (end of the plan or discount)
--   is_unused?: boolean    (already_used: a discount that can still be used)
--   from?: timestamptz     (not_yet: start of its validity)
-- Errors: Z0005 no such user; Z0006 the reference was used with another code or user.
create or replace function public.redeem_promocode(p_user_id bigint, p_code text, p_reference text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_is_repeat boolean;
  v_promocode public.promocodes;
  v_usage public.promocode_usages;
  v_outcome text;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0005';
  end if;
  v_is_repeat := private.begin_promocode_attempt(p_user_id, p_reference);
  if v_is_repeat is null then
    return jsonb_build_object('outcome', 'too_many_attempts');
  end if;
  select p.* into v_promocode
    from public.promocodes as p
   where p.code = upper(trim(p_code))
     for no key update;
  select u.* into v_usage
    from public.promocode_usages as u
    join public.promocodes as p on p.id = u.promocode_id
   where u.user_id = p_user_id and (p.id = v_promocode.id or p.batch_id = v_promocode.batch_id)
   order by p.id = v_promocode.id desc
   limit 1;
  if v_usage.reference = p_reference then
    return v_usage.given || jsonb_build_object('outcome', 'redeemed');
  elsif v_usage.user_id is not null then
    return v_usage.given || jsonb_build_object(
      'outcome', 'already_used',
      'is_unused', v_usage.percent is not null
        and v_usage.consumed_at is null
        and coalesce(v_usage.expires_at > v_now, true)
    );
  end if;

  v_outcome := case
    when v_promocode.id is null then 'unknown'
    when not v_promocode.is_active or v_promocode.valid_until <= v_now then 'expired'
    when v_promocode.uses >= v_promocode.max_uses then 'used_up'
    when v_promocode.valid_from > v_now then 'not_yet'
  end;
  if v_outcome is not null then
    if not v_is_repeat then
      update public.promocode_attempts as t
         set failed_attempts = t.failed_attempts + 1, last_reference = p_reference
       where t.user_id = p_user_id;
    end if;
    return jsonb_strip_nulls(
      jsonb_build_object(
        'outcome', v_outcome, 'from', case v_outcome when 'not_yet' then v_promocode.valid_from end
      )
    );
  end if;
  return private.grant_promocode(v_promocode, p_user_id, p_reference) || jsonb_build_object('outcome', 'redeemed');
end
$$;

revoke all on function public.redeem_promocode from public, anon, authenticated, service_role;
grant execute on function public.redeem_promocode to bot_backend, service_role;
comment on function public.redeem_promocode is 'Redeems a promo code for a user';

alter table public.promocodes add constraint promocodes_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.promocode_batches(id);

CREATE INDEX promocodes_batch_idx ON public.promocodes USING btree (batch_id, id);

comment on column public.promocodes.batch_id is 'Batch of codes that work once each; null: a code of its own';
