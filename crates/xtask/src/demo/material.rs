//! What the demo shows the mesh: who a member says to be, and the pictures of a document.

use super::{Arguments, Kind};
use anyhow::Context;
use mesh_proto::document::v1::DocumentType;

/// Who a member says to be.
#[derive(Clone)]
pub struct Profile {
    pub given_names: String,
    pub family_name: String,
    pub birth_date: String,
}

/// The pictures of a document, and who its member says to be.
pub struct Material {
    pub profile: Profile,
    /// What the member says that it is.
    pub document_type: DocumentType,
    /// One for each side.
    pub pictures: Vec<Vec<u8>>,
}

impl Material {
    /// A drawn document of the asked-for kind, or the caller's own picture; the member is the drawn holder unless said
    /// otherwise.
    ///
    /// # Errors
    /// When the caller's picture can't be read.
    pub fn of(arguments: &Arguments) -> anyhow::Result<Self> {
        let options = options(arguments.kind, arguments.seed);
        let document = if arguments.expired { options.expired() } else { options }.build();
        let mut profile = Profile::of_holder(&document);
        if let Some(name) = arguments.name.as_deref().map(str::trim) {
            (profile.given_names, profile.family_name) = match name.rsplit_once(' ') {
                None => (name.to_owned(), String::new()),
                Some((given, family)) => (given.trim().to_owned(), family.to_owned()),
            };
        }
        if let Some(birth_date) = &arguments.birth_date {
            profile.birth_date.clone_from(birth_date);
        }
        let pictures = match &arguments.document {
            None => drawn(&document),
            Some(file) => vec![std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?],
        };
        Ok(Self {
            profile,
            document_type: arguments.kind.announced(),
            pictures,
        })
    }

    /// A drawn passport that is valid, and its holder.
    pub fn passport(seed: u64) -> Self {
        let document = options(Kind::Passport, seed).build();
        Self {
            profile: Profile::of_holder(&document),
            document_type: Kind::Passport.announced(),
            pictures: drawn(&document),
        }
    }
}

impl Profile {
    /// The name as it is printed on the screen.
    pub fn shown_name(&self) -> String {
        format!("{} {}", self.given_names, self.family_name).trim().to_owned()
    }

    fn of_holder(document: &specimen::Document) -> Self {
        let truth = document.truth();
        let birth_date = truth.birth_date.whole().map(|date| date.to_string());
        Self {
            given_names: truth.given_names.clone(),
            family_name: truth.surname.clone(),
            birth_date: birth_date.unwrap_or_default(),
        }
    }
}

fn options(kind: Kind, seed: u64) -> specimen::DocumentOptions {
    specimen::DocumentOptions::new(kind.drawn(), seed).valid_until(specimen::FAR_EXPIRY_DATE)
}

fn drawn(document: &specimen::Document) -> Vec<Vec<u8>> {
    document.draw().iter().map(specimen::to_png).collect()
}

impl Kind {
    fn drawn(self) -> specimen::DocumentKind {
        match self {
            Kind::Passport => specimen::DocumentKind::Passport,
            Kind::Td1 => specimen::DocumentKind::NationalIdTd1,
            Kind::Td2 => specimen::DocumentKind::NationalIdTd2,
            Kind::Licence => specimen::DocumentKind::DrivingLicence,
        }
    }

    fn announced(self) -> DocumentType {
        match self {
            Kind::Passport => DocumentType::Passport,
            Kind::Td1 | Kind::Td2 => DocumentType::NationalId,
            Kind::Licence => DocumentType::DriversLicense,
        }
    }
}
