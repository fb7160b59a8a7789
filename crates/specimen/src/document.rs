//! A document of any kind from a seed: what it says, and the pictures of its sides.

use image::RgbImage;

use crate::document_kind::DocumentKind;
use crate::document_options::DocumentOptions;
use crate::document_truth::DocumentTruth;
use crate::{card, data_page, draft, licence, visa};

impl DocumentOptions {
    /// Makes the document.
    pub fn build(self) -> Document {
        let seed = self.seed;
        let truth = draft::truth(self);
        Document { seed, truth }
    }
}

/// A specimen of a document of the fictional state Utopia.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    seed: u64,
    truth: DocumentTruth,
}

impl Document {
    /// A valid document of a grown-up on 2026-01-01; [`DocumentOptions`] for anything else.
    pub fn from_seed(kind: DocumentKind, seed: u64) -> Self {
        DocumentOptions::new(kind, seed).build()
    }

    /// Which document it is.
    pub fn kind(&self) -> DocumentKind {
        self.truth.kind
    }

    /// What it says, field by field.
    pub fn truth(&self) -> &DocumentTruth {
        &self.truth
    }

    /// Its sides on a table, the front first: one picture, or two of a TD1 card and of a licence.
    ///
    /// Zones are drawn as on [`Passport`](crate::Passport): letters 24 pixels high, 24.4 pixels from one to the next.
    /// A licence's front has 12 pixels to the millimetre, its back 20, with 4 pixels to a module of the barcode.
    pub fn draw(&self) -> Vec<RgbImage> {
        match self.truth.kind {
            DocumentKind::Passport => vec![data_page::draw(&self.truth, self.seed)],
            DocumentKind::NationalIdTd1 => card::draw_td1(&self.truth, self.seed),
            DocumentKind::NationalIdTd2 => vec![card::draw_td2(&self.truth, self.seed)],
            DocumentKind::DrivingLicence => licence::draw(&self.truth, self.seed),
            DocumentKind::VisaA => vec![visa::draw_a(&self.truth, self.seed)],
            DocumentKind::VisaB => vec![visa::draw_b(&self.truth, self.seed)],
        }
    }
}
