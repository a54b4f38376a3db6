//! A client of `/api/terminal`.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::http::Served;

/// Longer than anything takes on the most loaded machine.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// A client that keeps what it is told, and acknowledges what it gets.
pub(crate) struct Socket {
    ws: WebSocketStream<TcpStream>,
    is_v2: bool,
    /// Whether what comes is acknowledged.
    pub(crate) acknowledges: bool,
    /// Offset behind the last byte.
    pub(crate) at: u64,
    pub(crate) output: Vec<u8>,
    /// Messages in text nobody has asked for yet.
    pub(crate) frames: Vec<Value>,
    /// Code of the close, once there was one.
    pub(crate) closed: Option<u16>,
}

impl Socket {
    /// Opens `/api/terminal?query`.
    pub(crate) async fn open(server: &Served, query: &str) -> Self {
        let headers = [("authorization", format!("Bearer {}", server.token()))];
        Self::with(server, query, &headers).await.expect("the socket opens")
    }

    /// The same with other headers; the status when it is refused.
    pub(crate) async fn with(
        server: &Served,
        query: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Self, u16> {
        let address = server.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let url = format!("ws://{address}/api/terminal?{query}");
        let mut request = url.into_client_request().expect("an address");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        let stream = TcpStream::connect(&address).await.expect("it listens");
        let is_v2 = query.contains("v=2");
        let from = query.split('&').find_map(|pair| pair.strip_prefix("from="));
        let at = from.map_or(0, |from| from.parse().expect("an offset"));
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((ws, _)) => Ok(Self {
                ws,
                is_v2,
                acknowledges: true,
                at,
                output: Vec::new(),
                frames: Vec::new(),
                closed: None,
            }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// Waits for the next message; `false` when there will be none.
    pub(crate) async fn step(&mut self) -> bool {
        match timeout(LONG, self.ws.next()).await.expect("in time") {
            Some(Ok(Message::Binary(bytes))) => self.binary(&bytes).await,
            Some(Ok(Message::Text(text))) => {
                self.frames.push(serde_json::from_str(&text).expect("JSON"));
            }
            Some(Ok(Message::Close(frame))) => {
                self.closed = frame.map(|frame| frame.code.into());
                return false;
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return false,
        }
        true
    }

    async fn binary(&mut self, bytes: &[u8]) {
        if !self.is_v2 {
            self.output.extend_from_slice(bytes);
            return;
        }
        let (offset, bytes) = bytes.split_at(8);
        let offset = u64::from_be_bytes(offset.try_into().expect("eight bytes"));
        let is_snapshot = self.frames.last().is_some_and(|frame| frame["type"] == "snapshot");
        if is_snapshot {
            self.frames.last_mut().expect("there")["type"] = json!("shown");
            self.output = bytes.to_vec();
            self.at = offset;
            return;
        }
        assert_eq!(offset, self.at, "bytes come in order, each once");
        self.at += bytes.len() as u64;
        self.output.extend_from_slice(bytes);
        if self.acknowledges {
            // The server may be gone by now.
            let ack = json!({"type": "ack", "offset": self.at});
            let _ = self.ws.send(Message::text(ack.to_string())).await;
        }
    }

    /// Waits for a message of this type and takes it.
    pub(crate) async fn frame(&mut self, kind: &str) -> Value {
        loop {
            if let Some(at) = self.frames.iter().position(|frame| frame["type"] == kind) {
                return self.frames.remove(at);
            }
            assert!(self.step().await, "closed before {kind}: {:?}", self.frames);
        }
    }

    /// Waits until this was written.
    pub(crate) async fn until(&mut self, what: &str) {
        while !self.text().contains(what) {
            assert!(self.step().await, "closed before {what:?}: {}", self.text());
        }
    }

    /// Waits for the close, and tells its code.
    pub(crate) async fn until_closed(&mut self) -> u16 {
        while self.step().await {}
        self.closed.unwrap_or_default()
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.ws.send(Message::text(frame.to_string())).await.expect("sent");
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.ws.send(Message::text(text.to_owned())).await.expect("sent");
    }

    pub(crate) async fn keys(&mut self, keys: &str) {
        self.ws.send(Message::binary(keys.as_bytes().to_vec())).await.expect("sent");
    }

    /// Sends input and waits for what became of it.
    pub(crate) async fn input(&mut self, id: &str, data: &str) -> Value {
        self.send(json!({"type": "input", "id": id, "data": data})).await;
        self.frame("ack").await
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}
