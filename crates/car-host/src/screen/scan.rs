//! Where in a control sequence the output is: what of it a snapshot must repeat, and what the emulator need not see.

use memchr::memchr;

/// Bytes of a string (OSC, DCS, …) the emulator sees; titles and links are shorter, pictures it does not show anyway.
const MAX_STRING: usize = 4096;

/// The scroll region, first and last row, counted from 1.
pub(super) type Region = Option<(u16, u16)>;

/// Follows the output through its control sequences.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    state: State,
    /// What there is of the sequence or character that is not complete.
    pending: Vec<u8>,
    /// Whether more came than is kept in `pending`.
    is_long: bool,
    region: Region,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    Csi,
    Osc,
    /// DCS, SOS, PM, APC.
    Other,
}

impl Scanner {
    /// Follows `bytes` and hands to `feed` what the emulator is to see of them, in order.
    pub(super) fn scan(&mut self, bytes: &[u8], mut feed: impl FnMut(&[u8])) {
        // Fed up to here; what lies between is fed, or was cut off a string.
        let mut fed = 0;
        let mut at = 0;
        while at < bytes.len() {
            if self.state == State::Ground {
                let Some(escape) = memchr(0x1b, &bytes[at..]) else { break };
                at += escape + 1;
                self.begin();
                continue;
            }
            let was_cut = self.is_cut();
            self.step(bytes[at]);
            if was_cut != self.is_cut() {
                if was_cut {
                    // The end of a string that was cut: go on with this very byte.
                    fed = at;
                } else {
                    feed(&bytes[fed..at]);
                }
            }
            at += 1;
        }
        if !self.is_cut() {
            feed(&bytes[fed..]);
        }
        if self.state == State::Ground {
            self.keep_cut_character(bytes);
        }
    }

    /// What a terminal has to be sent so that it is where the output is.
    pub(super) fn pending(&self) -> &[u8] {
        match (self.is_long, self.state) {
            // The string's beginning is gone; what still comes of it must not be shown as text.
            (true, State::Osc) => b"\x1b]9999;",
            (true, State::Other) => b"\x1bX",
            (true, _) => b"\x1b[<",
            (false, _) => &self.pending,
        }
    }

    /// The scroll region, if it is not the whole screen.
    pub(super) fn region(&self) -> Region {
        self.region
    }

    /// A resize makes the whole screen scroll.
    pub(super) fn region_reset(&mut self) {
        self.region = None;
    }

    fn is_cut(&self) -> bool {
        self.is_long && matches!(self.state, State::Osc | State::Other)
    }

    fn begin(&mut self) {
        self.state = State::Escape;
        self.is_long = false;
        self.pending.clear();
        self.pending.push(0x1b);
    }

    fn end(&mut self) {
        self.state = State::Ground;
        self.is_long = false;
        self.pending.clear();
    }

    /// One byte within a sequence.
    fn step(&mut self, byte: u8) {
        match (self.state, byte) {
            (_, 0x1b) => return self.begin(),
            (_, 0x18 | 0x1a) | (State::Osc, 0x07) | (State::Other, 0x9c) => return self.end(),
            (State::Escape, b'[') => self.state = State::Csi,
            (State::Escape, b']') => self.state = State::Osc,
            (State::Escape, b'P' | b'X' | b'^' | b'_') => self.state = State::Other,
            (State::Escape, 0x30..=0x7e) => {
                if self.pending == b"\x1b" && byte == b'c' {
                    self.region = None;
                }
                return self.end();
            }
            (State::Csi, 0x40..=0x7e) => {
                if byte == b'r' {
                    self.note_region();
                }
                return self.end();
            }
            _ => {}
        }
        if self.pending.len() < MAX_STRING {
            self.pending.push(byte);
        } else {
            self.is_long = true;
        }
    }

    /// `CSI top ; bottom r`.
    fn note_region(&mut self) {
        let params = self.pending.get(2..).unwrap_or_default();
        if !params.iter().all(|byte| byte.is_ascii_digit() || *byte == b';') {
            return;
        }
        let text = std::str::from_utf8(params).unwrap_or_default();
        let mut numbers = text.split(';').map(|number| number.parse().unwrap_or(0_u16));
        let top = numbers.next().unwrap_or_default().max(1);
        let bottom = match numbers.next().unwrap_or_default() {
            0 => u16::MAX,
            bottom => bottom,
        };
        if top < bottom {
            self.region = (top > 1 || bottom < u16::MAX).then_some((top, bottom));
        }
    }

    /// Keeps a character of UTF-8 that the bytes stop in.
    fn keep_cut_character(&mut self, bytes: &[u8]) {
        // An earlier piece may have ended in the same character.
        self.pending.extend_from_slice(&bytes[bytes.len().saturating_sub(4)..]);
        let tail = self.pending.len().saturating_sub(4);
        let tail = &self.pending[tail..];
        let lead = tail.iter().rposition(|byte| !matches!(byte, 0x80..=0xbf));
        let cut = lead.and_then(|lead| {
            let wanted = match tail[lead] {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => 1,
            };
            (tail.len() - lead < wanted).then(|| tail[lead..].to_vec())
        });
        self.pending = cut.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(pieces: &[&[u8]]) -> (Scanner, Vec<u8>) {
        let (mut scanner, mut fed) = (Scanner::default(), Vec::new());
        for piece in pieces {
            scanner.scan(piece, |span| fed.extend_from_slice(span));
        }
        (scanner, fed)
    }

    #[test]
    fn the_beginning_of_what_is_not_complete_is_kept() {
        let pending = |pieces: &[&[u8]]| scanned(pieces).0.pending().to_vec();
        assert_eq!(pending(&[b"text"]), b"");
        assert_eq!(pending(&[b"a\x1b"]), b"\x1b");
        assert_eq!(pending(&[b"a\x1b[3", b"8;5"]), b"\x1b[38;5");
        assert_eq!(pending(&[b"a\x1b[38;5;1mtext"]), b"");
        assert_eq!(pending(&[b"\x1b]0;ti", b"tle"]), b"\x1b]0;title");
        assert_eq!(pending(&[b"\x1b]0;title\x07"]), b"");
        assert_eq!(pending(&[b"\x1bP1$q\x1b\\x"]), b"");
        assert_eq!(pending(&["ü".as_bytes()]), b"");
        assert_eq!(pending(&[b"\xf0\x9f", b"\x8e"]), b"\xf0\x9f\x8e");
        assert_eq!(pending(&[b"\xf0\x9f", b"\x8e\x89"]), b"");
        assert_eq!(pending(&[b"\x80\x80\x80"]), b"");
    }

    #[test]
    fn a_long_string_is_cut_and_everything_around_it_is_seen() {
        let long = vec![b'x'; 100_000];
        let (scanner, fed) = scanned(&[b"a\x1b]52;c;", &long, b"\x07b"]);
        assert!(fed.len() < 5000 && fed.ends_with(b"x\x07b"), "{}", fed.len());
        assert_eq!(scanner.pending(), b"");
        let (scanner, _) = scanned(&[b"a\x1b]52;c;", &long]);
        assert_eq!(scanner.pending(), b"\x1b]9999;");
        let (scanner, fed) = scanned(&[b"\x1bPq", &long, b"\x1b\\b"]);
        assert!(fed.len() < 5000 && fed.ends_with(b"x\x1b\\b"));
        assert_eq!(scanner.pending(), b"");
    }

    #[test]
    fn the_scroll_region_is_known() {
        let region = |bytes: &[u8]| scanned(&[bytes]).0.region();
        assert_eq!(region(b"\x1b[2;10r"), Some((2, 10)));
        assert_eq!(region(b"\x1b[2;10r\x1b[r"), None);
        assert_eq!(region(b"\x1b[2;10r\x1bc"), None);
        assert_eq!(region(b"\x1b[2;10r\x1b[?1r"), Some((2, 10)));
        assert_eq!(region(b"\x1b[5r"), Some((5, u16::MAX)));
    }
}
