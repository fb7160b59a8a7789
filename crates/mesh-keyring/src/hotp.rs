//! Codes of six digits, such as one person shows and another one types, by the truncation of HOTP (RFC 4226).

use crate::keyring::Keyring;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

/// How many codes there are: those of six digits.
const CODES: u32 = 1_000_000;

impl Keyring {
    /// The id of the current key of `identity`, which new codes are made under. It is kept with what a code is of.
    pub fn identity_key_id(&self) -> &str {
        self.identity().current_id()
    }

    /// The code of `counter_text` under a key of `identity`, from 0 to 999,999, to be shown with zeros in front; `None` when
    /// the key is not there. The hash is HMAC-SHA-256, as RFC 6238 allows.
    ///
    /// The text says what the code is for and at which turn, and nothing else that is hashed under the key begins like it.
    /// One of a million is soon guessed, so who checks a code bounds the tries.
    pub fn hotp(&self, key_id: &str, counter_text: &[u8]) -> Option<u32> {
        let key = self.identity().get(key_id)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).expect("a key of any length will do");
        mac.update(counter_text);
        let hash: [u8; 32] = mac.finalize().into_bytes().into();
        Some(truncate(&hash) % CODES)
    }
}

/// Dynamic truncation (RFC 4226, section 5.3): 31 bits of a hash of 20 bytes or more, from the place that its last four bits
/// name.
fn truncate(hash: &[u8]) -> u32 {
    let start = usize::from(hash[hash.len() - 1] & 0x0f);
    let word = [hash[start], hash[start + 1], hash[start + 2], hash[start + 3]];
    u32::from_be_bytes(word) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::tests::keyring;

    /// RFC 4226, section 5.4.
    #[test]
    fn the_truncation_is_that_of_the_rfc() {
        let hash = [
            0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85, 0x50, 0xef, 0x7f, 0x19, 0xda, 0x8e, 0x94, 0x5b,
            0x55, 0x5a,
        ];
        assert_eq!(truncate(&hash), 0x50ef_7f19);
        assert_eq!(truncate(&[0xff; 20]), 0x7fff_ffff, "the first bit is left out");
    }

    /// RFC 6238, appendix B: the last six digits of the codes by SHA-256, whose key is the id itself.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let id = "12345678901234567890123456789012";
        let keyring = keyring(&[id]);
        for (counter, code) in [
            (1_u64, 119_246),
            (0x0235_23ec, 84_774),
            (0x0235_23ed, 62_674),
            (0x0273_ef07, 819_424),
            (0x03f9_40aa, 698_825),
            (0x27bc_86aa, 737_706),
        ] {
            assert_eq!(keyring.hotp(id, &counter.to_be_bytes()), Some(code), "{counter}");
        }
    }

    #[test]
    fn a_code_is_of_six_digits_and_of_its_key_and_text() {
        let keyring = keyring(&["one", "two"]);
        assert_eq!(keyring.identity_key_id(), "two");
        let codes = (0..10_000_u32).map(|turn| keyring.hotp("one", turn.to_string().as_bytes()).expect("a key"));
        let codes: Vec<u32> = codes.collect();
        assert!(
            codes
                .iter()
                .all(|code| *code < CODES && format!("{code:06}").len() == 6)
        );
        let below = |limit: u32| codes.iter().filter(|code| **code < limit).count();
        assert!((900..1_100).contains(&below(100_000)), "{}", below(100_000));
        assert!((8_900..9_100).contains(&below(900_000)), "{}", below(900_000));

        let code = |key_id: &str, text: &[u8]| keyring.hotp(key_id, text);
        assert_eq!(code("one", b"turn 1"), code("one", b"turn 1"));
        assert_ne!(code("one", b"turn 1"), code("one", b"turn 2"));
        assert_ne!(code("one", b"turn 1"), code("two", b"turn 1"));
        assert_eq!(code("three", b"turn 1"), None, "a key that is not there");
    }
}
