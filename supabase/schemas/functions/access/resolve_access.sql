-- Returns what a user may use, and which source p_quantity would be taken from: subscription, then bonus credits,
-- then free trainings.
--
-- Concurrency: read-only. A caller that takes something locks the user's row first.
-- Locks: none.
-- Returns: jsonb
--   has_access: boolean
--   access_type: 'subscription' | 'credits' | 'trainings' | 'none'   (the first source that p_quantity would be taken from.
--                          Credits and trainings together must be enough. A plan above the free one, or being an admin, is
--                          a subscription. A banned user has none)
--   details: {
--     plan: text | null, ends_at: timestamptz | null, bonus_credits: int, free_trainings: int,
--     is_admin: boolean, is_banned: boolean
--   }
-- Errors: none.
create or replace function private.resolve_access(p_user public.users, p_quantity integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_level integer := private.level_of(p_user.id);
  v_plan text;
  v_ends_at timestamptz;
  v_trainings bigint;
  v_type text;
begin
  select l.plan into v_plan
    from public.subscription_limits as l
   where l.vip_level <= v_level
   order by l.vip_level desc
   limit 1;
  if v_level > 0 then
    select nullif(
        max(
          case
            when s.ends_at is null then 'infinity'
            when s.ends_at > private.clock() then s.ends_at
            else private.effective_end(s.user_id, s.plan, s.source, s.ends_at)
          end
        ),
        'infinity'
      )
      into v_ends_at
      from public.subscriptions as s
     where s.user_id = p_user.id and s.plan = v_plan and s.status = 'active';
  end if;
  select coalesce(sum(f.quantity - f.used), 0) into v_trainings
    from public.free_trainings as f
   where f.user_id = p_user.id;
  v_type := case
    when p_user.id is null or p_user.banned_at is not null then 'none'
    when v_level > 0 or p_user.is_admin then 'subscription'
    when p_user.bonus_credits + v_trainings < p_quantity then 'none'
    when p_user.bonus_credits > 0 then 'credits'
    else 'trainings'
  end;
  return jsonb_build_object(
    'has_access', v_type <> 'none',
    'access_type', v_type,
    'details', jsonb_build_object(
      'plan', v_plan,
      'ends_at', v_ends_at,
      'bonus_credits', coalesce(p_user.bonus_credits, 0),
      'free_trainings', v_trainings,
      'is_admin', coalesce(p_user.is_admin, false),
      'is_banned', p_user.banned_at is not null
    )
  );
end
$$;

revoke all on function private.resolve_access from public, anon, authenticated, service_role;
comment on function private.resolve_access is 'Returns what a user may use, and from which source';
