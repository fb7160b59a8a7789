//! How to take a better picture.

use super::Seen;
use CheckName::*;
use mesh_types::{Check, CheckName, CheckReason};

/// How to take a better picture, a sentence each and none twice, in the order in which checks are read; empty if the
/// pictures were good enough for everything. Meant for a document that may be submitted again.
pub fn hints(checks: &[Check]) -> Vec<&'static str> {
    let seen = Seen(checks);
    let mut hints = Vec::new();
    if let Some(poor) = seen.failure(ImageQuality) {
        hints.push(of_picture(&poor.reason));
    }
    if seen.failed(MrzFound) {
        hints.push("Show the lines of letters, digits and < signs whole: on a card they are often on the back.");
    }
    if seen.failed(MrzCheckDigits) {
        hints.push(
            "Hold the camera straight above the lines of letters, digits and < signs, without shadow or glare on them.",
        );
    }
    if seen.failed(BarcodeFound) {
        hints.push("Show the barcode whole, flat and sharp.");
    }
    let printed = [PrintedDocumentNumber, PrintedNames, PrintedBirthDate, PrintedExpiryDate];
    if printed
        .iter()
        .any(|name| seen.failed(*name) || seen.print_is_missing(*name))
    {
        hints.push("Photograph the page with your picture so that every printed word is sharp.");
    }
    hints
}

/// The hint for what is wrong with a picture, by the reason of the check `ImageQuality`.
pub(super) fn of_picture(reason: &CheckReason) -> &'static str {
    match reason {
        CheckReason::PictureBlurred => {
            "The picture is blurred. Hold the camera still, let it focus, and use more light."
        }
        CheckReason::PictureGlare => {
            "Light is mirrored on the document. Tilt it or move the lamp until nothing shines, and use no flash."
        }
        CheckReason::PictureCropped => {
            "A part of the document is cut off. Show all four corners with some of the table around them."
        }
        CheckReason::PictureTooSmall => {
            "The document is too small in the picture. Go nearer, or use the camera's full resolution."
        }
        _ => "The picture is not good enough. Photograph the whole document, flat, sharp and in good light.",
    }
}
