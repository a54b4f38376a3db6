//! Devices that are logged in, pairing codes, and the record of who did what.

use std::path::Path;

use car_domain::Timestamp;
use car_domain::access::{AuditEntry, Device};
use sqlx::sqlite::SqlitePool;

use crate::StoreError;
use crate::open::open;

/// Lines of the record that are kept.
const MAX_AUDIT: i64 = 10_000;

/// A SHA-256.
pub type Hash = [u8; 32];

/// The part of the database that says who may use the server.
#[derive(Clone, Debug)]
pub struct Access {
    writer: SqlitePool,
    reader: SqlitePool,
}

type DeviceRow = (String, String, i64, i64, Option<String>);

impl Access {
    /// Opens or creates the database at `path`.
    ///
    /// # Errors
    /// When it is a newer one, no database, or cannot be changed.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let pools = open(path).await?;
        Ok(Self { writer: pools.writer, reader: pools.reader })
    }

    /// Adds a device whose session has the secret with this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_device(&self, device: &Device, token: &Hash) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO devices (id, name, token_hash, created_at, last_used_at, address)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&device.id)
        .bind(&device.name)
        .bind(token.as_slice())
        .bind(device.created_at.as_millis())
        .bind(device.last_used_at.as_millis())
        .bind(&device.address)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// The device whose session has the secret with this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn device_of(&self, token: &Hash) -> Result<Option<Device>, StoreError> {
        let row: Option<DeviceRow> = sqlx::query_as(
            "SELECT id, name, created_at, last_used_at, address FROM devices WHERE token_hash = ?",
        )
        .bind(token.as_slice())
        .fetch_optional(&self.reader)
        .await?;
        Ok(row.map(device))
    }

    /// All devices, the one used last first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<DeviceRow> = sqlx::query_as(
            "SELECT id, name, created_at, last_used_at, address FROM devices
             ORDER BY last_used_at DESC, id",
        )
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(device).collect())
    }

    /// Notes that a device was used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch(
        &self,
        id: &str,
        at: Timestamp,
        address: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE devices SET last_used_at = ?, address = ? WHERE id = ?")
            .bind(at.as_millis())
            .bind(address)
            .bind(id)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Takes a device's access away; says whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_device(&self, id: &str) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM devices WHERE id = ?").bind(id);
        Ok(gone.execute(&self.writer).await?.rows_affected() > 0)
    }

    /// Adds a pairing code and forgets those that are too old.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_code(
        &self,
        code: &Hash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM pairing_codes WHERE expires_at < ?")
            .bind(now.as_millis())
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO pairing_codes (code_hash, expires_at) VALUES (?, ?)")
            .bind(code.as_slice())
            .bind(expires_at.as_millis())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Uses a pairing code up; says whether it was valid. Of two at the same time, one gets it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_code(&self, code: &Hash, now: Timestamp) -> Result<bool, StoreError> {
        let taken =
            sqlx::query("DELETE FROM pairing_codes WHERE code_hash = ? AND expires_at >= ?")
                .bind(code.as_slice())
                .bind(now.as_millis())
                .execute(&self.writer)
                .await?;
        Ok(taken.rows_affected() > 0)
    }

    /// Forgets all pairing codes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear_codes(&self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM pairing_codes").execute(&self.writer).await?;
        Ok(())
    }

    /// Adds a line to the record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let added = sqlx::query(
            "INSERT INTO audit (at, who, address, action, detail) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(entry.at.as_millis())
        .bind(&entry.who)
        .bind(&entry.address)
        .bind(&entry.action)
        .bind(&entry.detail)
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM audit WHERE id <= ?")
            .bind(added.last_insert_rowid() - MAX_AUDIT)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The newest lines of the record, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<(i64, String, Option<String>, String, String)> = sqlx::query_as(
            "SELECT at, who, address, action, detail FROM audit ORDER BY id DESC LIMIT ?",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?;
        let entry = |(at, who, address, action, detail)| {
            let at = Timestamp::from_millis(at);
            AuditEntry { at, who, address, action, detail }
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Closes all connections.
    pub async fn close(self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

fn device((id, name, created_at, last_used_at, address): DeviceRow) -> Device {
    Device {
        id,
        name,
        created_at: Timestamp::from_millis(created_at),
        last_used_at: Timestamp::from_millis(last_used_at),
        address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn access() -> (tempfile::TempDir, Access) {
        let dir = tempfile::tempdir().expect("temp dir");
        let access = Access::open(&dir.path().join("car.db")).await.expect("open");
        (dir, access)
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[tokio::test]
    async fn a_code_works_once_and_not_when_it_is_too_old() {
        let (_dir, access) = access().await;
        access.add_code(&[1; 32], at(100), at(0)).await.expect("added");
        access.add_code(&[2; 32], at(100), at(0)).await.expect("added");
        assert!(!access.take_code(&[3; 32], at(50)).await.expect("asked"));
        assert!(access.take_code(&[1; 32], at(50)).await.expect("asked"));
        assert!(!access.take_code(&[1; 32], at(50)).await.expect("asked"));
        assert!(!access.take_code(&[2; 32], at(101)).await.expect("asked"));
    }

    #[tokio::test]
    async fn a_removed_device_has_no_session() {
        let (_dir, access) = access().await;
        let device = Device {
            id: "d1".into(),
            name: "Phone".into(),
            created_at: at(1),
            last_used_at: at(1),
            address: None,
        };
        access.add_device(&device, &[7; 32]).await.expect("added");
        assert_eq!(access.device_of(&[7; 32]).await.expect("asked"), Some(device.clone()));
        access.touch("d1", at(9), Some("10.0.0.2")).await.expect("noted");
        assert_eq!(access.devices().await.expect("listed")[0].last_used_at, at(9));
        assert!(access.remove_device("d1").await.expect("removed"));
        assert!(!access.remove_device("d1").await.expect("asked"));
        assert_eq!(access.device_of(&[7; 32]).await.expect("asked"), None);
    }
}
