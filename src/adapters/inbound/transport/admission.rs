//! How many sockets there may be, in all and per address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use crate::application::locks::lock;
use crate::domain::ClientAddress;

/// Counts sockets and refuses those over the limits. One instance counts the connections, another
/// the sockets that are not connections yet.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    counts: Arc<Mutex<Counts>>,
    /// 0: no limit.
    max: usize,
    /// 0: no limit.
    max_per_address: usize,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    /// Kept only if there is a limit per address.
    by_address: HashMap<IpAddr, usize>,
}

/// One socket's place. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct AdmissionPermit {
    admission: Admission,
    /// `None`: it counts towards the total, but for no address.
    address: Option<IpAddr>,
}

impl Admission {
    pub(super) fn new(max: usize, max_per_address: usize) -> Self {
        Self {
            counts: Arc::default(),
            max,
            max_per_address,
        }
    }

    /// How many places are taken.
    pub(super) fn taken(&self) -> usize {
        lock(&self.counts).total
    }

    /// A place for a client at `address`, or `None` if all places are taken. Without an address,
    /// the limit per address does not apply.
    pub(super) fn admit(&self, address: Option<IpAddr>) -> Option<AdmissionPermit> {
        let address = address.map(address_prefix);
        let mut counts = lock(&self.counts);
        if self.max > 0 && counts.total >= self.max {
            return None;
        }
        if self.max_per_address > 0
            && let Some(address) = address
        {
            let count = counts.by_address.entry(address).or_default();
            if *count >= self.max_per_address {
                return None;
            }
            *count += 1;
        }
        counts.total += 1;
        Some(AdmissionPermit {
            admission: self.clone(),
            address,
        })
    }
}

impl Drop for AdmissionPermit {
    fn drop(&mut self) {
        let mut counts = lock(&self.admission.counts);
        counts.total -= 1;
        if let Some(address) = &self.address
            && let Some(count) = counts.by_address.get_mut(address)
        {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(address);
            }
        }
    }
}

/// A client's address in the form in which connections per address are counted.
pub fn counted_address(client: IpAddr) -> ClientAddress {
    let prefix = match address_prefix(client) {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    ClientAddress(prefix.to_bits())
}

/// The prefix that counts as one address: all of an IPv4 address, or the /64 of an IPv6 address,
/// because a single IPv6 customer usually has at least a /64.
fn address_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("the test's address")
    }

    #[test]
    fn a_place_is_free_again_once_its_permit_is_dropped() {
        let admission = Admission::new(1, 0);
        let permit = admission.admit(Some(address("192.0.2.1")));
        assert!(permit.is_some());
        assert!(admission.admit(Some(address("192.0.2.2"))).is_none());
        drop(permit);
        assert!(admission.admit(Some(address("192.0.2.2"))).is_some());
    }

    #[test]
    fn one_address_cannot_take_all_places() {
        let admission = Admission::new(0, 2);
        let first = admission
            .admit(Some(address("2001:db8::1")))
            .expect("a place");
        let _second = admission
            .admit(Some(address("2001:db8::ffff:1:2:3")))
            .expect("a place");
        assert!(
            admission.admit(Some(address("2001:db8::2"))).is_none(),
            "the same /64"
        );
        assert!(
            admission.admit(Some(address("2001:db8:0:1::1"))).is_some(),
            "another /64"
        );
        assert!(admission.admit(Some(address("192.0.2.1"))).is_some());
        drop(first);
        assert!(admission.admit(Some(address("2001:db8::2"))).is_some());
    }

    #[test]
    fn a_client_from_anywhere_counts_in_all_and_for_no_address() {
        let admission = Admission::new(2, 1);
        let _first = admission.admit(None).expect("a place");
        let second = admission.admit(None).expect("a place");
        assert!(admission.admit(None).is_none());
        drop(second);
        assert!(admission.admit(Some(address("192.0.2.1"))).is_some());
    }

    #[test]
    fn an_address_without_connections_is_forgotten() {
        let admission = Admission::new(0, 1);
        for last in 0..=255 {
            assert!(admission.admit(Some([192, 0, 2, last].into())).is_some());
        }
        assert!(lock(&admission.counts).by_address.is_empty());
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        let admission = Admission::new(0, 1);
        let _permit = admission
            .admit(Some(address("::ffff:192.0.2.1")))
            .expect("a place");
        assert!(admission.admit(Some(address("192.0.2.1"))).is_none());
        assert!(admission.admit(Some(address("::ffff:192.0.2.2"))).is_some());
    }
}
