//! What one page shows.

use crate::{
    barcode::BarcodeReading, files::MAX_PIXELS, mrz_reading::MrzReading, printed::PrintedText, quality::Quality,
    zone::MOST_ZONES,
};
use serde::{Deserialize, Serialize};

/// What one page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageReading {
    /// Pixels across, after the turn that the camera asks for.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The machine-readable zone of a passport or card; `None` if the page shows none.
    pub mrz: Option<MrzReading>,
    /// The zones of visas on the page, which support another document.
    #[serde(default)]
    pub visas: Vec<MrzReading>,
    /// The words outside the zone; `None` if there are none.
    pub printed: Option<PrintedText>,
    /// The barcode with AAMVA data; not looked for beside a passport's zone.
    #[serde(default)]
    pub barcode: Option<BarcodeReading>,
    /// Whether something looks like a barcode and could not be read.
    #[serde(default)]
    pub barcode_unreadable: bool,
    /// How good the picture is; `None` in readings stored before it was measured.
    #[serde(default)]
    pub quality: Option<Quality>,
}

impl PageReading {
    /// Whether reading a page can come to this. A program that a picture took over may say anything, and what it says is
    /// stored and searched: this bounds what that takes. Of what a zone says nothing is taken but its lines.
    pub(crate) fn is_possible(&self) -> bool {
        u64::from(self.width) * u64::from(self.height) <= MAX_PIXELS
            && self.visas.len() <= MOST_ZONES
            && self.mrz.iter().chain(&self.visas).all(MrzReading::is_possible)
            && self.printed.iter().all(PrintedText::is_possible)
            && self.barcode.iter().all(BarcodeReading::is_possible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mrz_reading::Cell, printed::Word};

    fn page() -> PageReading {
        let lines = [
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
        ];
        let mrz = MrzReading::parse_lines(&lines.map(str::to_owned)).expect("a zone");
        let word = Word {
            text: "ERIKSSON".to_owned(),
            confidence: 90,
            left: 3100,
            top: 10,
            width: 90,
            height: 20,
        };
        PageReading {
            width: 5000,
            height: 4000,
            mrz: Some(mrz),
            visas: Vec::new(),
            printed: Some(PrintedText {
                looks: vec![vec![word]],
            }),
            barcode: None,
            barcode_unreadable: false,
            quality: None,
        }
    }

    #[test]
    fn what_no_page_comes_to_is_no_reading() {
        assert!(page().is_possible());
        type Change = fn(&mut PageReading);
        let changes: [(&str, Change); 10] = [
            ("more pixels than are read", |page| page.width = 50_000),
            ("a hundred visas", |page| {
                page.visas = vec![page.mrz.clone().expect("a zone"); 100];
            }),
            ("a line that is none", |page| {
                page.mrz.as_mut().expect("a zone").lines[0] = "Ä".repeat(22);
            }),
            ("a name that is in no line", |page| {
                page.mrz.as_mut().expect("a zone").fields.surname = "SMITH".to_owned();
            }),
            ("more doubts than cells", |page| {
                let cell = Cell { line: 0, position: 0 };
                page.mrz.as_mut().expect("a zone").doubtful = vec![cell; 100_000];
            }),
            ("a hundred looks", |page| {
                let printed = page.printed.as_mut().expect("words");
                printed.looks = vec![Vec::new(); 100];
            }),
            ("a hundred thousand words", |page| {
                let look = &mut page.printed.as_mut().expect("words").looks[0];
                *look = vec![look[0].clone(); 100_000];
            }),
            ("a word as long as a book", |page| {
                page.printed.as_mut().expect("words").looks[0][0].text = "A".repeat(100_000);
            }),
            ("a word beyond the picture", |page| {
                page.printed.as_mut().expect("words").looks[0][0].left = u32::MAX;
            }),
            ("a word wider than the picture", |page| {
                page.printed.as_mut().expect("words").looks[0][0].width = u32::MAX;
            }),
        ];
        for (what, change) in changes {
            let mut page = page();
            change(&mut page);
            assert!(!page.is_possible(), "{what}");
        }
    }
}
