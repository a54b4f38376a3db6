//! Where `car serve` listens, and who is answered there.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use nix::sys::signal::Signal;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::{Project, Running, eventually};

/// What `stream` answers to a request of `path`.
fn get(mut stream: impl Read + Write, path: &str, more: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // A server that closes without a TLS goodbye has answered all the same.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The address after `Serving … on`.
fn address(server: &Running) -> String {
    eventually("the server says where it listens", || {
        let said = server.stdout();
        let line = said.lines().find(|line| line.starts_with("Serving"))?;
        line.split(" on ").nth(1).map(str::to_owned)
    })
}

#[test]
fn a_unix_socket_is_its_owners_and_commands_use_it() {
    let project = Project::new();
    let socket = project.path("car.sock");
    let path = socket.display().to_string();
    let server = project.start(&["serve", "--port", "0", "--socket", &path, "--base-path", "car/"]);
    address(&server);
    let mode = std::fs::metadata(&socket).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let ask =
        |path: &str, more: &str| get(UnixStream::connect(&socket).expect("listens"), path, more);
    assert!(ask("/car/health", "").contains("\"base_path\":\"/car\""));
    assert!(ask("/car/api/devices", "").starts_with("HTTP/1.1 401"), "being local is no login");
    let token = project.read("server-token");
    let token = format!("Authorization: Bearer {}\r\n", token.trim());
    assert!(ask("/car/api/devices", &token).starts_with("HTTP/1.1 200"));
    server.signal(Signal::SIGTERM);
    server.wait().exits(0);
}

#[test]
fn tls_is_spoken_with_the_given_certificate_also_off_loopback() {
    let project = Project::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    project.write("cert.pem", &made.cert.pem());
    project.write("key.pem", &made.signing_key.serialize_pem());
    let (cert, key) = (project.path("cert.pem"), project.path("key.pem"));
    let args = ["serve", "--host", "0.0.0.0", "--port", "0"];
    project.car(&args).exits(3);
    let files =
        ["--tls-cert", &cert.display().to_string(), "--tls-key", &key.display().to_string()];
    let server = project.start(&[&args[..], &files[..]].concat());
    let address = address(&server);
    let port = address.strip_prefix("https://127.0.0.1:").expect("an address on this machine");

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(made.cert.der().to_vec())).expect("a root");
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("listens");
    let page = get(StreamOwned::new(client, stream), "/login", "");
    assert!(page.contains("Log in to"), "{page}");
    let doctor = project.car(&["doctor", "--security"]);
    assert!(!doctor.stdout.contains("FAIL"), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("PASS  a session: accepted"), "{}", doctor.stdout);
    // Commands find it although the certificate is not for its address.
    project.car(&["sessions"]).exits(0);
    server.signal(Signal::SIGTERM);
    server.wait().exits(0);
}
