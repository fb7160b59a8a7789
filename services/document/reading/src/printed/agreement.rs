//! What print says of the fields of a zone or a barcode, and how the answers of looks and pages are joined.

use serde::{Deserialize, Serialize};

/// Whether the print says the same as zone or barcode of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldAgreement {
    /// The same, letter by letter, but for at most one pair that looks alike and that a check digit tells apart.
    Agrees,
    /// The field's place was found and says otherwise, or its caption surely names something else.
    Disagrees,
    /// Nothing like it was found.
    NotFound,
}

/// Whether the print says the same as zone or barcode, field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The document number.
    pub document_number: FieldAgreement,
    /// The surname, whole.
    pub surname: FieldAgreement,
    /// The given names, all of them.
    pub given_names: FieldAgreement,
    /// The birth date.
    pub birth_date: FieldAgreement,
    /// The expiry date.
    pub expiry_date: FieldAgreement,
    /// The nationality, as a code or by the state's name.
    pub nationality: FieldAgreement,
    /// The issuing state, as a code or by its name.
    pub issuing_state: FieldAgreement,
    /// The sex.
    pub sex: FieldAgreement,
    /// The optional data (personal number). Like nationality, issuing state and sex it agrees when nothing is claimed.
    pub optional_data: FieldAgreement,
    /// The second such field, which cards of three lines have.
    pub second_optional_data: FieldAgreement,
}

/// Of which fields a page has the captions, whether or not a value was read by them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captions {
    /// Of the surname.
    pub surname: bool,
    /// Of the given names.
    pub given_names: bool,
    /// Of the birth date.
    pub birth_date: bool,
}

impl Agreement {
    /// What a page without words answers.
    pub const NOTHING_FOUND: Self = Self {
        document_number: FieldAgreement::NotFound,
        surname: FieldAgreement::NotFound,
        given_names: FieldAgreement::NotFound,
        birth_date: FieldAgreement::NotFound,
        expiry_date: FieldAgreement::NotFound,
        nationality: FieldAgreement::NotFound,
        issuing_state: FieldAgreement::NotFound,
        sex: FieldAgreement::NotFound,
        optional_data: FieldAgreement::NotFound,
        second_optional_data: FieldAgreement::NotFound,
    };

    /// Whether the print agrees in every field but the sex, of which nothing was found.
    pub(crate) fn lacks_only_the_sex(&self) -> bool {
        let found = Self {
            sex: FieldAgreement::Agrees,
            ..*self
        };
        self.sex == FieldAgreement::NotFound && found.is_whole()
    }

    /// Whether the print agrees in every field.
    pub fn is_whole(&self) -> bool {
        let fields = [
            self.document_number,
            self.surname,
            self.given_names,
            self.birth_date,
            self.expiry_date,
            self.nationality,
            self.issuing_state,
            self.sex,
            self.optional_data,
            self.second_optional_data,
        ];
        fields.iter().all(|field| *field == FieldAgreement::Agrees)
    }

    /// Joins the answers of two looks at one page: for each field an agreement counts most, then a disagreement.
    pub fn or(self, other: Self) -> Self {
        self.joined(&other, FieldAgreement::or)
    }

    /// Joins the answers of two pages: for each field a disagreement counts most, then an agreement. A page that was added
    /// takes back nothing of what another one says against the document.
    pub(crate) fn with_page(self, other: Self) -> Self {
        self.joined(&other, FieldAgreement::with_page)
    }

    /// Joins the answers of two pages that both seem to be the one front of a card: a field in which they differ disagrees.
    pub(crate) fn with_rival(self, other: Self) -> Self {
        self.joined(
            &other,
            |one, other| {
                if one == other { one } else { FieldAgreement::Disagrees }
            },
        )
    }

    fn joined(self, other: &Self, join: fn(FieldAgreement, FieldAgreement) -> FieldAgreement) -> Self {
        Self {
            document_number: join(self.document_number, other.document_number),
            surname: join(self.surname, other.surname),
            given_names: join(self.given_names, other.given_names),
            birth_date: join(self.birth_date, other.birth_date),
            expiry_date: join(self.expiry_date, other.expiry_date),
            nationality: join(self.nationality, other.nationality),
            issuing_state: join(self.issuing_state, other.issuing_state),
            sex: join(self.sex, other.sex),
            optional_data: join(self.optional_data, other.optional_data),
            second_optional_data: join(self.second_optional_data, other.second_optional_data),
        }
    }
}

impl Captions {
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            surname: self.surname || other.surname,
            given_names: self.given_names || other.given_names,
            birth_date: self.birth_date || other.birth_date,
        }
    }
}

impl FieldAgreement {
    /// What was not found is contradicted where the caption names another value.
    pub(super) fn unless(self, another: impl FnOnce() -> bool) -> Self {
        match self {
            Self::NotFound if another() => Self::Disagrees,
            answer => answer,
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Agrees, _) | (_, Self::Agrees) => Self::Agrees,
            (Self::Disagrees, _) | (_, Self::Disagrees) => Self::Disagrees,
            (Self::NotFound, Self::NotFound) => Self::NotFound,
        }
    }

    fn with_page(self, other: Self) -> Self {
        match (self, other) {
            (Self::Disagrees, _) | (_, Self::Disagrees) => Self::Disagrees,
            (Self::Agrees, _) | (_, Self::Agrees) => Self::Agrees,
            (Self::NotFound, Self::NotFound) => Self::NotFound,
        }
    }
}
