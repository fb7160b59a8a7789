//! Driving licences: a front with the fields that the AAMVA standard numbers, a back with a PDF417 barcode.

use barcodes::common::traits::BarcodeEncoder;
use barcodes::common::types::Encoded;
use barcodes::twod::pdf417::Pdf417;
use image::{Rgb, RgbImage};
use jiff::civil::Date;

use crate::aamva_version::Subfile;
use crate::canvas::{Ink, fill_box};
use crate::document_truth::{DocumentTruth, LicenceTruth};
use crate::sheet::{LABEL, Millimetres, NOTICE, PRINT, Print, Sheet, chance_of_side};

const CARD: Millimetres = (85.6, 53.98);
const FRONT_SCALE: f32 = 12.0;
const BACK_SCALE: f32 = 20.0;
const SIZES: Print = Print {
    label_em: 1.7,
    value_em: 2.6,
    drop: 2.9,
};

/// Light modules around the bars.
const QUIET: u32 = 4;
/// Pixels down for each of a row's three modules. The standard asks for rows three modules high at least; these are
/// four and a half, so that a line across a turned picture crosses fewer of them.
const TALL: u32 = 6;
/// Millimetres from the card's upper edge to the middle of the barcode.
const BARCODE_MIDDLE: f32 = 36.0;
/// What the encoder writes into: three times 90 rows of 30 columns and 3 more for indicators are the most there can be.
const LARGEST_BARCODE: usize = 270 * (17 * 33 + 18);

pub(crate) fn draw(truth: &DocumentTruth, seed: u64) -> Vec<RgbImage> {
    let card = truth.licence.as_ref().expect("a licence has a licence's facts");
    vec![front(truth, card, seed), back(truth, card, seed)]
}

fn front(truth: &DocumentTruth, card: &LicenceTruth, seed: u64) -> RgbImage {
    let mut chance = chance_of_side(seed, 0);
    let mut side = Sheet::new(CARD, FRONT_SCALE, &mut chance);
    side.portrait((4.0, 13.0), (24.0, 31.0), &mut chance);
    let title = match card.subfile {
        Subfile::DrivingLicence => "DRIVER LICENSE",
        Subfile::IdentityCard => "IDENTIFICATION CARD",
    };
    side.text("UTOPIA", (4.0, 7.0), 4.4, LABEL);
    side.text("USA", (4.0, 10.8), 2.4, LABEL);
    side.text(title, (31.0, 8.0), 2.8, LABEL);
    side.text(NOTICE, (31.0, 4.2), 1.8, LABEL);
    let sex = truth.sex.in_print().to_string();
    let birth_date = truth
        .birth_date
        .whole()
        .map_or_else(|| truth.birth_date.in_print(), slashed);
    let (issued, expires) = (slashed(truth.issue_date), slashed(truth.expiry_date));
    let city = format!("{}, {} {}", card.city, card.jurisdiction, card.postal_code);
    let height = format!("{}'-{:02}\"", card.height / 12, card.height % 12);
    side.fields(
        SIZES,
        &[
            ("4d DL NO", &truth.document_number, (31.0, 12.6), 60.0),
            ("9 CLASS", &card.vehicle_class, (64.0, 12.6), 80.0),
            ("1 FAMILY NAME", &truth.surname, (31.0, 18.4), 82.0),
            ("2 GIVEN NAMES", &truth.given_names, (31.0, 24.2), 82.0),
            ("8 ADDRESS", &card.street, (31.0, 30.0), 82.0),
            ("3 DOB", &birth_date, (31.0, 38.9), 48.0),
            ("4a ISS", &issued, (50.0, 38.9), 66.0),
            ("4b EXP", &expires, (67.0, 38.9), 82.0),
            ("15 SEX", &sex, (31.0, 44.7), 37.0),
            ("16 HGT", &height, (39.0, 44.7), 48.0),
            ("18 EYES", &card.eye_colour, (50.0, 44.7), 60.0),
            ("9a END", &card.endorsements, (61.0, 44.7), 70.0),
            ("12 REST", &card.restrictions, (72.0, 44.7), 82.0),
            ("5 DD", &card.discriminator, (4.0, 47.6), 28.0),
        ],
    );
    side.text(&city, (31.0, 35.8), 2.4, PRINT);
    side.watermark(13.0, 31.0, CARD.1);
    side.in_the_middle_of_the_table()
}

fn back(truth: &DocumentTruth, card: &LicenceTruth, seed: u64) -> RgbImage {
    let mut side = Sheet::new(CARD, BACK_SCALE, &mut chance_of_side(seed, 1));
    side.text(NOTICE, (4.0, 4.6), 1.9, LABEL);
    for (line, baseline) in [
        (format!("CLASS {}: vehicles that do not exist", card.vehicle_class), 9.0),
        (
            format!(
                "RESTRICTIONS {}   ENDORSEMENTS {}",
                card.restrictions, card.endorsements
            ),
            12.2,
        ),
        (
            "Property of the fictional state of Utopia. It gives no right to drive.".to_owned(),
            15.4,
        ),
    ] {
        side.text(&line, (4.0, baseline), 1.8, PRINT);
    }
    side.watermark(13.0, 20.0, 24.0);
    if let Some(text) = &truth.barcode {
        draw_barcode(&mut side, text);
    }
    side.text(&card.discriminator, (4.0, 51.6), 1.8, PRINT);
    side.in_the_middle_of_the_table()
}

/// The barcode on a white field in the middle of the card's lower half.
fn draw_barcode(side: &mut Sheet, text: &str) {
    let mut modules = vec![false; LARGEST_BARCODE];
    let Ok(Encoded::Matrix { width, height }) = Pdf417::encode_into(text, &mut modules) else {
        panic!("a licence's text is short enough for a barcode, and a PDF417 is a matrix");
    };
    let (card_width, _) = side.px(CARD);
    let (_, middle) = side.px((0.0, BARCODE_MIDDLE));
    let fits = |module: &u32| (width as u32 + 2 * QUIET) * module <= card_width as u32;
    // Long names and numbers make wide barcodes; three pixels are the least that a blurred one can be read at.
    let across = [4, 3]
        .into_iter()
        .find(fits)
        .expect("a text within the standard's lengths has at most 29 columns");
    let (bars, quiet) = ((width as u32 * across, height as u32 * TALL), QUIET * across);
    let (left, top) = ((card_width as u32 - bars.0) / 2, middle as u32 - bars.1 / 2);
    let field = ((bars.0 + 2 * quiet) as f32, (bars.1 + 2 * quiet) as f32);
    let corner = ((left - quiet) as f32, (top - quiet) as f32);
    fill_box(&mut side.picture, corner, field, Ink::solid([252, 252, 250]));
    for y in 0..bars.1 {
        for x in 0..bars.0 {
            if modules[(y / TALL) as usize * width + (x / across) as usize] {
                side.picture.put_pixel(left + x, top + y, Rgb([20, 20, 24]));
            }
        }
    }
}

/// `08/12/1974`, as cards of the United States print dates.
fn slashed(date: Date) -> String {
    date.strftime("%m/%d/%Y").to_string()
}
