//! The fields of a payload, taken one by one from its front.

use super::ProtocolError;

/// A payload that is being read.
pub(super) struct Fields<'a> {
    kind: u8,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(kind: u8, payload: &'a [u8]) -> Self {
        Self { kind, rest: payload }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(ProtocolError::Short(self.kind))?;
        self.rest = rest;
        Ok(*field)
    }

    pub(super) fn u8(&mut self) -> Result<u8, ProtocolError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, ProtocolError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, ProtocolError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, ProtocolError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A text with its length in front.
    pub(super) fn text(&mut self) -> Result<String, ProtocolError> {
        let length = usize::from(self.u16()?);
        let (text, rest) =
            self.rest.split_at_checked(length).ok_or(ProtocolError::Short(self.kind))?;
        self.rest = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.rest
    }
}
