//! Long polls.

use std::time::Duration;

use serde_json::{Value, json};

use super::Shared;
use super::methods::Refusal;

/// Waits for updates as `getUpdates` does. A second poll ends the first with a conflict.
pub(super) async fn get_updates(shared: &Shared, params: &Value) -> Result<Value, Refusal> {
    let offset = params["offset"].as_i64().unwrap_or(0);
    let timeout = params["timeout"].as_u64().unwrap_or(0);
    let limit = params["limit"].as_u64().unwrap_or(100) as usize;
    let mut changes = shared.changed.subscribe();
    let poll = shared.change(|world| {
        world.poll += 1;
        if offset > 0 {
            // As Telegram: everything below is confirmed.
            let newest = world.updates.back().map_or(0, |(id, _)| *id);
            if offset <= newest + 1 {
                world.updates.retain(|(id, _)| *id >= offset);
            }
        }
        world.poll
    });
    let waiting = async {
        loop {
            changes.borrow_and_update();
            {
                let world = shared.world();
                if world.poll != poll {
                    return Err(Refusal::new(
                        409,
                        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                    ));
                }
                let fresh: Vec<Value> = world
                    .updates
                    .iter()
                    .filter(|(id, _)| *id >= offset)
                    .take(limit)
                    .map(|(_, update)| update.clone())
                    .collect();
                if !fresh.is_empty() {
                    return Ok(Value::Array(fresh));
                }
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    match tokio::time::timeout(Duration::from_secs(timeout), waiting).await {
        Ok(result) => result,
        Err(_) => Ok(json!([])),
    }
}
