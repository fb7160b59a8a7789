//! The one list of the mesh's services. A new service is a row here.

use std::{
    ffi::OsString,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// Settings of a service, their names without its prefix.
pub type Settings = Vec<(String, OsString)>;

/// A service, as whoever builds and starts it needs to know it.
#[derive(Debug, Clone, Copy)]
pub struct ServiceFacts {
    /// Its name, such as `document`; its variables begin with `DOCUMENT_`.
    pub name: &'static str,
    /// Its package, and the binary of it.
    pub package: &'static str,
    /// Other packages whose binaries it runs.
    pub programs: &'static [&'static str],
    /// Where its gRPC API listens unless told otherwise.
    pub grpc_port: u16,
    /// Where its health page listens unless told otherwise.
    pub health_port: u16,
    /// Extensions of PostgreSQL that it needs: those that only a superuser may create, and others that take time to create.
    pub extensions: &'static [&'static str],
    /// The services that it calls; it is told each address as `<PEER>_URL`.
    pub peers: &'static [&'static str],
    /// What else it must be told when its mesh has this folder.
    pub settings: fn(&Path) -> anyhow::Result<Settings>,
}

/// Every service. Those that are started come up at once, so the order decides nothing but how they are listed.
pub const SERVICES: [ServiceFacts; 5] = [
    ServiceFacts {
        name: "orchestrator",
        package: "orchestrator-service",
        programs: &[],
        grpc_port: 7401,
        health_port: 9401,
        extensions: &[],
        peers: &["document", "community", "in-person", "reputation"],
        settings: nothing_else,
    },
    ServiceFacts {
        name: "document",
        package: "document-service",
        programs: &["document-reading"],
        grpc_port: 7402,
        health_port: 9402,
        extensions: &[],
        peers: &["orchestrator"],
        settings: of_document,
    },
    ServiceFacts {
        name: "community",
        package: "community-service",
        programs: &[],
        grpc_port: 7403,
        health_port: 9403,
        extensions: &[],
        peers: &["reputation"],
        settings: nothing_else,
    },
    ServiceFacts {
        name: "in-person",
        package: "in-person-service",
        programs: &[],
        grpc_port: 7404,
        health_port: 9404,
        extensions: &["postgis", "btree_gist"],
        peers: &["community"],
        settings: of_in_person,
    },
    ServiceFacts {
        name: "reputation",
        package: "reputation-service",
        programs: &[],
        grpc_port: 7405,
        health_port: 9405,
        extensions: &[],
        peers: &["community"],
        settings: nothing_else,
    },
];

/// The name of a service's database, before what makes it unique.
pub fn database_of(service: &str) -> String {
    service.replace('-', "_")
}

/// The extensions that the database of this name needs; none where it is no service's.
pub(crate) fn extensions_of(database: &str) -> &'static [&'static str] {
    let facts = SERVICES.iter().find(|facts| database_of(facts.name) == database);
    facts.map_or(&[], |facts| facts.extensions)
}

/// The prefix of a service's variables.
pub(crate) fn prefix(service: &str) -> String {
    format!("{}_", service.to_uppercase().replace('-', "_"))
}

fn nothing_else(_folder: &Path) -> anyhow::Result<Settings> {
    Ok(Vec::new())
}

fn of_document(folder: &Path) -> anyhow::Result<Settings> {
    let objects = folder.join("documents");
    std::fs::create_dir(&objects)?;
    Ok(vec![
        ("STORE_URL".to_owned(), format!("file://{}", objects.display()).into()),
        ("OCR_MODEL_DIR".to_owned(), ocr_model_folder().into()),
    ])
}

fn of_in_person(folder: &Path) -> anyhow::Result<Settings> {
    let keyring = write_keyring(&folder.join("in-person.keyring.json"))?;
    Ok(vec![("KEYRING".to_owned(), keyring.into())])
}

/// Writes a keyring, and says where it lies.
pub(crate) fn write_keyring(path: &Path) -> anyhow::Result<PathBuf> {
    // Keys of 32 bytes each, in Base64, of what goes with the test.
    const KEYRING: &str = r#"{
  "encryption": { "current": "test", "keys": { "test": "dGVzdC1lbmNyeXB0aW9uLWtleS1vZi0zMi1ieXRlcyE=" } },
  "identity": { "current": "test", "keys": { "test": "dGVzdC1pZGVudGl0eS1rZXktb2YtMzItYnl0ZXMtISE=" } }
}
"#;
    // The service refuses one that others can read.
    let mut file = std::fs::OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(KEYRING.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_owned())
}

/// The recognition model that the document service reads with, in this checkout.
///
/// Looked for from where we run, not where we were compiled: checkouts that share a target folder share our code.
fn ocr_model_folder() -> PathBuf {
    const MODEL: &str = "services/document/reading/model";
    let starts = [
        std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
        std::env::current_dir().ok(),
    ];
    let above = starts.iter().flatten().flat_map(|start| start.ancestors());
    let found = above.map(|folder| folder.join(MODEL)).find(|folder| folder.is_dir());
    found.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(MODEL))
}

#[cfg(test)]
mod tests {
    use super::SERVICES;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_ports_stand_once_and_peers_are_services() {
        let names: BTreeSet<_> = SERVICES.iter().map(|service| service.name).collect();
        let ports: BTreeSet<_> = SERVICES.iter().flat_map(|s| [s.grpc_port, s.health_port]).collect();
        assert_eq!((names.len(), ports.len()), (SERVICES.len(), 2 * SERVICES.len()));
        for service in SERVICES {
            assert!(service.peers.iter().all(|peer| names.contains(peer)), "{service:?}");
        }
    }
}
