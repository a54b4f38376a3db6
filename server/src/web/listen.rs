//! Where connections come from: TCP, TCP with TLS, a Unix socket.
//!
//! Who may connect is decided elsewhere; a connection only knows its address and whether it is encrypted.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// Handshakes at the same time. Whoever opens connections and says nothing holds one place until [`HANDSHAKE`] is over.
const MAX_HANDSHAKES: usize = 256;
/// How long a client may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Pause after the system refused a connection, mostly because too many are open.
const BREATH: Duration = Duration::from_millis(100);

/// What is known of the connection a request came over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Connection {
    /// Address of the other end; none for a Unix socket.
    pub(super) address: Option<SocketAddr>,
    /// Whether it is encrypted by us.
    pub(super) is_tls: bool,
}

impl Connected<IncomingStream<'_, PlainListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, PlainListener>) -> Self {
        Self { address: Some(*stream.remote_addr()), is_tls: false }
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self { address: Some(*stream.remote_addr()), is_tls: true }
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Connection {
    fn connect_info(_: IncomingStream<'_, UnixListener>) -> Self {
        Self::default()
    }
}

/// Accepts connections as they are.
pub(super) struct PlainListener(pub(super) TcpListener);

impl Listener for PlainListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        send_at_once(&stream);
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Small messages, such as the echo of a key, do not wait for others.
fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection may be slower than it could be");
    }
}

/// A certificate and its key.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl Tls {
    /// Reads a chain of certificates and the key of the first one, both PEM.
    ///
    /// # Errors
    /// When a file cannot be read, holds nothing of the kind, or the two do not belong together.
    pub(crate) fn read(certificates: &Path, key: &Path) -> anyhow::Result<Self> {
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("cannot read certificates from {}", certificates.display()))?;
        if chain.is_empty() {
            bail!("there is no certificate in {}", certificates.display());
        }
        let key = PrivateKeyDer::from_pem_file(key)
            .with_context(|| format!("cannot read a private key from {}", key.display()))?;
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("the certificate and the key do not belong together")?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

/// Accepts encrypted connections. A slow handshake holds up nobody else.
pub(super) struct TlsListener {
    listener: TcpListener,
    tls: Tls,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    pub(super) fn new(listener: TcpListener, tls: Tls) -> Self {
        Self { listener, tls, handshakes: JoinSet::new() }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let has_place = self.handshakes.len() < MAX_HANDSHAKES;
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
                accepted = self.listener.accept(), if has_place => match accepted {
                    Ok((stream, address)) => {
                        send_at_once(&stream);
                        let acceptor = self.tls.0.clone();
                        self.handshakes.spawn(async move {
                            let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
                            // Browsers break off handshakes all the time; there is nothing to tell.
                            shaken.await.ok()?.ok().map(|stream| (stream, address))
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        tokio::time::sleep(BREATH).await;
                    }
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Listens at `path`, for its owner only. A socket that a dead server left is replaced; one that answers is not.
///
/// # Errors
/// When another server answers there, or the socket cannot be made.
pub(crate) fn unix_socket(path: &Path) -> anyhow::Result<UnixListener> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            bail!("{} is there already and is no socket", path.display())
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            bail!("another server listens at {}", path.display())
        }
        Ok(_) => std::fs::remove_file(path)
            .with_context(|| format!("cannot remove the old socket {}", path.display()))?,
        Err(_) => {}
    }
    // Made under another name and with its final mode, so that nobody else can connect in between.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let private = tempfile::Builder::new()
        .prefix(".car-")
        .tempdir_in(dir)
        .with_context(|| format!("cannot make a socket in {}", dir.display()))?;
    let new = private.path().join("s");
    let listener =
        UnixListener::bind(&new).with_context(|| format!("cannot listen at {}", path.display()))?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))
        .and_then(|()| std::fs::rename(&new, path))
        .with_context(|| format!("cannot listen at {}", path.display()))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_private_replaces_a_dead_one_and_leaves_a_living_one_and_files_alone() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("car.sock");
        let living = unix_socket(&path).expect("listens");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(unix_socket(&path).is_err(), "it answers");
        drop(living);
        unix_socket(&path).expect("the dead one is replaced");
        let file = dir.path().join("file");
        std::fs::write(&file, "text").expect("written");
        assert!(unix_socket(&file).is_err());
        assert_eq!(std::fs::read_to_string(&file).expect("still there"), "text");
    }
}
