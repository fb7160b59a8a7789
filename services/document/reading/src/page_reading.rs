//! What one page shows.

use crate::{barcode::BarcodeReading, mrz_reading::MrzReading, printed::PrintedText, quality::Quality};
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
