//! The methods of the Bot API that the bot uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::people::{bot_json, json_of};
use super::updates::get_updates;
use super::world::{Fault, Message, Place, World};
use super::{BOT_ID, Shared, TOKEN, html};

/// Larger bodies are refused.
const MAX_BODY: usize = 64 << 20;
/// Units of UTF-16 a text may have, and a caption.
const MAX_TEXT: usize = 4096;
const MAX_CAPTION: usize = 1024;

/// A request that is refused.
pub(super) struct Refusal {
    status: u16,
    text: String,
    parameters: Value,
}

impl Refusal {
    pub(super) fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), parameters: Value::Null }
    }

    fn bad(text: impl AsRef<str>) -> Self {
        Self::new(400, format!("Bad Request: {}", text.as_ref()))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "ok": false, "error_code": self.status, "description": self.text });
        if !self.parameters.is_null() {
            body["parameters"] = self.parameters;
        }
        let status = StatusCode::from_u16(self.status).expect("an HTTP status");
        (status, Json(body)).into_response()
    }
}

/// The file of a multipart request: its field, its name, its content.
type Attachment = Option<(String, String, Vec<u8>)>;

pub(super) async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(file) = path.strip_prefix(&format!("/file/bot{TOKEN}/")) {
        // The slash may be spelled out.
        let id = file.replace("%2F", "/").trim_start_matches("files/").to_owned();
        return match shared.world().files.get(&id) {
            Some(bytes) => bytes.clone().into_response(),
            None => Refusal::new(404, "Not Found").into_response(),
        };
    }
    let Some(method) = path.strip_prefix(&format!("/bot{TOKEN}/")) else {
        shared.change(|world| world.violations.push("another token or path".to_owned()));
        return Refusal::new(401, "Unauthorized").into_response();
    };
    let method = method.to_lowercase();
    let (params, file) = match read(request).await {
        Ok(read) => read,
        Err(violation) => {
            shared.change(|world| world.violations.push(format!("{method}: {violation}")));
            return Refusal::bad(violation).into_response();
        }
    };
    let fault = shared.change(|world| {
        *world.requests.entry(method.clone()).or_default() += 1;
        world.next_fault(&method)
    });
    match fault {
        Some(Fault::TooMany(after)) => {
            let mut refusal = Refusal::new(429, format!("Too Many Requests: retry after {after}"));
            refusal.parameters = json!({ "retry_after": after });
            return refusal.into_response();
        }
        Some(Fault::Refuse(status, text)) => return Refusal::new(status, text).into_response(),
        Some(Fault::CutBefore) => cut(),
        Some(Fault::CutAfter) | None => {}
    }
    let answer = if method == "getupdates" {
        get_updates(&shared, &params).await
    } else {
        let answered = shared.change(|world| answer(world, &method, &params, file));
        match answered {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(refusal)) => Err(refusal),
            Err(violation) => {
                shared.change(|world| world.violations.push(format!("{method}: {violation}")));
                Err(Refusal::bad(violation))
            }
        }
    };
    if fault == Some(Fault::CutAfter) {
        cut();
    }
    match answer {
        Ok(result) => Json(json!({ "ok": true, "result": result })).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// The connection's task panics, and the connection ends without an answer.
fn cut() -> ! {
    std::panic::resume_unwind(Box::new("cut by the test"))
}

async fn read(request: Request) -> Result<(Value, Attachment), String> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        let body = axum::body::to_bytes(request.into_body(), MAX_BODY).await;
        let body: Bytes = body.map_err(|error| error.to_string())?;
        if body.is_empty() {
            return Ok((json!({}), None));
        }
        let json = serde_json::from_slice(&body).map_err(|error| format!("no JSON: {error}"))?;
        return Ok((json, None));
    }
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|error| error.to_string())?;
    let (mut fields, mut file) = (BTreeMap::new(), None);
    while let Some(field) = form.next_field().await.map_err(|error| error.to_string())? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|error| error.to_string())?;
        match file_name {
            Some(file_name) => file = Some((name, file_name, bytes.to_vec())),
            None => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                // Numbers and objects come as JSON in text.
                let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
                fields.insert(name, value);
            }
        }
    }
    Ok((json!(fields), file))
}

type Answered = Result<Result<Value, Refusal>, String>;

fn answer(world: &mut World, method: &str, params: &Value, file: Attachment) -> Answered {
    let refused = |refusal: Refusal| Ok(Err(refusal));
    match method {
        "getme" => {
            let mut me = bot_json();
            me["can_join_groups"] = true.into();
            me["can_read_all_group_messages"] = false.into();
            me["supports_inline_queries"] = false.into();
            me["has_main_web_app"] = false.into();
            me["can_connect_to_business"] = false.into();
            Ok(Ok(me))
        }
        "sendmessage" => match sent(world, params, None, MAX_TEXT)? {
            Ok(message) => Ok(Ok(message)),
            Err(refusal) => refused(refusal),
        },
        "senddocument" => {
            let Some((_, name, bytes)) = file else { return Err("no document".to_owned()) };
            if bytes.is_empty() {
                return refused(Refusal::bad("file must be non-empty"));
            }
            match sent(world, params, Some((name, bytes)), MAX_CAPTION)? {
                Ok(message) => Ok(Ok(message)),
                Err(refusal) => refused(refusal),
            }
        }
        "editmessagetext" => Ok(edited(world, params, "text")?),
        "editmessagecaption" => Ok(edited(world, params, "caption")?),
        "editmessagereplymarkup" => Ok(edited(world, params, "")?),
        "deletemessage" => {
            let key = (integer(params, "chat_id")?, integer(params, "message_id")?);
            match world.messages.remove(&key) {
                Some(message) if message.is_bots() => Ok(Ok(true.into())),
                Some(message) => {
                    world.messages.insert(key, message);
                    refused(Refusal::bad("message can't be deleted"))
                }
                None => refused(Refusal::bad("message to delete not found")),
            }
        }
        "answercallbackquery" => {
            let id = params["callback_query_id"].as_str().unwrap_or_default();
            if !world.open_callbacks.remove(id) {
                return refused(Refusal::bad(
                    "query is too old and response timeout expired or query ID is invalid",
                ));
            }
            if let Some(text) = params["text"].as_str() {
                if text.chars().count() > 200 {
                    return Err("a toast of more than 200 characters".to_owned());
                }
                world.toasts.push(text.to_owned());
            }
            Ok(Ok(true.into()))
        }
        "sendchataction" => {
            let place = place_of(params)?;
            if let Some(refusal) = closed(world, place) {
                return refused(refusal);
            }
            world.n_actions += 1;
            Ok(Ok(true.into()))
        }
        "setmycommands" => {
            for command in params["commands"].as_array().ok_or("no commands")? {
                let name = command["command"].as_str().unwrap_or_default();
                let is_right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                if name.is_empty() || name.len() > 32 || !name.chars().all(is_right) {
                    return Err(format!("the command name {name:?}"));
                }
                let about = command["description"].as_str().unwrap_or_default();
                if about.is_empty() || about.chars().count() > 256 {
                    return Err(format!("the description of {name}"));
                }
            }
            world.commands.insert(scope_of(params), params["commands"].clone());
            Ok(Ok(true.into()))
        }
        "getmycommands" => {
            Ok(Ok(world.commands.get(&scope_of(params)).cloned().unwrap_or(json!([]))))
        }
        "getfile" => {
            let id = params["file_id"].as_str().unwrap_or_default();
            match world.files.get(id) {
                Some(bytes) => Ok(Ok(json!({ "file_id": id, "file_unique_id": format!("u{id}"),
                    "file_size": bytes.len(), "file_path": format!("files/{id}") }))),
                None => refused(Refusal::bad("invalid file_id")),
            }
        }
        _ => Err("no such method".to_owned()),
    }
}

fn scope_of(params: &Value) -> String {
    let kind = params["scope"]["type"].as_str().unwrap_or("default");
    format!("{kind}/{}", params["language_code"].as_str().unwrap_or_default())
}

fn integer(params: &Value, key: &str) -> Result<i64, String> {
    params[key].as_i64().ok_or_else(|| format!("{key} is no number"))
}

fn place_of(params: &Value) -> Result<Place, String> {
    let topic = params.get("message_thread_id").and_then(Value::as_i64).unwrap_or(0);
    Ok(Place { chat: integer(params, "chat_id")?, topic })
}

/// Why nothing can be sent to a place.
fn closed(world: &World, place: Place) -> Option<Refusal> {
    let Some(chat) = world.chats.get(&place.chat) else {
        return Some(Refusal::bad("chat not found"));
    };
    if let Some(to) = chat.migrated_to {
        let mut refusal = Refusal::bad("group chat was upgraded to a supergroup chat");
        refusal.parameters = json!({ "migrate_to_chat_id": to });
        return Some(refusal);
    }
    if chat.is_blocked {
        return Some(match chat.kind {
            "private" => Refusal::new(403, "Forbidden: bot was blocked by the user"),
            _ => Refusal::new(403, "Forbidden: bot was kicked from the supergroup chat"),
        });
    }
    let is_known =
        place.topic == 0 || chat.topics.as_ref().is_some_and(|all| all.contains(&place.topic));
    (!is_known).then(|| Refusal::bad("message thread not found"))
}

/// The text a person sees, checked as Telegram does.
fn text_of(params: &Value, key: &str, max: usize) -> Result<Result<String, Refusal>, String> {
    let source = params[key].as_str().unwrap_or_default();
    let text = match params["parse_mode"].as_str() {
        None => source.to_owned(),
        Some("HTML") => match html::plain(source) {
            Ok((text, n_entities)) if n_entities <= 100 => text,
            Ok(_) => {
                return Err("more than 100 entities, which Telegram would leave out".to_owned());
            }
            Err(error) => return Ok(Err(Refusal::bad(error))),
        },
        Some(other) => return Err(format!("the parse mode {other}")),
    };
    if text.trim().is_empty() && key == "text" {
        return Ok(Err(Refusal::bad("message text is empty")));
    }
    if text.encode_utf16().count() > max {
        return Ok(Err(Refusal::bad("message is too long")));
    }
    Ok(Ok(text))
}

fn buttons_of(params: &Value) -> Result<Vec<Vec<(String, String)>>, String> {
    let mut rows = Vec::new();
    for row in params["reply_markup"]["inline_keyboard"].as_array().into_iter().flatten() {
        let mut buttons = Vec::new();
        for button in row.as_array().into_iter().flatten() {
            let text = button["text"].as_str().unwrap_or_default();
            let data = button["callback_data"].as_str().unwrap_or_default();
            if text.is_empty() || data.is_empty() || data.len() > 64 {
                return Err(format!("the button {button}"));
            }
            buttons.push((text.to_owned(), data.to_owned()));
        }
        rows.push(buttons);
    }
    Ok(rows)
}

fn sent(
    world: &mut World,
    params: &Value,
    document: Option<(String, Vec<u8>)>,
    max: usize,
) -> Result<Result<Value, Refusal>, String> {
    let place = place_of(params)?;
    if let Some(refusal) = closed(world, place) {
        return Ok(Err(refusal));
    }
    let key = if document.is_some() { "caption" } else { "text" };
    let text = match text_of(params, key, max)? {
        Ok(text) => text,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let reply = &params["reply_parameters"];
    let reply_to = reply["message_id"].as_i64();
    if let Some(to) = reply_to
        && !world.messages.contains_key(&(place.chat, to))
        && reply["allow_sending_without_reply"] != true
    {
        return Ok(Err(Refusal::bad("message to be replied not found")));
    }
    let id = world.next_id(place.chat);
    let message = Message {
        place,
        id,
        from: BOT_ID,
        text,
        source: params[key].as_str().unwrap_or_default().to_owned(),
        buttons: buttons_of(params)?,
        document,
        reply_to,
        n_edits: 0,
        is_silent: params["disable_notification"] == true,
    };
    let json = json_of(world, &message);
    world.messages.insert((place.chat, id), message);
    Ok(Ok(json))
}

fn edited(world: &mut World, params: &Value, key: &str) -> Result<Result<Value, Refusal>, String> {
    let at = (integer(params, "chat_id")?, integer(params, "message_id")?);
    if let Some(refusal) = closed(world, Place { chat: at.0, topic: 0 }) {
        return Ok(Err(refusal));
    }
    let Some(message) = world.messages.get(&at) else {
        return Ok(Err(Refusal::bad("message to edit not found")));
    };
    if !message.is_bots() {
        return Ok(Err(Refusal::bad("message can't be edited")));
    }
    let is_right_kind = match key {
        "text" => message.document.is_none(),
        "caption" => message.document.is_some(),
        _ => true,
    };
    if !is_right_kind {
        return Ok(Err(Refusal::bad("there is no text in the message to edit")));
    }
    let (mut text, mut source) = (message.text.clone(), message.source.clone());
    if !key.is_empty() {
        let max = if key == "text" { MAX_TEXT } else { MAX_CAPTION };
        text = match text_of(params, key, max)? {
            Ok(text) => text,
            Err(refusal) => return Ok(Err(refusal)),
        };
        source = params[key].as_str().unwrap_or_default().to_owned();
    }
    let buttons = buttons_of(params)?;
    if message.text == text && message.buttons == buttons && message.source == source {
        return Ok(Err(Refusal::bad(
            "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
        )));
    }
    let mut message = message.clone();
    message.text = text;
    message.source = source;
    message.buttons = buttons;
    message.n_edits += 1;
    let json = json_of(world, &message);
    world.messages.insert(at, message);
    Ok(Ok(json))
}
