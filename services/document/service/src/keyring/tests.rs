use super::*;
use crate::cipher::Part;
use crate::testing::scratch;
use mesh_runtime::clock;
use mesh_types::DocumentKind;

/// A keyring with one key for each id, the last of which is current; the same id is the same key.
pub(crate) fn keyring(ids: &[&str]) -> Keyring {
    // 43 letters or digits and a `=` are 32 bytes in Base64.
    let keys: Vec<String> = ids.iter().map(|id| format!("\"{id}\": \"{id:A<43}=\"")).collect();
    let set = format!(
        "{{ \"current\": \"{}\", \"keys\": {{ {} }} }}",
        ids.last().expect("a key"),
        keys.join(", ")
    );
    let text = format!("{{ \"encryption\": {set}, \"identity\": {set} }}");
    Keyring(mesh_keyring::Keyring::parse(text.into()).expect("a keyring"))
}

fn store(folder: &Path) -> StoreUrl {
    format!("file://{}/store", folder.display())
        .parse()
        .expect("a store URL")
}

#[test]
fn a_folder_gets_a_keyring_of_its_own_beside_it_and_it_stays() {
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

    let path = folder.path().join("store.keyring.json");
    assert!(path.exists());
    let used = UsedKeys {
        encryption: vec![wrapped.key_id.clone()],
        identity: Vec::new(),
    };
    Keyring::open(None, &url, &used).expect("it has the key that is used");
    std::fs::remove_file(&path).expect("deleted");
    Keyring::open(None, &url, &used).expect_err("it is lost");
    assert!(!path.exists(), "made anew where a document is");

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
    for (path, hint) in [(None, "documents in a bucket"), (Some(path.as_path()), "is not there")] {
        let refused = Keyring::open(path, &bucket, &UsedKeys::default()).expect_err("no keyring");
        let error = format!("{refused:#}");
        assert!(
            error.contains(hint) && error.contains("openssl rand -base64 32"),
            "{error}"
        );
    }
    let url = store(folder.path());
    Keyring::open(Some(&path), &url, &UsedKeys::default()).expect_err("one that was named is not made anew");
    assert!(!path.exists());
    Keyring::open(None, &url, &UsedKeys::default()).expect("made");
    std::fs::rename(default_path(&url).expect("beside the folder"), &path).expect("moved");
    Keyring::open(Some(&path), &bucket, &UsedKeys::default()).expect("given");
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
