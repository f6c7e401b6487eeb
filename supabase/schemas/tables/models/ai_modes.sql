-- What users choose between: a mode has a model and, on another provider, a model to fall back to. Modes are data: a new one
-- is a row (docs/ai_models.md). Those of kind chat are the models of /model, and with the parameter searches those that search
-- the web; the modes of text chat, which are prompts, are in shared/ai/modes.py.

create table public.ai_modes (
  key text primary key check (key ~ '^[a-z0-9_]{1,32}$'),
  kind text not null check (kind in ('chat', 'image', 'video', 'transcription', 'speech', 'moderation')),
  provider text not null,
  model text not null,
  fallback_provider text,
  fallback_model text,
  texts jsonb not null check (jsonb_typeof(texts) = 'object'),
  parameters jsonb not null default '{}' check (jsonb_typeof(parameters) = 'object'),
  position integer not null default 0,
  enabled boolean not null default true,
  plan_feature text,
  paid_from text not null default 'requests' check (paid_from in ('requests', 'balance')),
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
comment on column public.ai_modes.paid_from is 'What pays for pictures and videos: requests of the plan, then bonus credits; or the balance';
alter table public.ai_modes enable row level security;
revoke all on table public.ai_modes from public, anon, authenticated, service_role;

insert into public.ai_modes
(key, kind, provider, model, fallback_provider, fallback_model, texts, parameters, position)
values
(
  'nano_banana', 'image', 'gemini', 'gemini-nano-banana-2.1', 'kie_ai', 'nano-banana-2-1',
  '{"ru": {"title": "Nano Banana", "description": "Рисует и правит фото"},
    "en": {"title": "Nano Banana", "description": "Draws and edits photos"}}',
  '{"size": "1K", "aspect_ratio": "1:1"}', 10
),
(
  'gpt_image', 'image', 'openai', 'gpt-image-2.6-flare', 'kie_ai', 'gpt-image-2-5-flare-text-to-image',
  '{"ru": {"title": "GPT Image", "description": "Точнее с текстом на картинке"},
    "en": {"title": "GPT Image", "description": "Better at text in pictures"}}',
  '{"size": "1024x1024", "quality": "medium"}', 20
),
(
  'video', 'video', 'gemini', 'veo-3.1-fast-generate-001', 'kie_ai', 'veo-3-1',
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
),
(
  'web', 'chat', 'openai', 'gpt-5.4-mini', 'openrouter', 'openai/gpt-5.4-mini',
  '{"ru": {"title": "Поиск в интернете", "description": "отвечает по свежим страницам и показывает источники"},
    "en": {"title": "Search the web", "description": "answers from current pages and shows the sources"}}',
  '{"searches": 3, "requests": 2}', 10
)
on conflict (key) do nothing;

insert into public.ai_modes
(key, kind, provider, model, fallback_provider, fallback_model, texts, position, plan_feature)
values
(
  'claude_haiku', 'chat', 'anthropic', 'claude-haiku-5-5', null, null,
  '{"ru": {"title": "Claude Haiku", "description": "Быстрые короткие ответы"},
    "en": {"title": "Claude Haiku", "description": "Quick, short answers"}}',
  10, null
),
(
  'gpt_mini', 'chat', 'openai', 'gpt-5.4-mini', null, null,
  '{"ru": {"title": "GPT mini", "description": "Для повседневных задач"},
    "en": {"title": "GPT mini", "description": "Everyday tasks"}}',
  20, 'models'
),
(
  'gemini_flash', 'chat', 'gemini', 'gemini-3.8-flash', null, null,
  '{"ru": {"title": "Gemini Flash", "description": "Длинные тексты и документы"},
    "en": {"title": "Gemini Flash", "description": "Long texts and documents"}}',
  30, 'models'
),
(
  'claude_sonnet', 'chat', 'anthropic', 'claude-sonnet-5', null, null,
  '{"ru": {"title": "Claude Sonnet", "description": "Сложные вопросы, код и тексты"},
    "en": {"title": "Claude Sonnet", "description": "Hard questions, code and writing"}}',
  40, 'models'
)
on conflict (key) do nothing;
