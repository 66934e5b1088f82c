//! Where a connection comes from.

/// Where a connection comes from, as connections are counted: connections that count as coming from
/// one address have the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientAddress(pub u128);

impl ClientAddress {
    /// As text for keeping: an IPv6 address in hexadecimal. IPv4 addresses are mapped into IPv6.
    pub fn to_hex(self) -> String {
        format!("{:032x}", self.0)
    }

    /// Reads what [`to_hex`](Self::to_hex) gives; `None` of any other text.
    pub fn from_hex(text: &str) -> Option<Self> {
        let address = Self(u128::from_str_radix(text, 16).ok()?);
        // The same number can also be written in other ways.
        (address.to_hex() == text).then_some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written_and_no_other_way() {
        for address in [0, 7, u128::MAX].map(ClientAddress) {
            assert_eq!(ClientAddress::from_hex(&address.to_hex()), Some(address));
        }
        let ten = ClientAddress(10).to_hex();
        for text in ["", "a", "+a", "-a", &ten[1..], &ten.to_uppercase()] {
            assert_eq!(ClientAddress::from_hex(text), None, "{text}");
        }
        let signed = format!("+{}", &ten[1..]);
        let long = format!("0{ten}");
        assert_eq!(ClientAddress::from_hex(&signed), None);
        assert_eq!(ClientAddress::from_hex(&long), None);
    }
}
