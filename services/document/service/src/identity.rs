//! Which physical document it is: issuer, kind and number, of which only keyed hashes are ever kept.

use document_reading::DocumentReading;
use hmac::{Hmac, KeyInit, Mac};
use mesh_types::DocumentKind;
use sha2::Sha256;
use std::fmt;

/// A physical document, in one spelling: capital letters and digits, nothing between them.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Empty where print alone was read, which does not say it surely.
    issuer: String,
    kind: DocumentKind,
    number: String,
}

/// A hash of an [`Identity`] under one key: HMAC-SHA-256 (RFC 2104).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHash {
    /// The key's id.
    pub key_id: String,
    /// The hash.
    pub hash: [u8; 32],
    /// Whether it is of kind and number alone, which documents of two issuers may share; else it is of the issuer too.
    pub is_weak: bool,
}

impl Identity {
    /// Brings issuer and number into one spelling; `None` if nothing is left of one of them.
    pub fn new(issuer: &str, kind: DocumentKind, number: &str) -> Option<Self> {
        let (issuer, number) = (plain(issuer), plain(number));
        (!issuer.is_empty() && !number.is_empty()).then_some(Self { issuer, kind, number })
    }

    /// The document that was read as one of the `announced` kind; `None` if its number wasn't read surely. Where print
    /// alone was read, nothing is known of its issuer.
    pub fn of(reading: &DocumentReading, announced: DocumentKind) -> Option<Self> {
        let document_reading::Identity { issuer, kind, number } = document_reading::identity(reading, announced)?;
        Some(Self { issuer, kind, number })
    }

    /// Whether its issuer is known, and so which document it is.
    pub fn is_whole(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// The hashes under a key: the weak one, and before it the other one where the issuer is known.
    pub(crate) fn hashes(&self, key_id: &str, key: &[u8; 32]) -> Vec<IdentityHash> {
        let hash = |parts: &[&str], is_weak| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
            // No part holds the separator, so no two documents give the same text, and no weak hash is another's.
            mac.update(parts.join("\0").as_bytes());
            IdentityHash {
                key_id: key_id.to_owned(),
                hash: mac.finalize().into_bytes().into(),
                is_weak,
            }
        };
        let (kind, number) = (self.kind.as_str(), self.number.as_str());
        let whole = self.is_whole().then(|| hash(&[&self.issuer, kind, number], false));
        whole.into_iter().chain([hash(&[kind, number], true)]).collect()
    }
}

fn plain(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_uppercase()).collect()
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn hash(issuer: &str, kind: DocumentKind, number: &str) -> Option<[u8; 32]> {
        Some(Identity::new(issuer, kind, number)?.hashes("k", &KEY)[0].hash)
    }

    #[test]
    fn spelling_does_not_matter_and_everything_else_does() {
        let known = hash("UTO", DocumentKind::Passport, "L898902C3");
        assert!(known.is_some());
        for same in [" l898-902 c3", "L898902C3<<", "l898902c3"] {
            assert_eq!(hash("uto", DocumentKind::Passport, same), known, "{same}");
        }
        for (issuer, kind, number) in [
            ("UTP", DocumentKind::Passport, "L898902C3"),
            ("UTO", DocumentKind::NationalId, "L898902C3"),
            ("UTO", DocumentKind::Passport, "L898902C4"),
            ("UTOL", DocumentKind::Passport, "898902C3"),
        ] {
            assert_ne!(hash(issuer, kind, number), known);
        }
        assert_eq!(hash("UTO", DocumentKind::Passport, " <- "), None);
        assert_eq!(hash("<", DocumentKind::Passport, "1"), None);
    }

    #[test]
    fn the_weak_hash_is_of_kind_and_number_alone() {
        let weak = |issuer, kind, number| {
            let identity = Identity::new(issuer, kind, number).expect("an identity");
            identity.hashes("k", &KEY).pop().expect("a weak hash")
        };
        let known = weak("UTO", DocumentKind::DriversLicense, "D12345678");
        assert!(known.is_weak);
        assert_eq!(weak("636026", DocumentKind::DriversLicense, "D1234-5678"), known);
        assert_ne!(weak("UTO", DocumentKind::NationalId, "D12345678"), known);
        let print = Identity {
            issuer: String::new(),
            kind: DocumentKind::DriversLicense,
            number: "D12345678".to_owned(),
        };
        assert_eq!(print.hashes("k", &KEY), [known]);
    }

    #[test]
    fn the_hash_is_not_to_be_had_without_the_key_and_nothing_shows_the_number() {
        let identity = Identity::new("UTO", DocumentKind::Passport, "L898902C3").expect("an identity");
        for (one, other) in identity.hashes("k", &KEY).iter().zip(identity.hashes("k", &[8; 32])) {
            assert_ne!(one.hash, other.hash);
        }
        assert!(!format!("{identity:?}").contains("898902"));
    }
}
