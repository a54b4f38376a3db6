//! The `fake-model` program.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::raw_http::send;

#[tokio::test]
async fn the_program_serves_until_its_input_ends_and_lists_the_violations() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fake-model"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let stdout = program.stdout.take().expect("its output is piped");
    let mut stderr = program.stderr.take().expect("its errors are piped");

    let session = async {
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url).await.expect("the first line");
        assert_eq!(send(url.trim_end(), "GET /v1/models", &[], "").await.0, 200);
        assert_eq!(send(url.trim_end(), "GET /v1/nothing", &[], "").await.0, 404);
        drop(program.stdin.take());
        program.wait().await.expect("its end").code()
    };
    let code = timeout(Duration::from_secs(60), session).await;
    if code.is_err() {
        program.kill().await.expect("the program can be killed");
    }
    let mut errors = String::new();
    stderr.read_to_string(&mut errors).await.expect("its errors");
    assert_eq!(code, Ok(Some(1)), "{errors}");
    assert_eq!(errors, "GET /v1/nothing: no such endpoint\n");
}
