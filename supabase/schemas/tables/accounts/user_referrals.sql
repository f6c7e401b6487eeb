-- Referrals: who invited whom. A user has at most one referrer, which never changes.

create table public.user_referrals (
  id bigint generated always as identity primary key,
  -- Null: erased. The other user keeps the credits and the referral count.
  referrer_id bigint references public.users (id) on delete set null,
  referred_id bigint unique references public.users (id) on delete set null,
  status text not null default 'pending' check (status in ('pending', 'completed', 'limit_reached')),
  referrer_credits integer not null default 0 check (referrer_credits >= 0),
  referred_credits integer not null default 0 check (referred_credits >= 0),
  second_credits integer not null default 0,
  created_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  check (referrer_id <> referred_id)
);

create index user_referrals_referrer_idx on public.user_referrals (referrer_id, completed_at);
create index user_referrals_pending_idx on public.user_referrals (referrer_id)
where status = 'pending';
-- Top referrers of a period.
create index user_referrals_completed_at_idx on public.user_referrals (completed_at)
where status = 'completed';

comment on table public.user_referrals is 'Referrals: who invited whom';
comment on column public.user_referrals.status is 'pending: until the referred user''s first served request; completed: credits were granted; limit_reached: the referrer''s daily limit was reached, nothing was granted';
comment on column public.user_referrals.second_credits is 'Credits of the user who had invited the referrer (setting referral_second_credits)';
alter table public.user_referrals enable row level security;
revoke all on table public.user_referrals from public, anon, authenticated, service_role;
revoke all on sequence public.user_referrals_id_seq from public, anon, authenticated, service_role;
