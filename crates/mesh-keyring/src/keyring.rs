//! The file of the keys, and the rules by which it is read, made and refused.
//!
//! It is JSON: two sets of keys, each with ids and the id of the current key.
//! - `encryption` is for what is sealed. A key that is current no more still opens what was sealed under it, so it has to
//!   stay in the file for as long as such things live.
//! - `identity` is for keyed hashes, by which something is known again. A hash can't be made again without what it is of, so
//!   an old key stays in the file for ever, and looking something up tries every key.

use crate::sealing::{KEY_BYTES, fresh_bytes};
use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mesh_runtime::clock;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The keys. Clones share them.
#[derive(Clone)]
pub struct Keyring {
    encryption: Arc<KeySet>,
    identity: Arc<KeySet>,
}

/// Keys by their ids, one of which is current.
pub struct KeySet {
    current: String,
    keys: BTreeMap<String, SecretKey>,
}

/// A key, whose bytes are to be had by `ExposeSecret` alone.
pub type SecretKey = SecretBox<[u8; KEY_BYTES]>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyringFile {
    encryption: KeySetFile,
    identity: KeySetFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySetFile {
    current: String,
    keys: BTreeMap<String, KeyText>,
}

/// A key as the file has it.
#[derive(Deserialize)]
#[serde(from = "String")]
struct KeyText(SecretString);

impl From<String> for KeyText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// The ids of the keys that something lies under, as the database names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedKeys {
    /// Those that something is sealed under, such as wrapped keys.
    pub encryption: Vec<String>,
    /// Those of keyed hashes.
    pub identity: Vec<String>,
}

impl UsedKeys {
    fn is_empty(&self) -> bool {
        self.encryption.is_empty() && self.identity.is_empty()
    }
}

impl Keyring {
    /// Reads the keyring at `path`, or at `default` where no path is given; `default` is the place that a service has for it
    /// by itself, if there is one. At that place one that isn't there is made, but only where nothing lies under any key
    /// yet: `used` has the keys that the database names.
    ///
    /// # Errors
    /// When there is no path for it; it can't be read, isn't a keyring, or is open to others; it isn't there though it was
    /// named or used; or it lacks a key that is used. The error says what to do and holds no key.
    pub fn open(path: Option<&Path>, default: Option<PathBuf>, used: &UsedKeys) -> anyhow::Result<Self> {
        // One that was named and isn't there is a slip or a lost mount; a fresh one in its place would open nothing.
        let may_be_made = path.is_none();
        let Some(path) = path.map(Path::to_owned).or(default) else {
            bail!(
                "no keyring is named, and there is no place for one: set --keyring to a file such as\n{}",
                example()
            );
        };
        if !path.exists() {
            ensure!(
                used.is_empty(),
                "the keyring {} is not there, though the database names its keys; put it back: without it what is sealed \
                 under them can't be read, and what is known by a keyed hash is known no more",
                path.display()
            );
            ensure!(
                may_be_made,
                "the keyring {} is not there; make it, readable by this user alone, with fresh random keys:\n{}",
                path.display(),
                example()
            );
            make(&path).with_context(|| format!("cannot make the keyring {}", path.display()))?;
        }
        ensure_private(&path)?;
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read the keyring {}", path.display()))?;
        let keyring = Self::parse(text.into()).with_context(|| format!("{} is no keyring", path.display()))?;
        keyring
            .ensure_has(used)
            .with_context(|| format!("the keyring {} is not whole", path.display()))?;
        Ok(keyring)
    }

    /// Refuses where a key is missing that something lies under.
    fn ensure_has(&self, used: &UsedKeys) -> anyhow::Result<()> {
        for (name, set, ids) in [
            ("encryption", &self.encryption, &used.encryption),
            ("identity", &self.identity, &used.identity),
        ] {
            let missing: Vec<_> = ids.iter().filter(|id| !set.keys.contains_key(*id)).collect();
            ensure!(
                missing.is_empty(),
                "{name}: the database names keys that are not in the file: {missing:?}; put them back, or wait until the \
                 file with the new key is on this machine"
            );
        }
        Ok(())
    }

    /// Reads the text of a keyring file.
    ///
    /// # Errors
    /// When it isn't a keyring; the error names the place and holds no key.
    pub fn parse(text: SecretString) -> anyhow::Result<Self> {
        // The parser's own error may quote the text, so only its place is kept.
        let file: KeyringFile = serde_json::from_str(text.expose_secret()).map_err(|error| {
            anyhow::anyhow!(
                "line {}, column {} is not as in\n{}",
                error.line(),
                error.column(),
                example()
            )
        })?;
        Ok(Self {
            encryption: Arc::new(file.encryption.parse("encryption")?),
            identity: Arc::new(file.identity.parse("identity")?),
        })
    }

    /// The keys of what is sealed.
    pub fn encryption(&self) -> &KeySet {
        &self.encryption
    }

    /// The keys of keyed hashes.
    pub fn identity(&self) -> &KeySet {
        &self.identity
    }
}

impl KeySet {
    /// The id of the current key: 1 to 64 letters, digits, `-`, `_` and `.`, as every id.
    pub fn current_id(&self) -> &str {
        &self.current
    }

    /// The current key, which is for all that is new.
    pub fn current(&self) -> &SecretKey {
        self.get(&self.current)
            .expect("the current key was there when the file was read")
    }

    /// A key; `None` when the file has none of this id.
    pub fn get(&self, id: &str) -> Option<&SecretKey> {
        self.keys.get(id)
    }

    /// All keys with their ids, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretKey)> {
        self.keys.iter().map(|(id, key)| (id.as_str(), key))
    }
}

impl KeySetFile {
    fn parse(self, name: &str) -> anyhow::Result<KeySet> {
        let mut keys = BTreeMap::new();
        for (id, text) in &self.keys {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            ensure!(
                (1..=64).contains(&id.len()) && id.chars().all(plain),
                "{name}: a key's id is 1 to 64 letters, digits, `-`, `_` and `.`"
            );
            let mut bytes = [0; KEY_BYTES];
            let length = BASE64.decode_slice(text.0.expose_secret(), &mut bytes).ok();
            ensure!(
                length == Some(KEY_BYTES),
                "{name}: the key {id} is not {KEY_BYTES} bytes in Base64"
            );
            keys.insert(id.clone(), SecretBox::new(Box::new(bytes)));
        }
        ensure!(
            keys.contains_key(&self.current),
            "{name}: `current` names none of its keys"
        );
        Ok(KeySet {
            current: self.current,
            keys,
        })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("encryption", &self.encryption.current)
            .field("identity", &self.identity.current)
            .finish_non_exhaustive()
    }
}

/// How a keyring looks, with a command in the place of the keys.
fn example() -> String {
    let key = "\"<openssl rand -base64 32>\"";
    file_text("2026-01", key, key)
}

fn file_text(id: &str, encryption: &str, identity: &str) -> String {
    format!(
        "{{\n  \"encryption\": {{ \"current\": \"{id}\", \"keys\": {{ \"{id}\": {encryption} }} }},\n  \
         \"identity\": {{ \"current\": \"{id}\", \"keys\": {{ \"{id}\": {identity} }} }}\n}}\n"
    )
}

/// Makes a keyring with fresh keys, whole or not at all; of two processes at once one makes it, and both use it.
fn make(path: &Path) -> anyhow::Result<()> {
    let fresh = || SecretString::from(format!("\"{}\"", BASE64.encode(fresh_bytes::<KEY_BYTES>())));
    let day = clock::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    // Another machine's keyring of the same day has another id, and is told apart by it.
    let id = format!("local-{day}-{:08x}", u32::from_be_bytes(fresh_bytes()));
    let (encryption, identity) = (fresh(), fresh());
    let text = SecretString::from(file_text(&id, encryption.expose_secret(), identity.expose_secret()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", clock::new_uuid()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text.expose_secret().as_bytes())?;
    file.sync_all()?;
    // Unlike a rename, a link never takes the place of a keyring that is there already.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Ok(()) => {
            tracing::info!(path = %path.display(), "made a keyring; without it what is sealed under its keys can't be read");
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Refuses a keyring that other users can read or change. A group may read it, as mounted secrets allow.
#[cfg(unix)]
fn ensure_private(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).with_context(|| format!("cannot look at the keyring {}", path.display()))?;
    let user = rustix::process::geteuid().as_raw();
    ensure!(
        file.mode() & 0o027 == 0,
        "the keyring {} can be read by others or changed by its group; run: chmod 600 {}",
        path.display(),
        path.display()
    );
    ensure!(
        file.uid() == user || file.uid() == 0,
        "the keyring {} is another user's; run: chown {user} {}",
        path.display(),
        path.display()
    );
    Ok(())
}

#[cfg(not(unix))]
fn ensure_private(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
