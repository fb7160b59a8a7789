//! What the demo shows the mesh: the pictures of a document, and who the member says to be.

use super::{Arguments, Kind};
use anyhow::Context;
use mesh_proto::document::v1::DocumentType;

/// The pictures, and who the member says to be.
pub struct Material {
    pub given_names: String,
    pub family_name: String,
    pub birth_date: String,
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
        let options = specimen::DocumentOptions::new(arguments.kind.drawn(), arguments.seed)
            .valid_until(specimen::FAR_EXPIRY_DATE);
        let document = if arguments.expired { options.expired() } else { options }.build();
        let truth = document.truth();
        let (given_names, family_name) = match arguments.name.as_deref().map(str::trim) {
            None => (truth.given_names.clone(), truth.surname.clone()),
            Some(name) => match name.rsplit_once(' ') {
                None => (name.to_owned(), String::new()),
                Some((given, family)) => (given.trim().to_owned(), family.to_owned()),
            },
        };
        let pictures = match &arguments.document {
            None => document.draw().iter().map(specimen::to_png).collect(),
            Some(file) => vec![std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?],
        };
        let drawn_birth_date = truth.birth_date.whole().map(|date| date.to_string());
        Ok(Self {
            given_names,
            family_name,
            birth_date: arguments.birth_date.clone().or(drawn_birth_date).unwrap_or_default(),
            document_type: arguments.kind.announced(),
            pictures,
        })
    }

    /// The member's name as it is printed on the screen.
    pub fn shown_name(&self) -> String {
        format!("{} {}", self.given_names, self.family_name).trim().to_owned()
    }
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
