//! What the descriptors say about the services that this process serves. The descriptors may be of the whole mesh.

use anyhow::{Context, ensure};
use prost::Message;
use prost_types::FileDescriptorProto;
use std::collections::{BTreeMap, BTreeSet};

/// Streams of the kit's own services; they have no end of their own and must not hold a drain.
const OWN_STREAMS: [&str; 2] = [
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
];

/// A `FileDescriptorSet` whose files stay as they are: decoding them would drop the options that we don't know.
#[derive(Clone, PartialEq, Message)]
struct RawFileSet {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

/// The services of this process.
pub(crate) struct Catalogue {
    /// Full names, `package.Service`.
    pub(crate) services: Vec<String>,
    /// Paths of all RPCs, `/package.Service/Method`.
    pub(crate) methods: BTreeSet<String>,
    /// Paths of the RPCs whose answer is a stream, those of health and reflection with them.
    pub(crate) streaming: BTreeSet<String>,
    /// Paths of the RPCs whose request is a stream and whose answer is not.
    pub(crate) uploading: BTreeSet<String>,
    /// The encoded `FileDescriptorSet` of the files that define the services, and of what those import.
    pub(crate) descriptors: Vec<u8>,
}

impl Catalogue {
    /// Reads the services named `served` from a `FileDescriptorSet`.
    ///
    /// # Errors
    /// When it is none, or lacks a service that is served.
    pub(crate) fn read(descriptors: &[u8], served: &BTreeSet<&str>) -> anyhow::Result<Self> {
        let no_set = "the service's descriptors are not a FileDescriptorSet";
        let mut files = BTreeMap::new();
        for raw in RawFileSet::decode(descriptors).context(no_set)?.file {
            let file = FileDescriptorProto::decode(raw.as_slice()).context(no_set)?;
            files.insert(file.name().to_owned(), (file, raw));
        }
        let mut catalogue = Self {
            services: Vec::new(),
            methods: BTreeSet::new(),
            streaming: OWN_STREAMS.iter().map(|path| (*path).to_owned()).collect(),
            uploading: BTreeSet::new(),
            descriptors: Vec::new(),
        };
        let mut needed = Vec::new();
        for (name, (file, _)) in &files {
            if catalogue.add_services(file, served) {
                needed.push(name.clone());
            }
        }
        for name in served {
            ensure!(
                catalogue.services.iter().any(|service| service == name),
                "the service's descriptors lack the service {name}"
            );
        }
        let mut kept = RawFileSet::default();
        while let Some(name) = needed.pop() {
            // One that is gone is taken already, or well known to every client.
            if let Some((file, raw)) = files.remove(&name) {
                kept.file.push(raw);
                needed.extend(file.dependency);
            }
        }
        catalogue.descriptors = kept.encode_to_vec();
        Ok(catalogue)
    }

    /// Adds those services of a file that are served; says whether there are any.
    fn add_services(&mut self, file: &FileDescriptorProto, served: &BTreeSet<&str>) -> bool {
        let before = self.services.len();
        for service in &file.service {
            let name = match file.package() {
                "" => service.name().to_owned(),
                package => format!("{package}.{}", service.name()),
            };
            if !served.contains(name.as_str()) {
                continue;
            }
            for method in &service.method {
                let path = format!("/{name}/{}", method.name());
                if method.server_streaming() {
                    self.streaming.insert(path.clone());
                } else if method.client_streaming() {
                    self.uploading.insert(path.clone());
                }
                self.methods.insert(path);
            }
            self.services.push(name);
        }
        self.services.len() > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_types::{FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};

    fn file(name: &str, services: &[&str], imports: &[&str]) -> FileDescriptorProto {
        let service = |name: &&str| ServiceDescriptorProto {
            name: Some((*name).to_owned()),
            method: vec![MethodDescriptorProto {
                name: Some("Do".to_owned()),
                server_streaming: Some(*name == "Stream"),
                client_streaming: Some(*name == "Upload"),
                ..Default::default()
            }],
            ..Default::default()
        };
        FileDescriptorProto {
            name: Some(name.to_owned()),
            package: Some("p".to_owned()),
            service: services.iter().map(service).collect(),
            dependency: imports.iter().map(|name| (*name).to_owned()).collect(),
            ..Default::default()
        }
    }

    fn mesh() -> Vec<u8> {
        let files = vec![
            file("words.proto", &[], &[]),
            file("ours.proto", &["Ours", "Stream", "Upload"], &["words.proto"]),
            file("theirs.proto", &["Theirs"], &["words.proto", "more.proto"]),
            file("more.proto", &[], &[]),
        ];
        FileDescriptorSet { file: files }.encode_to_vec()
    }

    #[test]
    fn what_this_process_does_not_serve_is_not_named() {
        let served = BTreeSet::from(["p.Ours", "p.Stream", "p.Upload"]);
        let catalogue = Catalogue::read(&mesh(), &served).expect("all are there");
        assert_eq!(catalogue.services, ["p.Ours", "p.Stream", "p.Upload"]);
        let paths = ["/p.Ours/Do", "/p.Stream/Do", "/p.Upload/Do"].map(str::to_owned);
        assert_eq!(catalogue.methods, BTreeSet::from(paths));
        assert!(catalogue.streaming.contains("/p.Stream/Do") && !catalogue.streaming.contains("/p.Ours/Do"));
        assert_eq!(catalogue.uploading, BTreeSet::from(["/p.Upload/Do".to_owned()]));
        let kept = FileDescriptorSet::decode(catalogue.descriptors.as_slice()).expect("a set");
        let names: BTreeSet<_> = kept.file.iter().map(FileDescriptorProto::name).collect();
        assert_eq!(names, BTreeSet::from(["ours.proto", "words.proto"]));
    }

    #[test]
    fn a_service_without_a_descriptor_is_refused() {
        let refused = Catalogue::read(&mesh(), &BTreeSet::from(["p.Unknown"])).err();
        assert!(refused.is_some_and(|error| error.to_string().contains("p.Unknown")));
    }

    #[test]
    fn options_that_we_do_not_know_stay() {
        // Field 9999 of the file's descriptor, two bytes long.
        let unknown = [0xfa, 0xf0, 0x04, 0x02, 0x08, 0x01];
        let mut raw = file("ours.proto", &["Ours"], &[]).encode_to_vec();
        raw.extend(unknown);
        let set = RawFileSet {
            file: vec![raw.clone()],
        }
        .encode_to_vec();
        let catalogue = Catalogue::read(&set, &BTreeSet::from(["p.Ours"])).expect("it is there");
        assert_eq!(catalogue.descriptors, set);
    }
}
