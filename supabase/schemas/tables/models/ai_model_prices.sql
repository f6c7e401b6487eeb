-- Prices of AI models, one row per component of a call, the conditions it holds under, and the day it begins. A price change is
-- a new row with a later valid_from; old rows stay, so that a past cost can be explained. private.call_cost reads them.

create table public.ai_model_prices (
  provider text not null,
  model text not null,
  component text not null check (
    component in (
      'input_tokens', 'cached_tokens', 'output_tokens', 'image_input_tokens', 'image_output_tokens', 'audio_input_tokens',
      'audio_output_tokens', 'video_output_tokens', 'image', 'second', 'minute', 'clip', 'request', 'search'
    )
  ),
  conditions jsonb not null default '{}' check (jsonb_typeof(conditions) = 'object'),
  price_usd numeric(14, 8) not null check (price_usd >= 0),
  valid_from date not null default '-infinity',
  valid_until date,
  source text not null,
  -- How many conditions: of the prices that apply, the one with most of them counts.
  specificity integer not null generated always as (jsonb_array_length(jsonb_path_query_array(conditions, 'strict $.*'))) stored,
  primary key (provider, model, component, conditions, valid_from),
  foreign key (provider, model) references public.ai_models (provider, model) on update cascade on delete cascade,
  check (valid_until > valid_from)
);

comment on table public.ai_model_prices is 'Prices of AI models';
comment on column public.ai_model_prices.component is '*_tokens: cached_tokens are part of input_tokens; otherwise what is counted; search: one of the web, beside the tokens';
comment on column public.ai_model_prices.conditions is 'Parameters of the call under which the price holds, such as {"size": "2K"}; {}: always';
comment on column public.ai_model_prices.price_usd is 'US dollars: of *_tokens for a million, otherwise for one';
comment on column public.ai_model_prices.valid_from is 'First day (UTC); -infinity: known since before the catalogue';
comment on column public.ai_model_prices.valid_until is 'Day (UTC) on which it no longer holds; null: until a later row';
alter table public.ai_model_prices enable row level security;
revoke all on table public.ai_model_prices from public, anon, authenticated, service_role;

insert into public.ai_model_prices (provider, model, component, conditions, price_usd, source)
values
('openai', 'gpt-5-mini', 'input_tokens', '{}', 0.25, 'developers.openai.com/api/docs/pricing'),
('openai', 'gpt-5-mini', 'cached_tokens', '{}', 0.025, 'developers.openai.com/api/docs/pricing'),
('openai', 'gpt-5-mini', 'output_tokens', '{}', 2, 'developers.openai.com/api/docs/pricing'),
('openai', 'gpt-5.4-mini', 'input_tokens', '{}', 0.75, 'litellm 1.110.2'),
('openai', 'gpt-5.4-mini', 'output_tokens', '{}', 4.5, 'litellm 1.110.2'),
('openrouter', 'openai/gpt-5-mini', 'input_tokens', '{}', 0.25, 'openrouter.ai/openai/gpt-5-mini'),
('openrouter', 'openai/gpt-5-mini', 'output_tokens', '{}', 2, 'openrouter.ai/openai/gpt-5-mini'),
('openrouter', 'openai/gpt-5.4-mini', 'input_tokens', '{}', 0.75, 'openrouter.ai/openai/gpt-5.4-mini'),
('openrouter', 'openai/gpt-5.4-mini', 'output_tokens', '{}', 4.5, 'openrouter.ai/openai/gpt-5.4-mini'),
('openai', 'gpt-5-mini', 'search', '{}', 0.01, 'developers.openai.com/api/docs/pricing'),
('openai', 'gpt-5.4-mini', 'search', '{}', 0.01, 'developers.openai.com/api/docs/pricing'),
('anthropic', 'claude-haiku-5-5', 'search', '{}', 0.01, 'platform.claude.com/docs/en/about-claude/pricing'),
('anthropic', 'claude-sonnet-5', 'search', '{}', 0.01, 'platform.claude.com/docs/en/about-claude/pricing'),
('gemini', 'gemini-3.8-flash', 'search', '{}', 0.014, 'ai.google.dev/gemini-api/docs/pricing, after the free ones'),
('anthropic', 'claude-haiku-5-5', 'input_tokens', '{}', 0.1, 'litellm 1.110.2, prompts up to 100,000 tokens'),
('anthropic', 'claude-haiku-5-5', 'cached_tokens', '{}', 0.01, 'litellm 1.110.2, prompts up to 100,000 tokens'),
('anthropic', 'claude-haiku-5-5', 'output_tokens', '{}', 0.5, 'litellm 1.110.2, prompts up to 100,000 tokens'),
('anthropic', 'claude-sonnet-5', 'input_tokens', '{}', 2, 'litellm 1.110.2'),
('anthropic', 'claude-sonnet-5', 'cached_tokens', '{}', 0.2, 'litellm 1.110.2'),
('anthropic', 'claude-sonnet-5', 'output_tokens', '{}', 10, 'litellm 1.110.2'),
('gemini', 'gemini-3.8-flash', 'input_tokens', '{}', 0.75, 'litellm 1.110.2'),
('gemini', 'gemini-3.8-flash', 'cached_tokens', '{}', 0.075, 'litellm 1.110.2'),
('gemini', 'gemini-3.8-flash', 'output_tokens', '{}', 3.75, 'litellm 1.110.2'),
('gemini', 'gemini-nano-banana-2.1', 'input_tokens', '{}', 1.5, 'litellm 1.110.2'),
('gemini', 'gemini-nano-banana-2.1', 'output_tokens', '{}', 7.5, 'litellm 1.110.2'),
('gemini', 'gemini-nano-banana-2.1', 'image_output_tokens', '{}', 30, 'litellm 1.110.2'),
('gemini', 'gemini-nano-banana-2.1', 'image', '{"size": "1K"}', 0.0336, 'litellm 1.110.2'),
('gemini', 'gemini-nano-banana-2.1', 'image', '{"size": "4K"}', 0.1134, 'a reseller''s list, November 2026'),
('gemini', 'gemini-3.1-flash-lite-image', 'input_tokens', '{}', 0.25, 'litellm 1.110.2'),
('gemini', 'gemini-3.1-flash-lite-image', 'output_tokens', '{}', 1.5, 'litellm 1.110.2'),
('gemini', 'gemini-3.1-flash-lite-image', 'image_output_tokens', '{}', 30, 'litellm 1.110.2'),
('gemini', 'gemini-3.1-flash-lite-image', 'image', '{}', 0.0336, 'litellm 1.110.2'),
('gemini', 'gemini-2.5-flash-image', 'input_tokens', '{}', 0.3, 'litellm 1.110.2'),
('gemini', 'gemini-2.5-flash-image', 'output_tokens', '{}', 2.5, 'litellm 1.110.2'),
('gemini', 'gemini-2.5-flash-image', 'image_output_tokens', '{}', 30, 'litellm 1.110.2'),
('gemini', 'gemini-2.5-flash-image', 'image', '{}', 0.039, 'litellm 1.110.2'),
('gemini', 'gemini-3-pro-image', 'input_tokens', '{}', 2, 'litellm 1.110.2'),
('gemini', 'gemini-3-pro-image', 'output_tokens', '{}', 12, 'litellm 1.110.2'),
('gemini', 'gemini-3-pro-image', 'image_output_tokens', '{}', 120, 'litellm 1.110.2'),
('gemini', 'gemini-3-pro-image', 'image', '{"size": "1K"}', 0.134, 'litellm 1.110.2'),
('openai', 'gpt-image-2.6-flare', 'input_tokens', '{}', 5, 'litellm 1.110.2'),
('openai', 'gpt-image-2.6-flare', 'cached_tokens', '{}', 1.25, 'litellm 1.110.2'),
('openai', 'gpt-image-2.6-flare', 'image_input_tokens', '{}', 8, 'litellm 1.110.2'),
('openai', 'gpt-image-2.6-flare', 'image_output_tokens', '{}', 30, 'litellm 1.110.2'),
('openai', 'gpt-image-2.6-sunburst', 'input_tokens', '{}', 5, 'litellm 1.110.2'),
('openai', 'gpt-image-2.6-sunburst', 'cached_tokens', '{}', 1.25, 'litellm 1.110.2'),
('openai', 'gpt-image-2.6-sunburst', 'image_input_tokens', '{}', 8, 'litellm 1.110.2'),
('openai', 'gpt-image-2.6-sunburst', 'image_output_tokens', '{}', 30, 'litellm 1.110.2'),
('openai', 'gpt-image-2.5-flare', 'input_tokens', '{}', 5, 'litellm 1.110.2'),
('openai', 'gpt-image-2.5-flare', 'cached_tokens', '{}', 1.25, 'litellm 1.110.2'),
('openai', 'gpt-image-2.5-flare', 'image_input_tokens', '{}', 8, 'litellm 1.110.2'),
('openai', 'gpt-image-2.5-flare', 'image_output_tokens', '{}', 30, 'litellm 1.110.2'),
('openai', 'gpt-image-2', 'input_tokens', '{}', 5, 'litellm 1.110.2'),
('openai', 'gpt-image-2', 'cached_tokens', '{}', 1.25, 'litellm 1.110.2'),
('openai', 'gpt-image-2', 'image_input_tokens', '{}', 8, 'litellm 1.110.2'),
('openai', 'gpt-image-2', 'image_output_tokens', '{}', 30, 'litellm 1.110.2'),
('gemini', 'veo-3.1-generate-001', 'second', '{}', 0.4, 'litellm 1.110.2'),
('gemini', 'veo-3.1-generate-001', 'second', '{"resolution": "4k"}', 0.6, 'litellm 1.110.2'),
('gemini', 'veo-3.1-fast-generate-001', 'second', '{"resolution": "720p"}', 0.1, 'litellm 1.110.2'),
('gemini', 'veo-3.1-fast-generate-001', 'second', '{"resolution": "1080p"}', 0.12, 'litellm 1.110.2'),
('gemini', 'veo-3.1-fast-generate-001', 'second', '{"resolution": "4k"}', 0.3, 'litellm 1.110.2'),
('gemini', 'gemini-omni-1.2-flash', 'input_tokens', '{}', 1.5, 'litellm 1.110.2'),
('gemini', 'gemini-omni-1.2-flash', 'image_input_tokens', '{}', 1.5, 'litellm 1.110.2'),
('gemini', 'gemini-omni-1.2-flash', 'output_tokens', '{}', 9, 'litellm 1.110.2'),
('gemini', 'gemini-omni-1.2-flash', 'video_output_tokens', '{}', 12, 'litellm 1.110.2'),
('openrouter', 'kwaivgi/kling-v3.0-std', 'second', '{}', 0.126, 'openrouter.ai, April 2026'),
('xai', 'grok-imagine-video-1.5-lite', 'second', '{"resolution": "480p"}', 0.02, 'docs.x.ai/developers/pricing'),
('xai', 'grok-imagine-video-1.5-lite', 'second', '{"resolution": "720p"}', 0.03, 'docs.x.ai/developers/pricing'),
('xai', 'grok-imagine-video-1.5-lite', 'second', '{"resolution": "1080p"}', 0.14, 'docs.x.ai/developers/pricing'),
('kie_ai', 'nano-banana-2-1', 'image', '{"size": "1K"}', 0.02, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'nano-banana-2-1', 'image', '{"size": "2K"}', 0.03, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'nano-banana-2-1', 'image', '{"size": "4K"}', 0.045, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'nano-banana-pro', 'image', '{"size": "1K"}', 0.09, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'nano-banana-pro', 'image', '{"size": "2K"}', 0.09, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'nano-banana-pro', 'image', '{"size": "4K"}', 0.12, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'z-image', 'image', '{}', 0.004, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'seedream/5-flash-text-to-image', 'image', '{}', 0.016, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'seedream/5-pro-text-to-image', 'image', '{"quality": "basic"}', 0.035, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'seedream/5-pro-text-to-image', 'image', '{"quality": "high"}', 0.07, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'veo-3-1', 'clip', '{"quality": "veo3_lite", "resolution": "1080p"}', 0.175, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'veo-3-1', 'clip', '{"quality": "veo3_fast", "resolution": "1080p"}', 0.325, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'veo-3-1', 'clip', '{"quality": "veo3", "resolution": "1080p"}', 1.275, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'wan/3-0-video', 'second', '{"resolution": "480P"}', 0.04, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'wan/3-0-video', 'second', '{"resolution": "720P"}', 0.08, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'wan/3-0-video', 'second', '{"resolution": "1080P"}', 0.16, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'kling-3.0/video', 'second', '{"quality": "pro", "sound": false}', 0.09, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'kling-3.0/video', 'second', '{"quality": "pro", "sound": true}', 0.135, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'bytedance/seedance-2-5', 'second', '{"resolution": "480p"}', 0.14, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'bytedance/seedance-2-5', 'second', '{"resolution": "720p"}', 0.315, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'bytedance/seedance-2-5', 'second', '{"resolution": "1080p"}', 0.79, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'bytedance/seedance-2-mini', 'second', '{"resolution": "720p"}', 0.041, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'minimax-h3/text-to-video', 'second', '{"resolution": "768p"}', 0.04, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'minimax-h3/text-to-video', 'second', '{"resolution": "2K"}', 0.065, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'minimax-h3/image-to-video', 'second', '{"resolution": "768p"}', 0.04, 'kie.ai/pricing 2026-10-07'),
('kie_ai', 'minimax-h3/image-to-video', 'second', '{"resolution": "2K"}', 0.065, 'kie.ai/pricing 2026-10-07'),
('openai', 'gpt-transcribe', 'minute', '{}', 0.0045, 'litellm 1.110.2'),
('openai', 'whisper-1', 'minute', '{}', 0.006, 'litellm 1.110.2'),
('groq', 'whisper-large-v3-turbo', 'minute', '{}', 0.00067, 'litellm 1.110.2'),
('gemini', 'gemini-3.5-transcribe', 'input_tokens', '{}', 2, 'litellm 1.110.2'),
('gemini', 'gemini-3.5-transcribe', 'audio_input_tokens', '{}', 2, 'litellm 1.110.2'),
('gemini', 'gemini-3.5-transcribe', 'output_tokens', '{}', 12, 'litellm 1.110.2'),
('gemini', 'gemini-3.8-flash-tts', 'input_tokens', '{}', 0.5, 'litellm 1.110.2'),
('gemini', 'gemini-3.8-flash-tts', 'audio_output_tokens', '{}', 9, 'litellm 1.110.2'),
('gemini', 'gemini-3.8-flash-lite-tts', 'input_tokens', '{}', 0.5, 'litellm 1.110.2'),
('gemini', 'gemini-3.8-flash-lite-tts', 'audio_output_tokens', '{}', 6, 'litellm 1.110.2'),
('openai', 'gpt-4o-mini-tts', 'input_tokens', '{}', 0.6, 'litellm 1.110.2'),
('openai', 'gpt-4o-mini-tts', 'audio_output_tokens', '{}', 12, 'litellm 1.110.2'),
('openai', 'omni-moderation-latest', 'request', '{}', 0, 'litellm 1.110.2')
on conflict (provider, model, component, conditions, valid_from) do nothing;

-- The four image models of OpenAI at one price; xhigh and max came with 2.5.
insert into public.ai_model_prices (provider, model, component, conditions, price_usd, source)
select
  m.provider, m.model, 'image', jsonb_build_object('size', '1024x1024', 'quality', q.quality), q.price,
  'litellm 1.110.2, row of a reseller'
  from public.ai_models as m
 cross join (
   values ('low', 0.0059), ('medium', 0.0132), ('high', 0.0527), ('xhigh', 0.0937), ('max', 0.2107)
 ) as q (quality, price)
 where m.provider = 'openai' and m.kind = 'image' and m.parameters -> 'qualities' ? q.quality
on conflict (provider, model, component, conditions, valid_from) do nothing;

-- The four GPT Image models of kie.ai at one price.
insert into public.ai_model_prices (provider, model, component, conditions, price_usd, source)
select m.provider, m.model, 'image', jsonb_build_object('size', s.size), s.price, 'kie.ai/pricing 2026-10-07'
  from public.ai_models as m
 cross join (values ('1K', 0.03), ('2K', 0.05), ('4K', 0.08)) as s (size, price)
 where m.provider = 'kie_ai' and m.model like 'gpt-image-2-5-%'
on conflict (provider, model, component, conditions, valid_from) do nothing;
