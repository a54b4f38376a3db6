//! Who may use the server, and what they did.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A browser that is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its id, which is no secret.
    pub id: String,
    /// A name for people, such as `Firefox on Android`.
    pub name: String,
    /// When it logged in.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// The address it was last used from.
    pub address: Option<String>,
}

/// One line of the record of who did what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Name of the device, `token`, `command line`, or `nobody` for a refused attempt.
    pub who: String,
    /// The address it came from.
    pub address: Option<String>,
    /// What, as a word: `login`, `login refused`, `request`, `revoke`, `pair`.
    pub action: String,
    /// More about it, such as method and path.
    pub detail: String,
}

/// A browser's name from what it says about itself: good enough to tell two devices apart.
pub fn device_name(user_agent: &str) -> String {
    let first = |words: &[(&str, &'static str)]| {
        words.iter().find(|(word, _)| user_agent.contains(word)).map(|(_, name)| *name)
    };
    // The order matters: most browsers claim to be several.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "Mac"),
        ("Windows", "Windows"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("Browser on {system}"),
        (None, None) => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_by_browser_and_system() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Mobile Safari/604",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0",
                "Firefox on Android",
            ),
            ("curl/8.0", "Unknown device"),
        ] {
            assert_eq!(device_name(agent), name);
        }
    }
}
