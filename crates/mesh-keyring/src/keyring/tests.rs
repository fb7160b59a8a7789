use super::*;
use tempfile::TempDir;

/// A keyring with one key for each id, the last of which is current; the same id is the same key.
pub(crate) fn keyring(ids: &[&str]) -> Keyring {
    Keyring::parse(text(ids).into()).expect("a keyring")
}

/// The bytes of each key are those of its id.
fn text(ids: &[&str]) -> String {
    let key = |id: &&str| {
        let mut bytes = [0; KEY_BYTES];
        bytes[..id.len()].copy_from_slice(id.as_bytes());
        format!("\"{id}\": \"{}\"", BASE64.encode(bytes))
    };
    let keys: Vec<String> = ids.iter().map(key).collect();
    let set = format!(
        "{{ \"current\": \"{}\", \"keys\": {{ {} }} }}",
        ids.last().expect("a key"),
        keys.join(", ")
    );
    format!("{{ \"encryption\": {set}, \"identity\": {set} }}")
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a keyring that its owner alone reads.
fn write(path: &Path, ids: &[&str]) {
    std::fs::write(path, text(ids)).expect("written");
    set_mode(path, 0o600);
}

fn set_mode(path: &Path, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, mode).expect("a mode");
}

fn used(encryption: &[&str], identity: &[&str]) -> UsedKeys {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    UsedKeys {
        encryption: ids(encryption),
        identity: ids(identity),
    }
}

/// Opens a keyring that nobody named, at its default place.
fn open_default(path: &Path, used: &UsedKeys) -> anyhow::Result<Keyring> {
    Keyring::open(None, Some(path.to_owned()), used)
}

#[test]
fn the_default_place_gets_a_keyring_that_only_its_owner_reads_and_that_stays() {
    let folder = scratch();
    // Also where the folder is not there yet.
    let path = folder.path().join("made/keyring.json");
    let made = open_default(&path, &UsedKeys::default()).expect("made");
    let again = open_default(&path, &UsedKeys::default()).expect("read");
    for (made, again) in [
        (made.encryption(), again.encryption()),
        (made.identity(), again.identity()),
    ] {
        assert_eq!(made.current_id(), again.current_id());
        assert_eq!(made.current().expose_secret(), again.current().expose_secret());
        assert_eq!(made.iter().count(), 1);
    }
    assert_ne!(
        made.encryption().current().expose_secret(),
        made.identity().current().expose_secret()
    );
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).expect("a file"));
    assert_eq!(mode & 0o777, 0o600);
    let files = std::fs::read_dir(folder.path().join("made")).expect("a folder");
    let names: Vec<_> = files.flatten().collect();
    assert_eq!(names.len(), 1, "a draft stays: {names:?}");

    let other = scratch();
    let other = open_default(&other.path().join("keyring.json"), &UsedKeys::default()).expect("made");
    assert_ne!(
        other.encryption().current().expose_secret(),
        made.encryption().current().expose_secret()
    );
    assert_ne!(other.encryption().current_id(), made.encryption().current_id());
}

#[test]
fn one_that_was_named_or_has_no_place_is_not_made_and_the_start_says_how_to_make_it() {
    let folder = scratch();
    let (path, default) = (folder.path().join("named.json"), folder.path().join("default.json"));
    for (path, default) in [
        (None, None),
        (Some(path.as_path()), None),
        (Some(path.as_path()), Some(default.clone())),
    ] {
        let refused = Keyring::open(path, default, &UsedKeys::default()).expect_err("no keyring");
        let error = format!("{refused:#}");
        assert!(error.contains("openssl rand -base64 32"), "{error}");
    }
    assert!(!path.exists() && !default.exists());
    write(&path, &["one"]);
    write(&default, &["two"]);
    let given = Keyring::open(Some(&path), Some(default), &UsedKeys::default()).expect("given");
    assert_eq!(given.encryption().current_id(), "one", "the named one goes first");
}

#[test]
fn a_lost_keyring_is_not_made_anew_where_something_lies_under_its_keys() {
    let folder = scratch();
    let path = folder.path().join("keyring.json");
    for used in [used(&["one"], &[]), used(&[], &["one"])] {
        let error = format!("{:#}", open_default(&path, &used).expect_err("it is lost"));
        assert!(error.contains("put it back"), "{error}");
    }
    assert!(!path.exists());
}

#[test]
fn a_start_names_the_key_that_is_missing() {
    let folder = scratch();
    let path = folder.path().join("keyring.json");
    write(&path, &["one", "two"]);
    let open = |used| Keyring::open(Some(&path), None, &used);
    open(used(&["one"], &["two", "one"])).expect("every key is there");
    for (used, name) in [
        (used(&["one", "three"], &[]), "encryption"),
        (used(&[], &["three"]), "identity"),
    ] {
        let error = format!("{:#}", open(used).expect_err("a key is missing"));
        assert!(error.contains(name) && error.contains("three"), "{error}");
    }
}

#[test]
fn a_keyring_that_others_read_or_a_group_changes_is_refused() {
    let folder = scratch();
    let path = folder.path().join("keyring.json");
    write(&path, &["one"]);
    for (mode, accepted) in [
        (0o600, true),
        (0o400, true),
        (0o440, true),
        (0o644, false),
        (0o620, false),
        (0o602, false),
    ] {
        set_mode(&path, mode);
        let opened = Keyring::open(Some(&path), None, &UsedKeys::default());
        assert_eq!(opened.is_ok(), accepted, "{mode:o}");
    }
}

#[test]
fn what_is_no_keyring_is_refused_without_a_key_in_the_error() {
    let good = text(&["one"]);
    let key = BASE64.encode({
        let mut bytes = [0; KEY_BYTES];
        bytes[..3].copy_from_slice(b"one");
        bytes
    });
    for bad in [
        String::new(),
        good.replace("\"current\": \"one\"", "\"current\": \"two\""),
        good.replace(&key, &key[..40]),
        good.replace(&key, &BASE64.encode([1; 31])),
        good.replace("\"one\"", "\"o n e\""),
        good.replace("identity", "identities"),
        good.replacen(&format!("\"{key}\""), &format!("[\"{key}\"]"), 1),
    ] {
        let error = format!("{:?}", Keyring::parse(bad.clone().into()).expect_err("refused"));
        assert!(!error.contains(&key[..8]), "{error}");
    }
    assert!(!format!("{:?}", keyring(&["one"])).contains(&key[..8]));
}

#[test]
fn a_set_has_every_key_of_the_file_and_names_the_current_one() {
    let keyring = keyring(&["two", "one"]);
    for set in [keyring.encryption(), keyring.identity()] {
        assert_eq!(set.current_id(), "one");
        let ids: Vec<&str> = set.iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["one", "two"]);
        assert_eq!(set.current().expose_secret()[..3], *b"one");
        let two = set.get("two").expect("a key").expose_secret();
        assert_eq!(two[..3], *b"two");
        assert!(set.get("three").is_none());
    }
}
