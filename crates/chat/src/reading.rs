//! Reading the messages of a conversation.

use ids::{ConversationId, MessageId};

use crate::{
    Chat,
    budget::{Hold, PAGE_BYTES, fitting},
    error::ChatError,
    message::{
        Message,
        repo::{self, Listed, Span},
    },
    viewer::Viewer,
};

/// Messages of a conversation in their order.
#[derive(Debug)]
pub struct MessagePage {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// True where there are more after these.
    pub has_more: bool,
    /// To be kept for as long as the messages are, in whatever form.
    pub hold: Hold,
}

impl Chat {
    /// A page of a conversation: its messages after position `after`, at most `rows` of them, and so many that they say at most
    /// 512 KiB together; but one at least, if there is one.
    pub async fn messages(
        &self,
        viewer: &Viewer,
        conversation: ConversationId,
        after: i64,
        rows: i64,
    ) -> Result<MessagePage, ChatError> {
        let asked = rows.max(1).saturating_add(1);
        let whole_bytes = PAGE_BYTES / usize::try_from(asked).unwrap_or(usize::MAX);
        let span = Span { after, rows: asked, whole_bytes };
        let mut listed = self.list(viewer, conversation, span).await?;
        if self.give_up_abandoned(viewer, &listed).await {
            // They are longer now.
            listed = self.list(viewer, conversation, span).await?;
        }
        let count = fitting(listed.iter().map(|listed| listed.bytes), PAGE_BYTES).min(listed.len());
        let count = count.min(usize::try_from(rows.max(1)).unwrap_or(usize::MAX));
        let has_more = listed.len() > count;
        listed.truncate(count);
        let held: usize = listed.iter().map(|listed| listed.bytes).sum();
        let hold = self.long_messages.admit(held.saturating_sub(PAGE_BYTES), &*self.host.clock).await?;
        let mut messages = Vec::with_capacity(count);
        for Listed { mut message, is_long, .. } in listed {
            if is_long {
                let content = repo::content(&*self.host.sql, viewer.workspace, message.id).await?;
                // It was deleted meanwhile.
                let Some(content) = content else { continue };
                message.content = content;
            }
            // Whatever kept its end from being stored keeps nobody from reading the others.
            messages.push(if message.is_abandoned { message.as_interrupted() } else { message });
        }
        Ok(MessagePage { messages, has_more, hold })
    }

    async fn list(&self, viewer: &Viewer, conversation: ConversationId, span: Span) -> Result<Vec<Listed>, ChatError> {
        let listed = repo::list(&*self.host.sql, viewer, conversation, span, self.host.now()).await?;
        if listed.is_empty() {
            self.conversation(viewer, conversation).await?;
        }
        Ok(listed)
    }

    /// Ends those answers among `listed` that nobody writes any more; false where there is none.
    async fn give_up_abandoned(&self, viewer: &Viewer, listed: &[Listed]) -> bool {
        let mut any = false;
        for Listed { message, .. } in listed.iter().filter(|listed| listed.message.is_abandoned) {
            self.give_up(viewer, message).await;
            any = true;
        }
        any
    }

    /// One message of a conversation that `viewer` may know of, its lease checked.
    pub(crate) async fn message(
        &self,
        viewer: &Viewer,
        conversation: ConversationId,
        id: MessageId,
    ) -> Result<Message, ChatError> {
        let found = repo::find(&*self.host.sql, viewer, conversation, id).await?;
        let message = found.ok_or(ChatError::ConversationNotFound)?.ok_or(ChatError::MessageNotFound)?;
        Ok(if message.is_abandoned { self.give_up(viewer, &message).await } else { message })
    }
}
