//! Authenticated encryption: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), whose nonces are long enough to be drawn at
//! random.
//!
//! What is kept is a byte that says the form, the nonce, and the ciphertext with its tag.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::aead::{Aead, AeadInOut, Generate, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Bytes of a nonce.
const NONCE_BYTES: usize = 24;
/// Bytes of an authentication tag.
const TAG_BYTES: usize = 16;
/// The one form of what is sealed so far.
const FORM: u8 = 1;

/// Bytes from the system's source of chance.
pub fn fresh_bytes<const N: usize>() -> [u8; N] {
    <[u8; N]>::generate()
}

/// Seals `plain` under a key. It opens with the same `associated_data` only, which says where it belongs and is not kept.
pub fn seal(key: &[u8; KEY_BYTES], associated_data: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_BYTES] = fresh_bytes();
    // In place: a file of 20 MiB is copied once.
    let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + plain.len() + TAG_BYTES);
    sealed.push(FORM);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let text = InOutBuf::from(&mut sealed[1 + NONCE_BYTES..]);
    let tag = XChaCha20Poly1305::new(&Key::from(*key))
        .encrypt_inout_detached(&XNonce::from(nonce), associated_data, text)
        .expect("only 256 GiB and more can't be sealed");
    sealed.extend_from_slice(&tag);
    sealed
}

/// Opens what [`seal`] made; `None` when it was changed, or sealed under another key or with other `associated_data`.
pub fn open(key: &[u8; KEY_BYTES], associated_data: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (form, sealed) = sealed.split_first()?;
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload {
        msg: ciphertext,
        aad: associated_data,
    };
    let cipher = XChaCha20Poly1305::new(&Key::from(*key));
    (*form == FORM)
        .then(|| cipher.decrypt(&XNonce::from(*nonce), payload).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    const KEY: [u8; KEY_BYTES] = [7; KEY_BYTES];

    #[test]
    fn what_is_sealed_opens_under_its_key_at_its_place_and_whole_only() {
        let sealed = seal(&KEY, b"place", b"picture");
        assert_eq!(open(&KEY, b"place", &sealed).as_deref(), Some(b"picture".as_slice()));
        assert_eq!(open(&KEY, b"another", &sealed), None);
        assert_eq!(open(&[8; KEY_BYTES], b"place", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&KEY, b"place", &changed), None, "byte {at}");
            assert_eq!(open(&KEY, b"place", &sealed[..at]), None, "cut at {at}");
        }
    }

    /// Made by another implementation, which gives the ciphertext of appendix A.3.1 of the draft.
    #[test]
    fn what_was_sealed_in_the_first_form_opens() {
        let sealed = BASE64.decode("AUBBQkNERUZHSElKS0xNTk9QUVJTVFVWVzRHU2MRBt+bj0vfvAln6dWVVT0Mm7R6");
        let opened = open(&KEY, b"place", &sealed.expect("Base64"));
        assert_eq!(opened.as_deref(), Some(b"picture".as_slice()));
    }

    #[test]
    fn two_seals_of_the_same_differ_and_hold_form_nonce_and_tag_besides() {
        let sealed = seal(&KEY, b"place", b"picture");
        assert_ne!(sealed, seal(&KEY, b"place", b"picture"), "a nonce came twice");
        assert_eq!(sealed[0], FORM);
        assert_eq!(sealed.len(), 1 + NONCE_BYTES + b"picture".len() + TAG_BYTES);
    }
}
