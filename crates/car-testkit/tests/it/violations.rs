//! Requests the server must not put up with.

use car_testkit::model::{FakeModel, Turn};
use serde_json::{Value, json};

use crate::raw_http::send;

const ASK: &str = "POST /v1/responses";
const HEADERS: [&str; 2] = ["accept: text/event-stream", "thread-id: thread-1"];

fn body(input: &Value) -> String {
    let turn = json!({"turn_id": "turn-1"});
    json!({"model": "m", "stream": true, "client_metadata": turn, "input": input}).to_string()
}

fn question() -> Value {
    let content = json!([{"type": "input_text", "text": "hello"}]);
    json!({"type": "message", "role": "user", "content": content})
}

fn output(call_id: &str) -> Value {
    json!({"type": "function_call_output", "call_id": call_id, "output": "ok"})
}

#[tokio::test]
async fn a_malformed_request_is_refused_with_all_its_faults() {
    let model = FakeModel::start(vec![Turn::new().message("never said")]).await;
    let (status, text) = send(model.base_url(), ASK, &[], r#"{"stream":false,"input":{}}"#).await;

    assert_eq!(status, 400);
    assert!(text.contains("`stream` is not true; `input` is not an array"), "{text}");
    assert_eq!(model.requests(), []);
    assert_eq!(
        model.finish(),
        [
            "POST /v1/responses: the header `thread-id` is missing",
            "POST /v1/responses: `client_metadata.turn_id` is not a string",
            "POST /v1/responses: `model` is not a string",
            "POST /v1/responses: the header `accept` is not text/event-stream",
            "POST /v1/responses: `stream` is not true",
            "POST /v1/responses: `input` is not an array",
        ]
    );
}

#[tokio::test]
async fn a_body_that_is_not_json_is_a_violation() {
    let model = FakeModel::start(Vec::<Turn>::new()).await;
    assert_eq!(send(model.base_url(), ASK, &HEADERS, "hello").await.0, 400);
    assert_eq!(
        model.finish(),
        ["POST /v1/responses: the body is not JSON: expected value at line 1 column 1"]
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_are_violations_and_the_model_list_is_not() {
    let model = FakeModel::start(Vec::<Turn>::new()).await;
    let url = model.base_url();
    let (status, list) = send(url, "GET /v1/models?client_version=1", &[], "").await;
    assert_eq!((status, list.as_str()), (200, r#"{"object":"list","data":[]}"#));
    assert_eq!(send(url, "GET /v1/responses", &[], "").await.0, 404);
    assert_eq!(send(url, "POST /v1/chat/completions?a=b", &[], "{}").await.0, 404);
    assert_eq!(
        model.finish(),
        ["GET /v1/responses: no such endpoint", "POST /v1/chat/completions: no such endpoint"]
    );
}

#[tokio::test]
async fn a_tool_output_must_belong_to_the_call_that_was_made() {
    let turn = Turn::new().shell("true").message("done");
    let model = FakeModel::start(vec![turn]).await;
    let url = model.base_url();
    assert_eq!(send(url, ASK, &HEADERS, &body(&json!([question()]))).await.0, 200);
    let made_up = body(&json!([question(), output("call_9")]));
    assert_eq!(send(url, ASK, &HEADERS, &made_up).await.0, 400);
    assert_eq!(send(url, ASK, &HEADERS, &body(&json!([question()]))).await.0, 400);
    let answered = body(&json!([question(), output("call_1")]));
    assert_eq!(send(url, ASK, &HEADERS, &answered).await.0, 200);
    assert_eq!(
        model.finish(),
        [
            "POST /v1/responses: the tool call \"call_9\" was never made",
            "POST /v1/responses: the tool call \"call_1\" was not answered",
        ]
    );
}

#[tokio::test]
async fn a_request_beyond_the_script_is_a_violation() {
    let model = FakeModel::start(vec![Turn::new().message("hi")]).await;
    let url = model.base_url();
    let asked = body(&json!([question()]));
    assert_eq!(send(url, ASK, &HEADERS, &asked).await.0, 200);
    assert_eq!(send(url, ASK, &HEADERS, &asked).await.0, 400);
    let next_turn = asked.replace("turn-1", "turn-2");
    assert_eq!(send(url, ASK, &HEADERS, &next_turn).await.0, 400);
    assert_eq!(
        model.finish(),
        [
            "POST /v1/responses: no reply is left in the turn of \"hello\"",
            "POST /v1/responses: the script has no turn left for \"hello\"",
        ]
    );
}

#[tokio::test]
async fn a_stopped_server_is_gone_even_while_an_answer_hangs() {
    let model = FakeModel::start(vec![Turn::new().hang()]).await;
    let url = model.base_url().to_owned();
    let asked = tokio::spawn({
        let url = url.clone();
        async move { send(&url, ASK, &HEADERS, &body(&json!([question()]))).await }
    });
    model.until_requests(1).await;
    drop(model);

    // The stream just ends; what matters is that it ends, and that nobody listens any more.
    let _ = asked.await;
    let address = url.trim_start_matches("http://").trim_end_matches("/v1");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
