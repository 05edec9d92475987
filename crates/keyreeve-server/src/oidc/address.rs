//! Where an issuer may be: names come from tenants, so that no request goes where only this machine can look.

use std::net::IpAddr;

/// Addresses that no provider of identities has: those of this link, among them the metadata services of clouds,
/// groups, and none. Private networks are allowed, as providers of an organisation and clusters are there.
pub(super) fn is_allowed(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !(v4.is_link_local() || v4.is_multicast() || v4.is_unspecified() || v4.is_broadcast())
        }
        // AWS's metadata service has a unique local address.
        IpAddr::V6(v6) => {
            let metadata = v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];
            !(v6.is_unicast_link_local() || v6.is_multicast() || v6.is_unspecified() || metadata)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_groups_are_no_place_for_an_issuer() {
        for (address, allowed) in [
            ("10.0.0.1", true),
            ("127.0.0.1", true),
            ("203.0.113.7", true),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
            ("fe80::1", false),
            ("fd00:ec2::254", false),
            ("fd00::1", true),
            ("2001:db8::1", true),
        ] {
            assert_eq!(is_allowed(address.parse().unwrap()), allowed, "{address}");
        }
    }
}
