//! The codes that a close frame carries (RFC 6455, section 7.4).

/// A close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// Nothing is wrong.
    pub const NORMAL: Self = Self(1000);
    /// The server shuts down, or the client has been silent for too long.
    pub const GOING_AWAY: Self = Self(1001);
    /// The client broke RFC 6455.
    pub const PROTOCOL: Self = Self(1002);
    /// A text message is not UTF-8.
    pub const NOT_UTF8: Self = Self(1007);
    /// The client broke a rule of this server.
    pub const POLICY: Self = Self(1008);
    /// A message exceeds the limit.
    pub const TOO_BIG: Self = Self(1009);
    /// The server failed.
    pub const INTERNAL: Self = Self(1011);
    /// The server is overloaded, or the client reads too slowly; it may try again later.
    pub const TRY_AGAIN: Self = Self(1013);

    /// The code as a number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// A code that came from the client; `None` if it must not be sent in a close frame.
    ///
    /// 1004 to 1006 and 1015 are reserved, and unregistered codes below 3000 are invalid.
    pub const fn from_peer(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_may_be_sent_are_taken_from_a_client() {
        for code in [
            1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
        ] {
            assert_eq!(CloseCode::from_peer(code).map(CloseCode::get), Some(code));
        }
        for code in [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ] {
            assert_eq!(CloseCode::from_peer(code), None, "{code}");
        }
    }
}
