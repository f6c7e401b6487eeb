-- What a job of public.generations took from its user, and what it gave back: one row per job and effect.
--
-- reserved  the price that the user was shown
-- settled   what the provider did not charge of it, given back (negative); 0 when the price stands
-- released  everything that was left, given back (negative)
--
-- A change of the balance has the ledger entry generations:<id>:<effect>.

create table public.generation_effects (
  generation_id bigint not null references public.generations (id) on delete cascade,
  effect text not null check (effect in ('reserved', 'settled', 'released')),
  plan_requests integer not null default 0,
  bonus_requests integer not null default 0,
  amount numeric(12, 2) not null default 0,
  created_at timestamptz not null default private.clock(),
  primary key (generation_id, effect),
  constraint generation_effects_check check (
    case when effect = 'reserved' then least(plan_requests, bonus_requests, amount) >= 0
      else greatest(plan_requests, bonus_requests, amount) <= 0
    end
  )
);

comment on table public.generation_effects is 'What a job took from its user, and what it gave back';
comment on column public.generation_effects.plan_requests is 'Requests taken from the plan; negative: given back';
comment on column public.generation_effects.bonus_requests is 'Bonus credits taken; negative: given back';
comment on column public.generation_effects.amount is 'Taken from the balance, in the currency of the setting balance_currency; negative: given back';
alter table public.generation_effects enable row level security;
revoke all on table public.generation_effects from public, anon, authenticated, service_role;
