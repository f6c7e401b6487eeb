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
comment on column public.ai_models.parameters is 'What a call may choose: lists aspect_ratios, sizes, resolutions, qualities, durations (seconds); max_references (pictures); sound (can be switched); labels (words for values)';
comment on column public.ai_models.limits is 'Bounds of a call: context_tokens, output_tokens, prompt_characters, input_bytes, output_seconds, result_days; usual_seconds (a call takes), poll_seconds (between two reads of a job), wait_seconds (until it expires)';
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
('openrouter', 'openai/gpt-5.4-mini', 'chat', '{}', '{"context_tokens": 272000, "output_tokens": 128000}', true, null, 'openrouter.ai/openai/gpt-5.4-mini'),
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
  'kie_ai', 'nano-banana-2-1', 'image',
  '{"aspect_ratios": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
    "sizes": ["1K", "2K", "4K"], "max_references": 10}',
  '{"input_bytes": 31457280, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'
),
(
  'kie_ai', 'nano-banana-pro', 'image',
  '{"aspect_ratios": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
    "sizes": ["1K", "2K", "4K"], "max_references": 8}',
  '{"input_bytes": 31457280, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'
),
('kie_ai', 'gpt-image-2-5-flare-text-to-image', 'image', '{"sizes": ["1K", "2K", "4K"]}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie_ai', 'gpt-image-2-5-flare-image-to-image', 'image', '{"sizes": ["1K", "2K", "4K"], "max_references": 16}', '{"input_bytes": 31457280, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie_ai', 'gpt-image-2-5-sunburst-text-to-image', 'image', '{"sizes": ["1K", "2K", "4K"]}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie_ai', 'gpt-image-2-5-sunburst-image-to-image', 'image', '{"sizes": ["1K", "2K", "4K"], "max_references": 16}', '{"input_bytes": 31457280, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie_ai', 'z-image', 'image', '{}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie_ai', 'seedream/5-flash-text-to-image', 'image', '{}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie_ai', 'seedream/5-pro-text-to-image', 'image', '{"qualities": ["basic", "high"], "labels": {"basic": {"en": "1K", "ru": "1K"}, "high": {"en": "2K", "ru": "2K"}}}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
(
  'gemini', 'veo-3.1-generate-001', 'video',
  '{"aspect_ratios": ["16:9", "9:16"], "resolutions": ["720p", "1080p", "4k"], "durations": [4, 6, 8], "max_references": 1}',
  '{"context_tokens": 1024, "result_days": 2, "usual_seconds": 150}', true, null, 'google-genai 3.6.1'
),
(
  'gemini', 'veo-3.1-fast-generate-001', 'video',
  '{"aspect_ratios": ["16:9", "9:16"], "resolutions": ["720p", "1080p", "4k"], "durations": [4, 6, 8], "max_references": 1}',
  '{"context_tokens": 1024, "result_days": 2, "usual_seconds": 90}', true, null, 'google-genai 3.6.1'
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
  'kie_ai', 'veo-3-1', 'video',
  '{"aspect_ratios": ["16:9", "9:16"], "resolutions": ["1080p"], "qualities": ["veo3_lite", "veo3_fast", "veo3"], "max_references": 1,
    "labels": {"veo3_lite": {"en": "Lite", "ru": "Простое"}, "veo3_fast": {"en": "Fast", "ru": "Быстрое"},
      "veo3": {"en": "Best", "ru": "Лучшее"}}}',
  '{"result_days": 14, "usual_seconds": 150}', true, null, 'docs.kie.ai 2026-10-07'
),
('kie_ai', 'wan/3-0-video', 'video', '{"resolutions": ["480P", "720P", "1080P"], "max_references": 2}', '{"output_seconds": 30, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
(
  'kie_ai', 'kling-3.0/video', 'video',
  '{"aspect_ratios": ["16:9", "9:16", "1:1"], "qualities": ["pro"], "durations": [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    "sound": true, "max_references": 2, "labels": {"pro": {"en": "1080p", "ru": "1080p"}}}',
  '{"prompt_characters": 2500, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'
),
('kie_ai', 'bytedance/seedance-2-5', 'video', '{"resolutions": ["480p", "720p", "1080p"], "max_references": 9, "sound": true}', '{"output_seconds": 30, "result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie_ai', 'bytedance/seedance-2-mini', 'video', '{"resolutions": ["720p"], "durations": [5, 10, 15], "max_references": 9, "sound": true}', '{"result_days": 14}', true, null, 'docs.kie.ai 2026-10-07'),
('kie_ai', 'minimax-h3/text-to-video', 'video', '{"resolutions": ["768p", "2K"]}', '{"result_days": 14}', false, null, 'docs.kie.ai 2026-10-07'),
('kie_ai', 'minimax-h3/image-to-video', 'video', '{"resolutions": ["768p", "2K"], "max_references": 1}', '{"result_days": 14}', false, null, 'docs.kie.ai 2026-10-07'),
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
