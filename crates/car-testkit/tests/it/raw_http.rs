//! HTTP by hand, to say what no proper client would.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Sends one request and returns the status code and the body.
pub(crate) async fn send(
    base_url: &str,
    request_line: &str,
    headers: &[&str],
    body: &str,
) -> (u16, String) {
    let address = base_url.trim_start_matches("http://").trim_end_matches("/v1");
    let mut head = format!("{request_line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));

    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await.map(|_| response)
    };
    let response = timeout(Duration::from_secs(60), exchange).await.expect("an answer in time");
    let response = response.expect("an answer");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a status code");
    (status, body.to_owned())
}
