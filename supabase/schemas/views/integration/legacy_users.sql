-- Users under the column names of the first bots' tables, so that SELECTs of old services go on working. Read-only: it has
-- computed columns, and no role has other rights. It reads with the rights of its owner, because its one reader,
-- service_role, may read no table; so it calls no function of ours either.

create or replace view public.legacy_users as
select
  u.id,
  u.telegram_id,
  u.username as telegram_user_name,
  u.username,
  u.first_name,
  u.last_name,
  coalesce(u.language, u.language_code) as language,
  u.vip_level as "VIP_level",
  u.is_paid,
  u.is_admin,
  u.banned_at is not null as is_banned,
  u.is_active,
  u.balance,
  u.bonus_credits,
  u.total_xp,
  u.level,
  -- Trainings of the history and, before those, what the bot had when it was adopted; statistics that say more than the
  -- history are of a service that keeps none.
  (select coalesce(count(*), 0) from public.training_history as h where h.user_id = u.id)
  + (
    select coalesce(
        sum(
          case
            when jsonb_typeof(s.stats_data #> '{adopted,total_trainings}') = 'number'
              then floor((s.stats_data #>> '{adopted,total_trainings}')::numeric)
            when jsonb_typeof(s.stats_data -> 'total_trainings') = 'number'
              then greatest(floor((s.stats_data ->> 'total_trainings')::numeric) - h.total, 0)
          end
        ),
        0
      )
      from public.bot_sessions as s
      cross join lateral (
        select coalesce(count(*), 0) as total from public.training_history as h where h.user_id = u.id and h.bot = s.bot
      ) as h
     where s.user_id = u.id
  ) as total_trainings,
  (select coalesce(sum(h.score), 0) from public.training_history as h where h.user_id = u.id)
  + (
    select coalesce(
        sum(
          case
            when jsonb_typeof(s.stats_data #> '{adopted,total_score}') = 'number'
              then floor((s.stats_data #>> '{adopted,total_score}')::numeric)
            when jsonb_typeof(s.stats_data -> 'total_score') = 'number'
              then greatest(floor((s.stats_data ->> 'total_score')::numeric) - h.total, 0)
          end
        ),
        0
      )
      from public.bot_sessions as s
      cross join lateral (
        select coalesce(sum(h.score), 0) as total from public.training_history as h where h.user_id = u.id and h.bot = s.bot
      ) as h
     where s.user_id = u.id
  ) as total_score,
  u.referral_code,
  u.total_referrals,
  u.created_at as registration_date,
  u.created_at,
  u.updated_at,
  u.last_activity
  from public.users as u;

comment on view public.legacy_users is 'Users under the old column names, for SELECTs of other services';
revoke all on table public.legacy_users from public, anon, authenticated, service_role, bot_backend;
grant select on table public.legacy_users to service_role;
