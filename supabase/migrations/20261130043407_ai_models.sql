-- Ai models.

alter table public.api_usage add column tokens_cached integer;

-- Catalogue of AI models. Code names modes and providers, never a model: ids change every month, so they are rows
-- (docs/ai_models.md). The rows below are the state of November 2026; an owner's changes stay.

create table public.ai_models (
  provider text not null check (provider ~ '^[a-z0-9_]{1,32}$'),
  model text not null check (model ~ '^[!-~]{1,128}$'),
  kind text not null check (kind in ('chat', 'image', 'video', 'transcription', 'speech', 'moderation')),
  parameters jsonb not null default '{}' check (jsonb_typeof(parameters) = 'object'),
  limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
  plan_feature text,
  enabled boolean not null default true,
  shutdown_on date,
  source text not null,
  primary key (provider, model),
  unique (provider, model, kind)
);

comment on table public.ai_models is 'Catalogue of AI models';
comment on column public.ai_models.provider is 'Key of the provider: <PROVIDER>_API_KEY is its key';
comment on column public.ai_models.model is 'Id as the provider''s API takes it';
comment on column public.ai_models.parameters is 'What a call may choose: lists aspect_ratios, sizes, resolutions, qualities, durations (seconds); max_references (pictures); sound (can be switched)';
comment on column public.ai_models.limits is 'Bounds of a call: context_tokens, output_tokens, prompt_characters, input_bytes, output_seconds, result_days';
comment on column public.ai_models.plan_feature is 'Word of subscription_limits.features that a plan needs; null: every plan may use it';
comment on column public.ai_models.shutdown_on is 'Day on which the provider switches it off';
comment on column public.ai_models.source is 'Where id, parameters and limits were read';
alter table public.ai_models enable row level security;
revoke all on table public.ai_models from public, anon, authenticated, service_role;

insert into public.ai_models (provider, model, kind, parameters, limits, enabled, shutdown_on, source)
values
('openai', 'gpt-5-mini', 'chat', '{}', '{"context_tokens": 272000, "output_tokens": 128000}', true, '2026-12-11', 'litellm 1.110.2'),
('openai', 'gpt-5.4-mini', 'chat', '{}', '{"context_tokens": 272000, "output_tokens": 128000}', true, null, 'litellm 1.110.2'),
('openrouter', 'openai/gpt-5-mini', 'chat', '{}', '{"context_tokens": 272000, "output_tokens": 128000}', true, null, 'openrouter.ai/openai/gpt-5-mini'),
('anthropic', 'claude-haiku-5-5', 'chat', '{}', '{"context_tokens": 1000000, "output_tokens": 128000}', true, null, 'litellm 1.110.2'),
('anthropic', 'claude-sonnet-5', 'chat', '{}', '{"context_tokens": 1000000, "output_tokens": 128000}', true, null, 'litellm 1.110.2'),
('gemini', 'gemini-3.8-flash', 'chat', '{}', '{"context_tokens": 1048576, "output_tokens": 65536}', true, null, 'litellm 1.110.2'),
(
  'gemini', 'gemini-nano-banana-2.1', 'image',
  '{"aspect_ratios": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1"],
    "sizes": ["1K", "2K", "4K"], "max_references": 14}',
  '{"context_tokens": 131072}', true, null, 'google-genai 3.6.1'
),
(
  'gemini', 'gemini-3.1-flash-lite-image', 'image',
  '{"aspect_ratios": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
    "sizes": ["1K"], "max_references": 14}',
  '{"context_tokens": 65536}', true, null, 'google-genai 3.6.1'
),
(
  'gemini', 'gemini-2.5-flash-image', 'image',
  '{"aspect_ratios": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"], "max_references": 3}',
  '{"context_tokens": 65536}', false, '2027-03-15', 'litellm 1.110.2'
),
(
  'gemini', 'gemini-3-pro-image', 'image',
  '{"aspect_ratios": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
    "sizes": ["1K", "2K", "4K"], "max_references": 14}',
  '{"context_tokens": 65536}', true, null, 'google-genai 3.6.1'
),
(
  'openrouter', 'google/gemini-nano-banana-2.1', 'image',
  '{"aspect_ratios": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
    "sizes": ["1K", "2K", "4K"], "max_references": 14}',
  '{}', true, null, 'openrouter 1.3.84'
),
(
  'openai', 'gpt-image-2.6-flare', 'image',
  '{"sizes": ["1024x1024", "1536x1024", "1024x1536"], "qualities": ["low", "medium", "high", "xhigh", "max"],
    "max_references": 16}',
  '{"prompt_characters": 32000, "input_bytes": 52428800}', true, null, 'openai 3.57.0'
),
(
  'openai', 'gpt-image-2.6-sunburst', 'image',
  '{"sizes": ["1024x1024", "1536x1024", "1024x1536"], "qualities": ["low", "medium", "high", "xhigh", "max"],
    "max_references": 16}',
  '{"prompt_characters": 32000, "input_bytes": 52428800}', true, null, 'openai 3.57.0'
),
(
  'openai', 'gpt-image-2.5-flare', 'image',
  '{"sizes": ["1024x1024", "1536x1024", "1024x1536"], "qualities": ["low", "medium", "high", "xhigh", "max"],
    "max_references": 16}',
  '{"prompt_characters": 32000, "input_bytes": 52428800}', true, null, 'openai 3.57.0'
),
(
  'openai', 'gpt-image-2', 'image',
  '{"sizes": ["1024x1024", "1536x1024", "1024x1536"], "qualities": ["low", "medium", "high"], "max_references": 16}',
  '{"prompt_characters": 32000, "input_bytes": 52428800}', true, null, 'openai 3.57.0'
),
(
  'kie', 'nano-banana-2-1', 'image',
  '{"aspect_ratios": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
    "sizes": ["1K", "2K", "4K"], "max_references": 10}',
  '{"input_bytes": 31457280, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'
),
(
  'kie', 'nano-banana-pro', 'image',
  '{"aspect_ratios": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
    "sizes": ["1K", "2K", "4K"], "max_references": 8}',
  '{"input_bytes": 31457280, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'
),
('kie', 'gpt-image-2-5-flare-text-to-image', 'image', '{"sizes": ["1K", "2K", "4K"]}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie', 'gpt-image-2-5-flare-image-to-image', 'image', '{"sizes": ["1K", "2K", "4K"], "max_references": 16}', '{"input_bytes": 31457280, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie', 'gpt-image-2-5-sunburst-text-to-image', 'image', '{"sizes": ["1K", "2K", "4K"]}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie', 'gpt-image-2-5-sunburst-image-to-image', 'image', '{"sizes": ["1K", "2K", "4K"], "max_references": 16}', '{"input_bytes": 31457280, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie', 'z-image', 'image', '{}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie', 'seedream/5-flash-text-to-image', 'image', '{}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie', 'seedream/5-pro-text-to-image', 'image', '{"sizes": ["1K", "2K"]}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
(
  'gemini', 'veo-3.1-generate-001', 'video',
  '{"aspect_ratios": ["16:9", "9:16"], "resolutions": ["720p", "1080p", "4k"], "durations": [4, 6, 8], "max_references": 1}',
  '{"context_tokens": 1024, "result_days": 2}', true, null, 'google-genai 3.6.1'
),
(
  'gemini', 'veo-3.1-fast-generate-001', 'video',
  '{"aspect_ratios": ["16:9", "9:16"], "resolutions": ["720p", "1080p", "4k"], "durations": [4, 6, 8], "max_references": 1}',
  '{"context_tokens": 1024, "result_days": 2}', true, null, 'google-genai 3.6.1'
),
(
  'gemini', 'gemini-omni-1.2-flash', 'video',
  '{"aspect_ratios": ["16:9", "9:16"], "resolutions": ["360p", "720p", "1080p", "4k"],
    "durations": [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], "max_references": 6}',
  '{"context_tokens": 131072, "result_days": 2}', true, null, 'google-genai 3.6.1'
),
(
  'openrouter', 'google/veo-3.1-fast', 'video',
  '{"aspect_ratios": ["16:9", "9:16"], "resolutions": ["720p", "1080p"], "durations": [4, 6, 8], "sound": true, "max_references": 1}',
  '{"input_bytes": 52428800}', true, null, 'openrouter.ai/collections/video-models'
),
(
  'openrouter', 'kwaivgi/kling-v3.0-std', 'video',
  '{"aspect_ratios": ["16:9", "9:16", "1:1"], "durations": [5, 10], "sound": true, "max_references": 1}',
  '{"input_bytes": 52428800}', true, null, 'openrouter.ai/collections/video-models'
),
(
  'xai', 'grok-imagine-video-1.5-lite', 'video', '{"resolutions": ["480p", "720p", "1080p"], "max_references": 1}', '{}', true,
  null, 'litellm 1.110.2'
),
(
  'kie', 'veo-3-1', 'video',
  '{"aspect_ratios": ["16:9", "9:16"], "resolutions": ["1080p"], "qualities": ["veo3_lite", "veo3_fast", "veo3"], "max_references": 1}',
  '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'
),
('kie', 'wan/3-0-video', 'video', '{"resolutions": ["480p", "720p", "1080p"]}', '{"output_seconds": 30, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
(
  'kie', 'kling-3.0/video', 'video',
  '{"aspect_ratios": ["16:9", "9:16", "1:1"], "resolutions": ["1080p"], "durations": [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    "sound": true, "max_references": 2}',
  '{"prompt_characters": 2500, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'
),
('kie', 'bytedance/seedance-2-5', 'video', '{"resolutions": ["480p", "720p", "1080p"], "max_references": 30}', '{"output_seconds": 30, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie', 'bytedance/seedance-2-mini', 'video', '{"resolutions": ["720p"], "max_references": 2}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie', 'minimax-h3/text-to-video', 'video', '{"resolutions": ["768p", "2K"]}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie', 'minimax-h3/image-to-video', 'video', '{"resolutions": ["768p", "2K"], "max_references": 1}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('openai', 'gpt-transcribe', 'transcription', '{}', '{"input_bytes": 26214400}', true, null, 'openai 3.57.0'),
('openai', 'whisper-1', 'transcription', '{}', '{"input_bytes": 26214400}', false, '2027-02-26', 'developers.openai.com/api/docs/deprecations'),
('groq', 'whisper-large-v3-turbo', 'transcription', '{}', '{}', true, null, 'litellm 1.110.2'),
('gemini', 'gemini-3.5-transcribe', 'transcription', '{}', '{"input_bytes": 104857600}', true, null, 'litellm 1.110.2'),
('openrouter', 'openai/whisper-large-v3-turbo', 'transcription', '{}', '{}', true, null, 'openrouter 1.3.84'),
('gemini', 'gemini-3.8-flash-tts', 'speech', '{}', '{"context_tokens": 8192}', true, null, 'litellm 1.110.2'),
('gemini', 'gemini-3.8-flash-lite-tts', 'speech', '{}', '{"context_tokens": 8192}', true, null, 'litellm 1.110.2'),
('openrouter', 'google/gemini-3.8-flash-tts', 'speech', '{}', '{}', true, null, 'openrouter.ai/google/gemini-3.8-flash-tts'),
('openai', 'gpt-4o-mini-tts', 'speech', '{}', '{"prompt_characters": 4096}', false, '2027-01-06', 'developers.openai.com/api/docs/deprecations'),
('openai', 'omni-moderation-latest', 'moderation', '{}', '{"context_tokens": 32768}', true, null, 'litellm 1.110.2')
on conflict (provider, model) do nothing;

-- Prices of AI models, one row per component of a call, the conditions it holds under, and the day it begins. A price change is
-- a new row with a later valid_from; old rows stay, so that a past cost can be explained. private.call_cost reads them.

create table public.ai_model_prices (
  provider text not null,
  model text not null,
  component text not null check (
    component in (
      'input_tokens', 'cached_tokens', 'output_tokens', 'image_input_tokens', 'image_output_tokens', 'audio_input_tokens',
      'audio_output_tokens', 'video_output_tokens', 'image', 'second', 'minute', 'clip', 'request'
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
comment on column public.ai_model_prices.component is '*_tokens: cached_tokens are part of input_tokens; otherwise what is counted';
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
('kie', 'nano-banana-2-1', 'image', '{"size": "1K"}', 0.02, 'kie.ai/pricing 2026-10-07'),
('kie', 'nano-banana-2-1', 'image', '{"size": "2K"}', 0.03, 'kie.ai/pricing 2026-10-07'),
('kie', 'nano-banana-2-1', 'image', '{"size": "4K"}', 0.045, 'kie.ai/pricing 2026-10-07'),
('kie', 'nano-banana-pro', 'image', '{"size": "1K"}', 0.09, 'kie.ai/pricing 2026-10-07'),
('kie', 'nano-banana-pro', 'image', '{"size": "2K"}', 0.09, 'kie.ai/pricing 2026-10-07'),
('kie', 'nano-banana-pro', 'image', '{"size": "4K"}', 0.12, 'kie.ai/pricing 2026-10-07'),
('kie', 'z-image', 'image', '{}', 0.004, 'kie.ai/pricing 2026-10-07'),
('kie', 'seedream/5-flash-text-to-image', 'image', '{}', 0.016, 'kie.ai/pricing 2026-10-07'),
('kie', 'seedream/5-pro-text-to-image', 'image', '{"size": "1K"}', 0.035, 'kie.ai/pricing 2026-10-07'),
('kie', 'seedream/5-pro-text-to-image', 'image', '{"size": "2K"}', 0.07, 'kie.ai/pricing 2026-10-07'),
('kie', 'veo-3-1', 'clip', '{"quality": "veo3_lite", "resolution": "1080p"}', 0.175, 'kie.ai/pricing 2026-10-07'),
('kie', 'veo-3-1', 'clip', '{"quality": "veo3_fast", "resolution": "1080p"}', 0.325, 'kie.ai/pricing 2026-10-07'),
('kie', 'veo-3-1', 'clip', '{"quality": "veo3", "resolution": "1080p"}', 1.275, 'kie.ai/pricing 2026-10-07'),
('kie', 'wan/3-0-video', 'second', '{"resolution": "480p"}', 0.04, 'kie.ai/pricing 2026-10-07'),
('kie', 'wan/3-0-video', 'second', '{"resolution": "720p"}', 0.08, 'kie.ai/pricing 2026-10-07'),
('kie', 'wan/3-0-video', 'second', '{"resolution": "1080p"}', 0.16, 'kie.ai/pricing 2026-10-07'),
('kie', 'kling-3.0/video', 'second', '{"resolution": "1080p", "sound": false}', 0.09, 'kie.ai/pricing 2026-10-07'),
('kie', 'kling-3.0/video', 'second', '{"resolution": "1080p", "sound": true}', 0.135, 'kie.ai/pricing 2026-10-07'),
('kie', 'bytedance/seedance-2-5', 'second', '{"resolution": "480p"}', 0.14, 'kie.ai/pricing 2026-10-07'),
('kie', 'bytedance/seedance-2-5', 'second', '{"resolution": "720p"}', 0.315, 'kie.ai/pricing 2026-10-07'),
('kie', 'bytedance/seedance-2-5', 'second', '{"resolution": "1080p"}', 0.79, 'kie.ai/pricing 2026-10-07'),
('kie', 'bytedance/seedance-2-mini', 'second', '{"resolution": "720p"}', 0.041, 'kie.ai/pricing 2026-10-07'),
('kie', 'minimax-h3/text-to-video', 'second', '{"resolution": "768p"}', 0.04, 'kie.ai/pricing 2026-10-07'),
('kie', 'minimax-h3/text-to-video', 'second', '{"resolution": "2K"}', 0.065, 'kie.ai/pricing 2026-10-07'),
('kie', 'minimax-h3/image-to-video', 'second', '{"resolution": "768p"}', 0.04, 'kie.ai/pricing 2026-10-07'),
('kie', 'minimax-h3/image-to-video', 'second', '{"resolution": "2K"}', 0.065, 'kie.ai/pricing 2026-10-07'),
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
 where m.provider = 'kie' and m.model like 'gpt-image-2-5-%'
on conflict (provider, model, component, conditions, valid_from) do nothing;

-- What users choose between: a mode has a model and, on another provider, a model to fall back to. Modes are data: a new one
-- is a row (docs/ai_models.md). The modes of text chat, which are prompts, are in shared/ai/modes.py.

create table public.ai_modes (
  key text primary key check (key ~ '^[a-z0-9_]{1,32}$'),
  kind text not null check (kind in ('image', 'video', 'transcription', 'speech', 'moderation')),
  provider text not null,
  model text not null,
  fallback_provider text,
  fallback_model text,
  texts jsonb not null check (jsonb_typeof(texts) = 'object'),
  parameters jsonb not null default '{}' check (jsonb_typeof(parameters) = 'object'),
  position integer not null default 0,
  enabled boolean not null default true,
  plan_feature text,
  foreign key (provider, model, kind) references public.ai_models (provider, model, kind) on update cascade,
  foreign key (fallback_provider, fallback_model, kind) references public.ai_models (provider, model, kind) on update cascade,
  check ((fallback_provider is null) = (fallback_model is null)),
  check (fallback_provider <> provider),
  check (jsonb_path_exists(texts, 'strict $.* ? (@.title like_regex "[^[:space:]]")', '{}', true))
);

create index ai_modes_model_idx on public.ai_modes (provider, model, kind);
create index ai_modes_fallback_idx on public.ai_modes (fallback_provider, fallback_model, kind);

comment on table public.ai_modes is 'Modes that users choose between, each with its model';
comment on column public.ai_modes.fallback_model is 'Used while the model is disabled or its provider fails; of another provider';
comment on column public.ai_modes.texts is 'By language: {"ru": {"title": "…", "description": "…"}}';
comment on column public.ai_modes.parameters is 'Defaults of a call, by the names of conditions of prices: {"size": "1K"}';
comment on column public.ai_modes.position is 'Order of the list; the first enabled mode of a kind is its default';
comment on column public.ai_modes.plan_feature is 'Word of subscription_limits.features that a plan needs; null: every plan may use it';
alter table public.ai_modes enable row level security;
revoke all on table public.ai_modes from public, anon, authenticated, service_role;

insert into public.ai_modes
(key, kind, provider, model, fallback_provider, fallback_model, texts, parameters, position)
values
(
  'nano_banana', 'image', 'gemini', 'gemini-nano-banana-2.1', 'kie', 'nano-banana-2-1',
  '{"ru": {"title": "Nano Banana", "description": "Рисует и правит фото"},
    "en": {"title": "Nano Banana", "description": "Draws and edits photos"}}',
  '{"size": "1K", "aspect_ratio": "1:1"}', 10
),
(
  'gpt_image', 'image', 'openai', 'gpt-image-2.6-flare', 'kie', 'gpt-image-2-5-flare-text-to-image',
  '{"ru": {"title": "GPT Image", "description": "Точнее с текстом на картинке"},
    "en": {"title": "GPT Image", "description": "Better at text in pictures"}}',
  '{"size": "1024x1024", "quality": "medium"}', 20
),
(
  'video', 'video', 'gemini', 'veo-3.1-fast-generate-001', 'kie', 'veo-3-1',
  '{"ru": {"title": "Видео", "description": "Короткие ролики со звуком"},
    "en": {"title": "Video", "description": "Short clips with sound"}}',
  '{"resolution": "720p", "duration": 8, "aspect_ratio": "16:9"}', 10
),
(
  'transcription', 'transcription', 'openai', 'gpt-transcribe', 'openrouter', 'openai/whisper-large-v3-turbo',
  '{"ru": {"title": "Расшифровка"}, "en": {"title": "Transcription"}}', '{}', 10
),
(
  'speech', 'speech', 'openrouter', 'google/gemini-3.8-flash-tts', 'gemini', 'gemini-3.8-flash-tts',
  '{"ru": {"title": "Озвучка"}, "en": {"title": "Speech"}}', '{}', 10
),
(
  'moderation', 'moderation', 'openai', 'omni-moderation-latest', null, null,
  '{"ru": {"title": "Проверка содержимого"}, "en": {"title": "Moderation"}}', '{}', 10
)
on conflict (key) do nothing;

-- Computes what a call to an AI model costs from its usage and the prices of a day, for providers that do not report the cost.
--
-- p_usage {component: quantity}, as in ai_model_prices: {"input_tokens": 900, "cached_tokens": 600, "output_tokens": 80},
-- {"second": 8}. cached_tokens are part of input_tokens, and cost the same where they have no price of their own. A quantity of
-- null is unknown. p_conditions: the parameters of the call, {"resolution": "720p", "sound": true}.
--
-- Of the prices whose conditions the call meets, the one with most conditions counts; of these the newest, and then the highest.
-- The price is that of the tokens when each kind of token has one, otherwise that of the units (image, second, …). A second is
-- a sixtieth of a minute where only the other has a price.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, US dollars with 8 decimals, at most 999999; null where a price or a quantity is unknown.
-- Errors: none.
create or replace function private.call_cost(
  p_provider text, p_model text, p_usage jsonb, p_conditions jsonb, p_at timestamptz
)
returns numeric
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day date := (p_at at time zone 'UTC')::date;
  v_prices jsonb;
  v_cached numeric;
  v_component text;
  v_value jsonb;
  v_quantity numeric;
  v_amount numeric;
  v_tokens numeric := 0;
  v_units numeric := 0;
  v_has_tokens boolean := false;
  v_has_units boolean := false;
begin
  -- Of a repeated key the last value stays.
  select jsonb_object_agg(p.component, p.price_usd order by p.specificity, p.valid_from, p.price_usd)
    into v_prices
    from public.ai_model_prices as p
   where p.provider = p_provider and p.model = p_model
     and p.valid_from <= v_day
     and (p.valid_until is null or p.valid_until > v_day)
     and p_conditions @> p.conditions;
  if v_prices is null or jsonb_typeof(p_usage) is distinct from 'object' then
    return null;
  end if;
  if v_prices ? 'minute' and not v_prices ? 'second' then
    v_prices := v_prices || jsonb_build_object('second', (v_prices ->> 'minute')::numeric / 60);
  elsif v_prices ? 'second' and not v_prices ? 'minute' then
    v_prices := v_prices || jsonb_build_object('minute', (v_prices ->> 'second')::numeric * 60);
  end if;
  -- Null when one of the two is unknown: least() would ignore it.
  if jsonb_typeof(p_usage -> 'cached_tokens') = 'number' and jsonb_typeof(p_usage -> 'input_tokens') = 'number' then
    v_cached := least((p_usage ->> 'cached_tokens')::numeric, (p_usage ->> 'input_tokens')::numeric);
  end if;

  for v_component, v_value in select e.key, e.value from jsonb_each(p_usage) as e loop
    v_quantity := case when jsonb_typeof(v_value) = 'number' and v_value >= '0' then v_value::numeric end;
    v_quantity := case v_component
      when 'input_tokens' then v_quantity - coalesce(v_cached, 0)
      when 'cached_tokens' then v_cached
      else v_quantity
    end;
    v_amount := case when v_quantity = 0 then 0 else v_quantity * coalesce(
      v_prices ->> v_component, case v_component when 'cached_tokens' then v_prices ->> 'input_tokens' end
    )::numeric end;
    if right(v_component, 7) = '_tokens' then
      v_has_tokens := true;
      v_tokens := v_tokens + v_amount;
    else
      v_has_units := true;
      v_units := v_units + v_amount;
    end if;
  end loop;
  v_amount := coalesce(case when v_has_tokens then v_tokens / 1000000 end, case when v_has_units then v_units end);
  return case when v_amount < 999999 then round(v_amount, 8) when v_amount is not null then 999999 end;
end
$$;

revoke all on function private.call_cost from public, anon, authenticated, service_role;
comment on function private.call_cost is 'Computes what a call to an AI model costs';

-- Lists the modes of a kind that can be used today, each with the models to try: its own, then its fallback. A model that is
-- disabled or switched off by its provider is left out, and so is a mode without a model.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     key: text
--     texts: product_texts
--     parameters: jsonb                       (the defaults of a call)
--     plan_feature: text | null
--     models: [ { provider: text, model: text, parameters: jsonb, limits: jsonb, plan_feature: text | null } ]
--   } ]                                       (by position: the first one is the default)
-- Errors: none.
create or replace function public.list_ai_modes(p_kind text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'key', m.key,
          'texts', m.texts,
          'parameters', m.parameters,
          'plan_feature', m.plan_feature,
          'models', u.models
        )
        order by m.position, m.key
      ),
      '[]'
    )
    from public.ai_modes as m
   cross join lateral (
     select jsonb_agg(
         jsonb_build_object(
           'provider', a.provider,
           'model', a.model,
           'parameters', a.parameters,
           'limits', a.limits,
           'plan_feature', a.plan_feature
         )
         order by (a.provider, a.model) <> (m.provider, m.model)
       ) as models
       from public.ai_models as a
      where (a.provider, a.model) in ((m.provider, m.model), (m.fallback_provider, m.fallback_model))
        and a.enabled
        and coalesce(a.shutdown_on > (private.clock() at time zone 'UTC')::date, true)
   ) as u
   where m.kind = p_kind and m.enabled and u.models is not null;
$$;

revoke all on function public.list_ai_modes from public, anon, authenticated, service_role;
grant execute on function public.list_ai_modes to bot_backend;
comment on function public.list_ai_modes is 'Lists the modes of a kind that can be used today';

-- Records an update's calls to AI providers: a row per call, and the counters of the user and the day.
--
-- p_usage: [{provider, model, kind, status, ms, request_bytes, response_bytes, tokens_in, tokens_out, tokens_cached, cost,
-- is_estimate, is_user_api_key}] in the order of the calls; the last one produced the answer, if any did. p_is_settled: a
-- reserved request was served. On a user API key nothing is reserved, and the status of the last call decides. A figure that
-- is not a number, is negative or exceeds its column is left out (0 where the column needs a number), because a
-- provider's report must never undo its answer. is_estimate: the provider did not report the cost; the prices of the catalogue
-- replace it where they are known (private.call_cost).
--
-- Concurrency: the caller holds the update row and calls once, in the transaction that finishes it. All updates take
--   the counters in the same order, call by call, and one update only one of the sixteen rows of a figure.
-- Locks: daily_usage, then by provider, model and is_user_api_key the row of monthly_api_usage and that of daily_totals.
-- Returns: void
-- Errors: none.
create or replace function private.record_usage(
  p_update public.telegram_updates, p_usage jsonb, p_is_settled boolean
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_day date;
  v_shard integer := p_update.update_id & 15;
  v_last jsonb := p_usage -> -1;
  v_is_own boolean := coalesce((p_usage -> -1 ->> 'is_user_api_key')::boolean, false);
  v_call jsonb;
  v_row public.api_usage;
  v_cost numeric;
  v_is_last boolean;
  v_rows jsonb := '[]'::jsonb;
  v_count integer := jsonb_array_length(p_usage);
  v_requests integer := (p_is_settled or (v_is_own and v_last ->> 'status' in ('ok', 'part')))::integer;
begin
  if v_last is null and v_requests = 0 then
    return;
  end if;
  v_now := private.clock();
  v_day := (v_now at time zone private.setting('quota_timezone'))::date;

  if v_is_own and v_requests > 0 then
    insert into public.daily_usage as u (user_id, bot, day, user_api_key_requests)
    values (p_update.user_id, p_update.bot, v_day, 1)
    on conflict (user_id, day, bot) do update set user_api_key_requests = u.user_api_key_requests + 1;
  end if;
  if v_last is null then
    insert into public.daily_totals as t (day, bot, provider, model, is_user_api_key, shard, requests)
    values (v_day, p_update.bot, '', '', false, v_shard, v_requests)
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests;
    return;
  end if;

  for v_index in 0 .. v_count - 1 loop
    v_call := p_usage -> v_index;
    v_cost := private.usage_cost(v_call ->> 'cost');
    if (v_call ->> 'is_estimate')::boolean then
      v_cost := coalesce(
        private.call_cost(
          v_call ->> 'provider', v_call ->> 'model',
          jsonb_build_object(
            'input_tokens', private.usage_count(v_call ->> 'tokens_in'),
            'cached_tokens', coalesce(private.usage_count(v_call ->> 'tokens_cached'), 0),
            'output_tokens', private.usage_count(v_call ->> 'tokens_out')
          ),
          '{}', v_now
        ),
        v_cost
      );
    end if;
    insert into public.api_usage (
      user_id, bot, provider, model, kind, status, ms, request_bytes, response_bytes,
      tokens_in, tokens_out, tokens_cached, cost, is_user_api_key, created_at
    )
    values (
      p_update.user_id, p_update.bot, coalesce(v_call ->> 'provider', ''), coalesce(v_call ->> 'model', ''),
      case when v_call ->> 'kind' in ('image', 'video') then v_call ->> 'kind' else 'chat' end,
      coalesce(v_call ->> 'status', ''), coalesce(private.usage_count(v_call ->> 'ms'), 0),
      coalesce(private.usage_count(v_call ->> 'request_bytes'), 0),
      coalesce(private.usage_count(v_call ->> 'response_bytes'), 0),
      private.usage_count(v_call ->> 'tokens_in'), private.usage_count(v_call ->> 'tokens_out'),
      private.usage_count(v_call ->> 'tokens_cached'), v_cost, coalesce((v_call ->> 'is_user_api_key')::boolean, false), v_now
    )
    returning * into v_row;
    if v_count > 1 then
      v_rows := v_rows || to_jsonb(v_row);
    end if;
  end loop;
  if v_count > 1 then
    v_rows := (
      select jsonb_agg(r.value order by r.value ->> 'provider', r.value ->> 'model', r.value ->> 'is_user_api_key')
        from jsonb_array_elements(v_rows) as r (value)
    );
  end if;
  for v_index in 0 .. v_count - 1 loop
    if v_count > 1 then
      v_row := jsonb_populate_record(v_row, v_rows -> v_index);
    end if;
    v_is_last := (v_row.provider, v_row.model, v_row.is_user_api_key)
      = (v_last ->> 'provider', v_last ->> 'model', v_is_own);
    insert into public.monthly_api_usage as m
      (user_id, month, provider, model, is_user_api_key, calls, errors, tokens_in, tokens_out, cost, ms, day, day_cost)
    values (
      p_update.user_id, date_trunc('month', v_day::timestamp)::date, v_row.provider, v_row.model,
      v_row.is_user_api_key, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms, v_day, coalesce(v_row.cost, 0)
    )
    on conflict (user_id, month, provider, model, is_user_api_key) do update
      set calls = m.calls + excluded.calls,
          errors = m.errors + excluded.errors,
          tokens_in = m.tokens_in + excluded.tokens_in,
          tokens_out = m.tokens_out + excluded.tokens_out,
          cost = m.cost + excluded.cost,
          ms = m.ms + excluded.ms,
          day = excluded.day,
          day_cost = excluded.day_cost + case when m.day = excluded.day then m.day_cost else 0 end;
    insert into public.daily_totals as t
      (day, bot, provider, model, is_user_api_key, shard, requests, calls, errors, tokens_in, tokens_out, cost, ms)
    values (
      v_day, p_update.bot, v_row.provider, v_row.model, v_row.is_user_api_key, v_shard,
      case when v_is_last then v_requests else 0 end, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms
    )
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests,
          calls = t.calls + excluded.calls,
          errors = t.errors + excluded.errors,
          tokens_in = t.tokens_in + excluded.tokens_in,
          tokens_out = t.tokens_out + excluded.tokens_out,
          cost = t.cost + excluded.cost,
          ms = t.ms + excluded.ms;
    if v_is_last then
      v_requests := 0;  -- counted
    end if;
  end loop;
end
$$;

revoke all on function private.record_usage from public, anon, authenticated, service_role;
comment on function private.record_usage is 'Records an update''s calls to AI providers and their sums';

comment on column public.api_usage.cost is 'US dollars: reported by the provider, or computed from tokens and the prices of ai_model_prices; an estimate if either is missing; null: nothing was spent';

comment on column public.api_usage.tokens_cached is 'Those of tokens_in that the provider read from its prompt cache; null: not reported';
