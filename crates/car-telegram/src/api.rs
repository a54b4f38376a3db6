//! Telegram's Bot API as the bot uses it: a few calls, and errors sorted by what follows from them.
//!
//! What matters most about a failed call is whether it may have been done all the same: a lost answer is not a lost message.

use std::time::Duration;

use car_engine::{EngineError, ErrorKind, Redactor};
use reqwest::Client;
use teloxide_core::Bot;
use teloxide_core::net::Download;
use teloxide_core::payloads::{
    AnswerCallbackQuerySetters, EditMessageCaptionSetters, EditMessageTextSetters,
    GetMyCommandsSetters, GetUpdatesSetters, SendChatActionSetters, SendDocumentSetters,
    SendMessageSetters, SetMyCommandsSetters,
};
use teloxide_core::requests::{Request, Requester};
use teloxide_core::types::{
    AllowedUpdate, BotCommand, BotCommandScope, CallbackQueryId, ChatAction, ChatId, FileId,
    InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions, Me, Message,
    MessageId, ParseMode, ReplyParameters, ThreadId, Update,
};
use teloxide_core::{ApiError, RequestError};

use crate::payload::Button;
use crate::settings::Settings;

/// Time for one call that is no long poll.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);
/// What a long poll may take beyond its own timeout.
const POLL_SLACK: Duration = Duration::from_secs(15);
/// Characters of an error that are told.
const MAX_DETAIL: usize = 300;

/// Why a call failed, by what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Too much; after this time again.
    RetryAfter(Duration),
    /// The group has another id now.
    Migrated(i64),
    /// It may have been done or not.
    Uncertain(String),
    /// It certainly has not been done; it may work later.
    NotSent(String),
    /// It is so already.
    NotModified,
    /// There is no such message of ours.
    NoMessage,
    /// The chat cannot be written to any more.
    ChatGone(String),
    /// The topic cannot be written to any more.
    TopicGone(String),
    /// Telegram cannot read the markup.
    Markup(String),
    /// The text is too long.
    TooLong,
    /// Somebody else asks for this bot's updates.
    Conflict,
    /// The bot's updates go to an address somebody set.
    Webhook,
    /// The token is wrong.
    Token,
    /// It will never work.
    Refused(String),
}

impl Trouble {
    /// In words for people and logs; holds no secret.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::RetryAfter(after) => format!("Telegram wants a pause of {} s", after.as_secs()),
            Self::Migrated(to) => format!("the group is now {to}"),
            Self::Uncertain(why) | Self::NotSent(why) | Self::Refused(why) => why.clone(),
            Self::NotModified => "nothing would change".to_owned(),
            Self::NoMessage => "the message is gone".to_owned(),
            Self::ChatGone(why) | Self::TopicGone(why) | Self::Markup(why) => why.clone(),
            Self::TooLong => "the text is too long".to_owned(),
            Self::Conflict => "another program asks for this bot's updates".to_owned(),
            Self::Webhook => {
                "the bot's updates go to a webhook; Telegram's deleteWebhook ends that".to_owned()
            }
            Self::Token => "Telegram does not know the bot's token".to_owned(),
        }
    }
}

impl From<Trouble> for EngineError {
    fn from(trouble: Trouble) -> Self {
        let kind = match trouble {
            Trouble::Token => ErrorKind::Unauthenticated,
            Trouble::RetryAfter(_) => ErrorKind::RateLimited,
            Trouble::Uncertain(_) | Trouble::NotSent(_) => ErrorKind::Unavailable,
            _ => ErrorKind::Other,
        };
        let error = Self::new(kind, format!("Telegram: {}", trouble.words()));
        match trouble {
            Trouble::Token => error.with_hint("ask @BotFather for the token and set it anew"),
            _ => error,
        }
    }
}

/// The Bot API.
#[derive(Clone)]
pub(crate) struct Telegram {
    talk: Bot,
    poll: Bot,
    redactor: Redactor,
}

impl std::fmt::Debug for Telegram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telegram").finish_non_exhaustive()
    }
}

/// What is written, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    /// Telegram's HTML; `None` for plain text.
    pub(crate) html: Option<&'a str>,
    /// The same without markup.
    pub(crate) plain: &'a str,
    /// Buttons below, row by row.
    pub(crate) buttons: &'a [Vec<Button>],
}

impl Telegram {
    pub(crate) fn new(settings: &Settings, timeout: Option<Duration>) -> Result<Self, EngineError> {
        let client = |timeout: Duration| {
            Client::builder()
                .timeout(timeout)
                .connect_timeout(Duration::from_secs(10).min(timeout))
                // A redirect would carry the token to somebody else.
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .map_err(|error| {
                    EngineError::new(ErrorKind::Other, "cannot prepare to talk to Telegram")
                        .with_source(error)
                })
        };
        let bot = |timeout| {
            let bot = Bot::with_client(settings.token.reveal(), client(timeout)?);
            Ok::<_, EngineError>(bot.set_api_url(settings.api_url.clone()))
        };
        Ok(Self {
            talk: bot(timeout.unwrap_or(CALL_TIMEOUT))?,
            poll: bot(settings.poll_timeout() + POLL_SLACK)?,
            redactor: settings.redactor(),
        })
    }

    /// Who the bot is.
    pub(crate) async fn me(&self) -> Result<Me, Trouble> {
        self.sorted(self.talk.get_me().send().await)
    }

    /// Waits for updates.
    pub(crate) async fn updates(
        &self,
        offset: Option<i64>,
        timeout: Duration,
        kinds: &[AllowedUpdate],
    ) -> Result<Vec<Update>, Trouble> {
        let mut ask = self
            .poll
            .get_updates()
            .timeout(u32::try_from(timeout.as_secs()).unwrap_or(30))
            .allowed_updates(kinds.to_vec());
        ask.offset = offset.and_then(|offset| i32::try_from(offset).ok());
        self.sorted(ask.send().await)
    }

    /// Writes something new.
    pub(crate) async fn write(
        &self,
        chat: i64,
        topic: i64,
        text: Text<'_>,
        reply_to: Option<i64>,
        is_silent: bool,
    ) -> Result<i64, Trouble> {
        let mut ask = self.talk.send_message(ChatId(chat), text.html.unwrap_or(text.plain));
        if text.html.is_some() {
            ask = ask.parse_mode(ParseMode::Html);
        }
        if let Some(topic) = thread(topic) {
            ask = ask.message_thread_id(topic);
        }
        if let Some(reply) = reply_to.and_then(message_id) {
            ask = ask.reply_parameters(ReplyParameters::new(reply).allow_sending_without_reply());
        }
        if !text.buttons.is_empty() {
            ask = ask.reply_markup(keyboard(text.buttons));
        }
        if is_silent {
            ask = ask.disable_notification(true);
        }
        let ask = ask.link_preview_options(no_preview());
        self.sorted(ask.send().await).map(|message| i64::from(message.id.0))
    }

    /// Changes a message of ours.
    pub(crate) async fn rewrite(&self, chat: i64, id: i64, text: Text<'_>) -> Result<(), Trouble> {
        let id = message_id(id).ok_or(Trouble::NoMessage)?;
        let mut ask =
            self.talk.edit_message_text(ChatId(chat), id, text.html.unwrap_or(text.plain));
        if text.html.is_some() {
            ask = ask.parse_mode(ParseMode::Html);
        }
        if !text.buttons.is_empty() {
            ask = ask.reply_markup(keyboard(text.buttons));
        }
        let ask = ask.link_preview_options(no_preview());
        self.sorted(ask.send().await).map(|_: Message| ())
    }

    /// Changes what stands below a file of ours.
    pub(crate) async fn recaption(&self, chat: i64, id: i64, caption: &str) -> Result<(), Trouble> {
        let id = message_id(id).ok_or(Trouble::NoMessage)?;
        let ask = self.talk.edit_message_caption(ChatId(chat), id).caption(caption);
        self.sorted(ask.send().await).map(|_: Message| ())
    }

    /// Sends a file.
    pub(crate) async fn send_file(
        &self,
        chat: i64,
        topic: i64,
        name: &str,
        bytes: Vec<u8>,
        caption: &str,
        reply_to: Option<i64>,
    ) -> Result<i64, Trouble> {
        let file = InputFile::memory(bytes).file_name(name.to_owned());
        let mut ask = self.talk.send_document(ChatId(chat), file).caption(caption);
        if let Some(topic) = thread(topic) {
            ask = ask.message_thread_id(topic);
        }
        if let Some(reply) = reply_to.and_then(message_id) {
            ask = ask.reply_parameters(ReplyParameters::new(reply).allow_sending_without_reply());
        }
        self.sorted(ask.send().await).map(|message| i64::from(message.id.0))
    }

    /// Shows that the bot is at work.
    pub(crate) async fn typing(&self, chat: i64, topic: i64) -> Result<(), Trouble> {
        let mut ask = self.talk.send_chat_action(ChatId(chat), ChatAction::Typing);
        if let Some(topic) = thread(topic) {
            ask = ask.message_thread_id(topic);
        }
        self.sorted(ask.send().await).map(drop)
    }

    /// Ends the waiting of whoever pressed a button, perhaps with a word.
    pub(crate) async fn toast(&self, query: &str, text: Option<&str>) -> Result<(), Trouble> {
        let mut ask = self.talk.answer_callback_query(CallbackQueryId(query.to_owned()));
        if let Some(text) = text {
            // Telegram takes 200 characters.
            ask = ask.text(car_domain::text::headline(text, 190));
        }
        self.sorted(ask.send().await).map(drop)
    }

    /// The commands Telegram shows in a scope.
    pub(crate) async fn commands(
        &self,
        scope: BotCommandScope,
        language: &str,
    ) -> Result<Vec<BotCommand>, Trouble> {
        let mut ask = self.talk.get_my_commands().scope(scope);
        if !language.is_empty() {
            ask = ask.language_code(language);
        }
        self.sorted(ask.send().await)
    }

    /// Has Telegram show these commands in a scope.
    pub(crate) async fn set_commands(
        &self,
        scope: BotCommandScope,
        language: &str,
        commands: Vec<BotCommand>,
    ) -> Result<(), Trouble> {
        let mut ask = self.talk.set_my_commands(commands).scope(scope);
        if !language.is_empty() {
            ask = ask.language_code(language);
        }
        self.sorted(ask.send().await).map(drop)
    }

    /// Fetches a file people sent, at most `max` bytes; `None` when it is larger.
    pub(crate) async fn fetch(&self, file_id: &str, max: u64) -> Result<Option<Vec<u8>>, Trouble> {
        use futures::StreamExt;
        let file = self.sorted(self.talk.get_file(FileId(file_id.to_owned())).send().await)?;
        let mut stream = std::pin::pin!(self.talk.download_file_stream(&file.path));
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| self.network(&error))?;
            if bytes.len() as u64 + chunk.len() as u64 > max {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }

    fn sorted<T>(&self, result: Result<T, RequestError>) -> Result<T, Trouble> {
        result.map_err(|error| self.trouble(error))
    }

    fn trouble(&self, error: RequestError) -> Trouble {
        match error {
            RequestError::RetryAfter(seconds) => Trouble::RetryAfter(seconds.duration()),
            RequestError::MigrateToChatId(chat) => Trouble::Migrated(chat.0),
            RequestError::Network(error) => self.network(&error),
            RequestError::InvalidJson { .. } => {
                Trouble::Uncertain("Telegram answered something that is no JSON".to_owned())
            }
            RequestError::Io(error) => Trouble::Refused(self.clean(&error.to_string())),
            RequestError::Api(error) => self.refused(&error),
        }
    }

    fn refused(&self, error: &ApiError) -> Trouble {
        let said = match error {
            ApiError::Unknown(text) => text.clone(),
            other => other.to_string(),
        };
        let why = self.clean(&said);
        let has = |words: &[&str]| {
            let said = said.to_lowercase();
            words.iter().any(|word| said.contains(word))
        };
        match error {
            ApiError::MessageNotModified => Trouble::NotModified,
            ApiError::InvalidToken => Trouble::Token,
            ApiError::TerminatedByOtherGetUpdates => Trouble::Conflict,
            ApiError::CantGetUpdates => Trouble::Webhook,
            _ if has(&["webhook is active"]) => Trouble::Webhook,
            ApiError::CantParseEntities(_) => Trouble::Markup(why),
            ApiError::MessageIsTooLong | ApiError::EditedMessageIsTooLong => Trouble::TooLong,
            ApiError::MessageToEditNotFound
            | ApiError::MessageCantBeEdited
            | ApiError::MessageIdInvalid => Trouble::NoMessage,
            _ if has(&["there is no text in the message", "there is no caption"]) => {
                Trouble::NoMessage
            }
            _ if has(&["message is not modified"]) => Trouble::NotModified,
            _ if has(&[
                "thread not found",
                "topic_deleted",
                "topic_closed",
                "topic was deleted",
            ]) =>
            {
                Trouble::TopicGone(why)
            }
            _ if has(&[
                "bot was blocked",
                "bot was kicked",
                "user is deactivated",
                "chat not found",
                "group is deactivated",
                "can't initiate conversation",
                "not enough rights to send text",
                "need administrator rights",
                "not a member",
                "chat_write_forbidden",
            ]) =>
            {
                Trouble::ChatGone(why)
            }
            _ if has(&["internal server error", "bad gateway", "gateway timeout", "restart"]) => {
                Trouble::Uncertain(why)
            }
            _ => Trouble::Refused(why),
        }
    }

    fn network(&self, error: &reqwest::Error) -> Trouble {
        if let Some(status) = error.status() {
            let why = format!("Telegram answered {status}");
            return if status.is_server_error() {
                Trouble::Uncertain(why)
            } else {
                Trouble::Refused(why)
            };
        }
        if error.is_timeout() && !error.is_connect() {
            return Trouble::Uncertain("no answer in time".to_owned());
        }
        // The outermost text names the URL, which holds the token; the innermost the reason.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let why = self.clean(&cause.to_string());
        if error.is_connect() || error.is_builder() {
            return Trouble::NotSent(format!("Telegram cannot be reached: {why}"));
        }
        Trouble::Uncertain(format!("the connection to Telegram was lost: {why}"))
    }

    fn clean(&self, text: &str) -> String {
        car_domain::text::headline(&self.redactor.redact(text), MAX_DETAIL)
    }
}

fn thread(topic: i64) -> Option<ThreadId> {
    // 1 is the General topic, in which Telegram wants no number.
    (topic > 1).then(|| message_id(topic)).flatten().map(ThreadId)
}

fn message_id(id: i64) -> Option<MessageId> {
    i32::try_from(id).ok().map(MessageId)
}

fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

fn keyboard(rows: &[Vec<Button>]) -> InlineKeyboardMarkup {
    let button =
        |button: &Button| InlineKeyboardButton::callback(button.text.clone(), button.data.clone());
    InlineKeyboardMarkup::new(rows.iter().map(|row| row.iter().map(button).collect::<Vec<_>>()))
}
