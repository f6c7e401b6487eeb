-- Stores the e-mail address or phone number for a user's receipts where the bots look for it: in the session of each private
-- chat. Also changes it for the renewals that have not ended (public.change_receipt_contact).
--
-- p_contact: null deletes it; the receipts of running renewals keep theirs.
--
-- Concurrency: the last call counts.
-- Locks: user (KEY SHARE), sessions, then as public.change_receipt_contact.
-- Returns: jsonb
--   chats: int                 (private chats; 0: the user has none, and nothing is stored)
-- Errors: none.
create or replace function public.set_receipt_contact(p_user_id bigint, p_contact text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_chats integer;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  update public.bot_sessions as s
     set session_data = case
           when p_contact is null then s.session_data - 'receipt_contact'
           else s.session_data || jsonb_build_object('receipt_contact', p_contact)
         end,
         updated_at = private.clock()
    from public.users as u
   where u.id = p_user_id and s.user_id = u.id and s.chat_id = u.telegram_id;
  get diagnostics v_chats = row_count;
  if p_contact is not null then
    perform public.change_receipt_contact(p_user_id, p_contact);
  end if;
  return jsonb_build_object('chats', v_chats);
end
$$;

revoke all on function public.set_receipt_contact from public, anon, authenticated, service_role;
grant execute on function public.set_receipt_contact to bot_backend;
comment on function public.set_receipt_contact is 'Stores the contact for a user''s receipts';
