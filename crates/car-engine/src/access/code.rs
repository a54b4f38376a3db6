//! Codes that let one browser in: short enough to type on a phone.

use std::fmt;
use std::time::Duration;

use super::random;
use crate::EngineError;

/// How long a code works.
pub const CODE_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Crockford's digits: without letters that look like others.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 8;

/// A pairing code of 40 random bits, shown as `K7RM-2QXF`.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode(String);

impl PairingCode {
    pub(super) fn random() -> Result<Self, EngineError> {
        let digit = |byte: u8| char::from(DIGITS[usize::from(byte % 32)]);
        Ok(Self(random::<LENGTH>()?.into_iter().map(digit).collect()))
    }

    /// Reads what a person typed: any case, with or without the dash, O for 0 and I or L for 1.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digit = |letter: char| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        };
        let typed = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
        let code: String = typed.take(LENGTH + 1).map(digit).collect();
        let known = |letter: char| u8::try_from(letter).is_ok_and(|byte| DIGITS.contains(&byte));
        (code.len() == LENGTH && code.chars().all(known)).then_some(Self(code))
    }

    /// Its digits without the dash, as they stand in a link.
    pub fn plain(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(LENGTH / 2);
        write!(f, "{first}-{second}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = PairingCode::random().expect("random");
        assert_eq!(PairingCode::parse(&code.to_string()).map(|c| c.0), Some(code.0));
        let parsed = |text| PairingCode::parse(text).map(|code| code.to_string());
        assert_eq!(parsed(" k7rm 2qxf "), Some("K7RM-2QXF".to_owned()));
        assert_eq!(parsed("OIL0-1111"), Some("0110-1111".to_owned()));
        for wrong in ["", "K7RM", "K7RM-2QXFF", "K7RM-2QX!", "ÄÄÄÄ-ÄÄÄÄ"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
