use super::*;
use crate::cipher::Part;
use crate::testing::scratch;
use mesh_types::DocumentKind;

/// A keyring with one key for each id, the last of which is current; the same id is the same key.
fn keyring(ids: &[&str]) -> Keyring {
    Keyring::parse(text(ids).into()).expect("a keyring")
}

pub(crate) fn text(ids: &[&str]) -> String {
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

fn store(folder: &Path) -> StoreUrl {
    format!("file://{}/store", folder.display())
        .parse()
        .expect("a store URL")
}

#[test]
fn a_folder_gets_a_keyring_of_its_own_that_only_its_owner_reads_and_that_stays() {
    let folder = scratch();
    let url = store(folder.path());
    let document = clock::new_uuid().into();
    let (key, wrapped) = Keyring::open(None, &url, &UsedKeys::default())
        .expect("made")
        .new_document_key(document);
    let sealed = key.seal(Part::File(1), b"picture");
    let again = Keyring::open(None, &url, &UsedKeys::default()).expect("read");
    let opened = again
        .unwrap_key(document, &wrapped)
        .expect("the same keys")
        .open(Part::File(1), &sealed);
    assert_eq!(opened.as_deref(), Some(b"picture".as_slice()));

    let path = default_path(&url).expect("beside the folder");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).expect("a file"));
        assert_eq!(mode & 0o777, 0o600);
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().collect();
    assert_eq!(names.len(), 1, "a draft stays: {names:?}");
    let other = scratch();
    let stranger = Keyring::open(None, &store(other.path()), &UsedKeys::default()).expect("made");
    assert!(
        stranger.unwrap_key(document, &wrapped).is_err(),
        "two stores have the same keys"
    );
}

#[test]
fn a_bucket_gets_no_keyring_and_the_start_says_how_to_make_one() {
    let bucket: StoreUrl = "s3://bucket".parse().expect("a store URL");
    let folder = scratch();
    let path = folder.path().join("keyring.json");
    for path in [None, Some(path.as_path())] {
        let error = format!(
            "{:#}",
            Keyring::open(path, &bucket, &UsedKeys::default()).expect_err("no keyring")
        );
        assert!(error.contains("openssl rand -base64 32"), "{error}");
    }
    Keyring::open(Some(&path), &store(folder.path()), &UsedKeys::default())
        .expect_err("one that was named is not made anew");
    assert!(!path.exists());
    write(&path, &["one"]);
    Keyring::open(Some(&path), &bucket, &UsedKeys::default()).expect("given");
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

#[test]
fn a_lost_keyring_is_not_made_anew_where_documents_are() {
    let folder = scratch();
    let url = store(folder.path());
    for used in [used(&["one"], &[]), used(&[], &["one"])] {
        let error = format!("{:#}", Keyring::open(None, &url, &used).expect_err("it is lost"));
        assert!(error.contains("put it back"), "{error}");
    }
    assert!(!default_path(&url).expect("beside the folder").exists());
}

#[test]
fn a_start_names_the_key_that_is_missing() {
    let folder = scratch();
    let path = folder.path().join("keyring.json");
    write(&path, &["one", "two"]);
    let open = |used| Keyring::open(Some(&path), &store(folder.path()), &used);
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
        let opened = Keyring::open(Some(&path), &store(folder.path()), &UsedKeys::default());
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
fn after_a_rotation_old_documents_open_and_old_hashes_are_found() {
    let document = clock::new_uuid().into();
    let (before, after, without) = (keyring(&["one"]), keyring(&["one", "two"]), keyring(&["two"]));
    let (key, wrapped) = before.new_document_key(document);
    let sealed = key.seal(Part::File(1), b"picture");
    let opened = after
        .unwrap_key(document, &wrapped)
        .expect("still there")
        .open(Part::File(1), &sealed);
    assert_eq!(opened.as_deref(), Some(b"picture".as_slice()));
    assert_eq!(after.new_document_key(document).1.key_id, "two");
    let refused = without.unwrap_key(document, &wrapped).err().expect("the key is gone");
    assert_eq!(refused.reason(), Reason::KeyUnavailable);

    let identity = Identity::new("UTO", DocumentKind::Passport, "L898902C3").expect("an identity");
    let (old, new) = (before.identity_hashes(&identity), after.identity_hashes(&identity));
    let ids: Vec<&str> = new.iter().map(|hash| hash.key_id.as_str()).collect();
    assert_eq!(ids, ["two", "two", "one", "one"], "the current key comes first");
    assert!(old.iter().all(|hash| new.contains(hash)));
}

#[test]
fn a_key_opens_nothing_but_its_own_document_place_and_bytes() {
    let (document, other) = (clock::new_uuid().into(), clock::new_uuid().into());
    let keyring = keyring(&["one"]);
    let (key, wrapped) = keyring.new_document_key(document);
    assert!(
        keyring.unwrap_key(other, &wrapped).is_err(),
        "a key moved to another document"
    );
    let sealed = key.seal(Part::File(1), b"picture");
    assert_ne!(sealed, key.seal(Part::File(1), b"picture"), "a nonce came twice");
    for part in [Part::File(2), Part::Reading(1)] {
        assert_eq!(key.open(part, &sealed), None, "{part:?}");
    }
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(key.open(Part::File(1), &changed), None, "byte {at}");
        assert_eq!(key.open(Part::File(1), &sealed[..at]), None, "cut at {at}");
    }
}
