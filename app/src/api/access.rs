//! Who may use the server, and what they did.

use car_domain::access::{AuditEntry, Device};
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::AppError;

/// Lines of the record a page shows.
#[cfg(feature = "ssr")]
const MAX_AUDIT: u32 = 200;

/// What the settings say about access.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessView {
    /// Browsers that are logged in, the one used last first.
    pub devices: Vec<Device>,
    /// Id of the one that asks.
    pub own: Option<String>,
    /// Who did what, newest first.
    pub audit: Vec<AuditEntry>,
    /// Whether the server asks nobody to log in.
    pub is_open: bool,
}

/// Who makes the request a page is answered to. The server puts it among the request's extensions.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// Id of the device; none for a script.
    pub device: Option<String>,
    /// Name in the record.
    pub name: String,
}

/// Lists the devices that are logged in and the newest lines of the record.
#[server(endpoint = "access", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_access() -> Result<AccessView, AppError> {
    let Some(access) = access() else {
        return Ok(AccessView { is_open: true, ..AccessView::default() });
    };
    let failed = super::read::failed_read;
    Ok(AccessView {
        devices: access.devices().await.map_err(failed)?,
        own: visitor().device,
        audit: access.audit(MAX_AUDIT).await.map_err(failed)?,
        is_open: false,
    })
}

/// Logs a device out.
#[server(name = RevokeDevice, endpoint = "revoke_device", prefix = "/rpc")]
pub(crate) async fn revoke_device(id: String) -> Result<(), AppError> {
    let Some(access) = access() else { return Ok(()) };
    let peer = car_engine::access::Peer::default();
    Ok(access.revoke(&id, &visitor().name, &peer).await?)
}

#[cfg(feature = "ssr")]
fn access() -> Option<std::sync::Arc<car_engine::access::Access>> {
    use_context()
}

#[cfg(feature = "ssr")]
pub(super) fn visitor() -> Visitor {
    let parts = use_context::<leptos::server_fn::http_export::request::Parts>();
    parts.and_then(|parts| parts.extensions.get::<Visitor>().cloned()).unwrap_or_default()
}
