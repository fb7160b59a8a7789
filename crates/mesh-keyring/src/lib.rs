//! The keys that everything at rest of a service hangs on, out of one file; and what is done with them.
//!
//! A [`Keyring`] has two sets of keys: `encryption` for what is sealed, `identity` for keyed hashes. A service opens it at
//! its start with the keys that its database names ([`UsedKeys`]). Short texts are sealed by [`Keyring::seal_text`]; who has
//! keys of their own, such as one for each document, seals with [`seal`] and wraps them under a key of the ring. Codes that
//! a person types are made by [`Keyring::hotp`].
//!
//! Invariants:
//! - keys never show: not in errors, logs or `Debug` output;
//! - whatever is sealed is bound to its place, so what was moved does not open;
//! - a keyring is made only where nothing lies under any key yet, and never in the place of one that was named.
//!
//! Absent on purpose: what a service keeps under the keys, and in which tables; wrapping anew after a rotation (a key that is
//! current no more stays in the file).

mod hotp;
mod keyring;
mod sealing;
mod text;

pub use keyring::{KeySet, Keyring, SecretKey, UsedKeys};
pub use sealing::{KEY_BYTES, fresh_bytes, open, seal};
pub use text::Sealed;
