//! A development issuer: it signs the tokens of persons, good ones and bad ones, and publishes its keys.

mod key;

use std::{
    fs::{DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

pub use key::Algorithm;
use key::SigningKey;

/// The claim `aud` of its tokens, which services ask for unless told otherwise.
const AUDIENCE: &str = "voluntier";
/// The claim `iss` of its tokens.
const NAME: &str = "voluntier-development";
/// The private keys, for the user alone.
const KEYS_FILE: &str = "issuer-keys.json";
/// The public keys.
const JWKS_FILE: &str = "jwks.json";
/// How long a token counts, unless the draft says otherwise.
const VALID_FOR: Duration = Duration::from_secs(3600);

/// An issuer with its keys in a folder: `issuer-keys.json` (readable for the user alone) and `jwks.json`.
#[derive(Debug)]
pub struct Issuer {
    folder: PathBuf,
    /// The last one signs; all are published.
    keys: Mutex<Vec<SigningKey>>,
}

impl Issuer {
    /// A new issuer with an Ed25519 key. The folder is made where it is missing, for the user alone.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(folder: &Path) -> anyhow::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let issuer = Self {
            folder: folder.to_owned(),
            keys: Mutex::new(Vec::new()),
        };
        issuer.rotate(Algorithm::EdDsa)?;
        Ok(issuer)
    }

    /// The issuer whose keys lie in a folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(KEYS_FILE);
        let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let stored: Vec<Value> = serde_json::from_slice(&text)?;
        let keys = stored.iter().map(SigningKey::read).collect::<anyhow::Result<Vec<_>>>();
        let keys = keys.with_context(|| format!("{} holds no keys of an issuer", file.display()))?;
        ensure!(!keys.is_empty(), "{} is empty", file.display());
        Ok(Self {
            folder: folder.to_owned(),
            keys: Mutex::new(keys),
        })
    }

    /// Writes its keys, private ones too, into another folder that exists, for [`Issuer::open`].
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn copy_to(&self, folder: &Path) -> anyhow::Result<()> {
        write_keys(folder, &self.lock())
    }

    /// The claim `iss` of its tokens.
    #[must_use]
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// The file with its public keys, replaced as a whole when they change.
    #[must_use]
    pub fn jwks_file(&self) -> PathBuf {
        self.folder.join(JWKS_FILE)
    }

    /// Its public keys, as in the file.
    #[must_use]
    pub fn jwks(&self) -> String {
        jwks(&self.lock())
    }

    /// A token of a person that counts for an hour.
    #[must_use]
    pub fn token(&self, subject: i64, roles: &[&str]) -> String {
        self.draft(subject).roles(roles).sign()
    }

    /// A token that is yet to be signed, or spoiled.
    pub fn draft(&self, subject: i64) -> TokenDraft<'_> {
        let now = now();
        let claims = json!({
            "iss": NAME,
            "aud": AUDIENCE,
            "sub": subject.to_string(),
            "iat": now,
            "exp": now + i64::try_from(VALID_FOR.as_secs()).unwrap_or(i64::MAX),
            "roles": [],
        });
        TokenDraft {
            issuer: self,
            claims: object(claims),
            kid: None,
        }
    }

    /// Adds a new key, publishes it, and signs by it from then on. The older ones stay published until [`Issuer::retire`].
    ///
    /// # Errors
    /// When the key cannot be made or the folder cannot be written.
    pub fn rotate(&self, algorithm: Algorithm) -> anyhow::Result<()> {
        let mut keys = self.lock();
        // Published before it signs; nobody gets a token while the lock is held.
        keys.push(SigningKey::generate(algorithm)?);
        write_keys(&self.folder, &keys)
    }

    /// Forgets every key but the newest, and publishes that.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn retire(&self) -> anyhow::Result<()> {
        let mut keys = self.lock();
        let older = keys.len().saturating_sub(1);
        keys.drain(..older);
        write_keys(&self.folder, &keys)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SigningKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token on its way: what it claims, and how it is signed.
#[derive(Debug, Clone)]
#[must_use]
pub struct TokenDraft<'a> {
    issuer: &'a Issuer,
    claims: Map<String, Value>,
    kid: Option<String>,
}

impl TokenDraft<'_> {
    /// The roles of the person; none unless said otherwise.
    pub fn roles(self, roles: &[&str]) -> Self {
        self.claim("roles", roles)
    }

    /// Counts for this long from now on.
    pub fn valid_for(self, time: Duration) -> Self {
        self.claim("exp", now() + seconds(time))
    }

    /// Expired that long ago.
    pub fn expired_since(self, time: Duration) -> Self {
        self.claim("exp", now() - seconds(time))
    }

    /// Counts only after this time.
    pub fn valid_in(self, time: Duration) -> Self {
        self.claim("nbf", now() + seconds(time))
    }

    /// For somebody else than the services of the mesh, or for several.
    pub fn audience(self, audience: impl Into<Value>) -> Self {
        self.claim("aud", audience)
    }

    /// As if from another issuer, though by this one's key.
    pub fn issuer(self, name: &str) -> Self {
        self.claim("iss", name)
    }

    /// Any claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Without a claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Names another key than the one that signs.
    pub fn key_id(mut self, kid: &str) -> Self {
        self.kid = Some(kid.to_owned());
        self
    }

    /// The token, signed by the issuer's newest key.
    #[must_use]
    pub fn sign(self) -> String {
        self.assemble(None, |key, message| key.sign(message))
    }

    /// The same by `alg: none`, without a signature.
    #[must_use]
    pub fn unsigned(self) -> String {
        self.assemble(Some("none"), |_, _| Vec::new())
    }

    /// The same by HS256, with the issuer's public key as the secret: what a verifier takes that lets the token choose.
    #[must_use]
    pub fn hmac_by_public_key(self) -> String {
        self.assemble(Some("HS256"), |key, message| {
            let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key.public_key());
            ring::hmac::sign(&secret, message).as_ref().to_vec()
        })
    }

    /// Signed by the newest key, but with the name of another algorithm.
    #[must_use]
    pub fn sign_as(self, alg: &str) -> String {
        self.assemble(Some(alg), |key, message| key.sign(message))
    }

    fn assemble(self, alg: Option<&str>, sign: impl FnOnce(&SigningKey, &[u8]) -> Vec<u8>) -> String {
        let keys = self.issuer.lock();
        let key = keys.last().expect("an issuer has a key");
        let kid = self.kid.as_deref().unwrap_or(&key.kid);
        let header = json!({ "typ": "JWT", "alg": alg.unwrap_or(key.algorithm.jwa()), "kid": kid });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&Value::Object(self.claims)));
        let signature = URL_SAFE_NO_PAD.encode(sign(key, message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// The token with one bit of its signature changed; `bit` counts round and round.
///
/// # Panics
/// When it is no token with a signature.
#[must_use]
pub fn flip_bit_of_signature(token: &str, bit: usize) -> String {
    let (message, signature) = token.rsplit_once('.').expect("a token has three parts");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("a signature is base64url");
    let bit = bit % (signature.len() * 8);
    signature[bit / 8] ^= 1 << (bit % 8);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn jwks(keys: &[SigningKey]) -> String {
    json!({ "keys": keys.iter().map(SigningKey::jwk).collect::<Vec<_>>() }).to_string()
}

fn write_keys(folder: &Path, keys: &[SigningKey]) -> anyhow::Result<()> {
    let stored: Vec<_> = keys.iter().map(SigningKey::stored).collect();
    write(&folder.join(KEYS_FILE), 0o600, &Value::Array(stored).to_string())?;
    write(&folder.join(JWKS_FILE), 0o644, &jwks(keys))
}

/// Replaces a file as a whole, so that nobody reads half of it.
fn write(file: &Path, mode: u32, text: &str) -> anyhow::Result<()> {
    let beside = file.with_extension("new");
    let written = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(mode);
        options.open(&beside)?.write_all(text.as_bytes())?;
        std::fs::rename(&beside, file)
    })();
    written.with_context(|| format!("cannot write {}", file.display()))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 4)
}

#[expect(
    clippy::disallowed_methods,
    reason = "an issuer has a clock of its own, and no kit to ask"
)]
fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    seconds(since_1970)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn private_keys_are_the_users_alone_and_open_again() {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Issuer::create(&folder.path().join("issuer")).unwrap();
        issuer.rotate(Algorithm::Es256).unwrap();
        let mode = |name: &str| {
            let facts = std::fs::metadata(folder.path().join(name)).unwrap();
            facts.permissions().mode() & 0o777
        };
        assert_eq!((mode("issuer"), mode("issuer/issuer-keys.json")), (0o700, 0o600));
        assert!(!issuer.jwks().contains("pkcs8"));
        let opened = Issuer::open(&folder.path().join("issuer")).unwrap();
        assert_eq!(opened.jwks(), issuer.jwks());
        assert_eq!(std::fs::read_to_string(opened.jwks_file()).unwrap(), issuer.jwks());
    }

    #[test]
    fn a_rotation_keeps_the_older_key_until_it_retires() {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Issuer::create(folder.path()).unwrap();
        let published = || serde_json::from_str::<Value>(&issuer.jwks()).unwrap()["keys"].clone();
        let old = published()[0].clone();
        issuer.rotate(Algorithm::EdDsa).unwrap();
        assert_eq!(published().as_array().map(Vec::len), Some(2));
        assert_eq!(published()[0], old);
        issuer.retire().unwrap();
        assert_eq!(published().as_array().map(Vec::len), Some(1));
        assert_ne!(published()[0], old);
    }
}
