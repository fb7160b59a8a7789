//! Visas: MRV-A and MRV-B (ICAO Doc 9303 part 7), in millimetres.

use image::RgbImage;

use crate::document_truth::DocumentTruth;
use crate::printed::{date, nationality, state};
use crate::sheet::{LABEL, Millimetres, NOTICE, PIXELS_PER_MM, Print, Sheet, chance_of_side};

const A: Millimetres = (120.0, 80.0);
const B: Millimetres = (105.0, 74.0);
const PRINT: Print = Print {
    label_em: 2.0,
    value_em: 3.4,
    drop: 3.8,
};

pub(crate) fn draw_a(truth: &DocumentTruth, seed: u64) -> RgbImage {
    let mut side = printed(truth, seed, A, 116.0);
    side.watermark(18.0, 45.0, 61.0);
    side.zone(&truth.mrz, 4.12, &[67.4, 73.75]);
    side.in_the_middle_of_the_table()
}

pub(crate) fn draw_b(truth: &DocumentTruth, seed: u64) -> RgbImage {
    let mut side = printed(truth, seed, B, 101.0);
    side.watermark(16.0, 42.0, 56.4);
    side.zone(&truth.mrz, 6.78, &[62.0, 68.35]);
    side.in_the_middle_of_the_table()
}

fn printed(truth: &DocumentTruth, seed: u64, size: Millimetres, right: f32) -> Sheet {
    let mut chance = chance_of_side(seed, 0);
    let mut side = Sheet::new(size, PIXELS_PER_MM, &mut chance);
    side.portrait((5.0, 14.0), (27.0, 35.0), &mut chance);
    side.text(state(truth), (5.0, 8.6), 4.4, LABEL);
    side.text("VISA", (40.0, 8.6), 2.6, LABEL);
    side.text(NOTICE, (40.0, 4.8), 2.1, LABEL);
    let sex = truth.sex.in_print().to_string();
    let birth_date = truth.birth_date.in_print();
    let (from, until) = (date(truth.issue_date), date(truth.expiry_date));
    let (left, middle) = (36.0, right - 30.0);
    side.fields(
        PRINT,
        &[
            ("Visa No.", &truth.document_number, (left, 14.0), middle - 3.0),
            ("Entries", "MULTIPLE", (middle, 14.0), right),
            ("Surname", &truth.surname, (left, 21.4), right),
            ("Given names", &truth.given_names, (left, 28.8), right),
            ("Nationality", nationality(truth), (left, 36.2), 58.0),
            ("Sex", &sex, (61.0, 36.2), 66.0),
            ("Date of birth", &birth_date, (middle, 36.2), right),
            ("Valid from", &from, (left, 43.6), 66.0),
            ("Valid until", &until, (middle, 43.6), right),
            ("Passport No.", &truth.optional_data, (left, 51.0), 66.0),
            ("Issued by", &truth.authority, (middle, 51.0), right),
        ],
    );
    side
}
