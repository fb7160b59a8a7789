//! National identity cards: TD1 (ICAO Doc 9303 part 5) and TD2 (part 6), in millimetres.

use image::RgbImage;

use crate::document_truth::DocumentTruth;
use crate::printed::{date, nationality, state};
use crate::sheet::{LABEL, Millimetres, NOTICE, PIXELS_PER_MM, PRINT, Print, Sheet, chance_of_side};

const TD1: Millimetres = (85.6, 53.98);
const TD2: Millimetres = (105.0, 74.0);
const TD1_PRINT: Print = Print {
    label_em: 1.9,
    value_em: 3.1,
    drop: 3.5,
};
const TD2_PRINT: Print = Print {
    label_em: 2.0,
    value_em: 3.4,
    drop: 3.8,
};

/// Front and back; the zone is on the back.
pub(crate) fn draw_td1(truth: &DocumentTruth, seed: u64) -> Vec<RgbImage> {
    vec![td1_front(truth, seed), td1_back(truth, seed)]
}

fn td1_front(truth: &DocumentTruth, seed: u64) -> RgbImage {
    let mut chance = chance_of_side(seed, 0);
    let mut side = Sheet::new(TD1, PIXELS_PER_MM, &mut chance);
    side.portrait((4.0, 12.0), (23.0, 30.0), &mut chance);
    side.text(state(truth), (4.0, 7.0), 4.0, LABEL);
    side.text("IDENTITY CARD", (32.0, 7.4), 2.4, LABEL);
    side.text(NOTICE, (32.0, 4.0), 1.9, LABEL);
    let values = Values::of(truth);
    side.fields(
        TD1_PRINT,
        &[
            ("Surname", &truth.surname, (30.0, 12.0), 82.0),
            ("Given names", &truth.given_names, (30.0, 18.7), 82.0),
            ("Nationality", nationality(truth), (30.0, 25.4), 52.0),
            ("Sex", &values.sex, (56.0, 25.4), 60.0),
            ("Date of birth", &values.birth_date, (62.0, 25.4), 82.0),
            ("Document No.", &truth.document_number, (30.0, 32.1), 60.0),
            ("Date of expiry", &values.expiry_date, (62.0, 32.1), 82.0),
            ("Place of birth", &truth.place_of_birth, (30.0, 38.8), 60.0),
            ("Date of issue", &values.issue_date, (62.0, 38.8), 82.0),
            ("Personal No.", &truth.optional_data, (30.0, 45.5), 82.0),
        ],
    );
    side.watermark(13.0, 31.0, TD1.1);
    side.in_the_middle_of_the_table()
}

fn td1_back(truth: &DocumentTruth, seed: u64) -> RgbImage {
    let mut side = Sheet::new(TD1, PIXELS_PER_MM, &mut chance_of_side(seed, 1));
    side.text(NOTICE, (5.0, 4.6), 1.9, LABEL);
    side.fields(
        TD1_PRINT,
        &[
            ("Authority", &truth.authority, (5.0, 9.6), 40.0),
            ("Register No.", &truth.second_optional_data, (46.0, 9.6), 80.0),
        ],
    );
    for (line, baseline) in [
        ("This card is the property of the fictional state of Utopia.", 19.0),
        (
            "Whoever finds it may keep it: it is of nobody and proves nothing.",
            22.2,
        ),
    ] {
        side.text(line, (5.0, baseline), 1.9, PRINT);
    }
    side.watermark(13.0, 24.0, 31.0);
    side.zone(&truth.mrz, 4.7, &[36.1, 42.45, 48.8]);
    side.in_the_middle_of_the_table()
}

/// The one side with print and zone.
pub(crate) fn draw_td2(truth: &DocumentTruth, seed: u64) -> RgbImage {
    let mut chance = chance_of_side(seed, 0);
    let mut side = Sheet::new(TD2, PIXELS_PER_MM, &mut chance);
    side.portrait((5.0, 14.0), (27.0, 35.0), &mut chance);
    side.text(state(truth), (5.0, 8.6), 4.4, LABEL);
    side.text("IDENTITY CARD", (40.0, 8.6), 2.6, LABEL);
    side.text(NOTICE, (40.0, 4.8), 2.1, LABEL);
    let values = Values::of(truth);
    side.fields(
        TD2_PRINT,
        &[
            ("Surname", &truth.surname, (36.0, 14.0), 101.0),
            ("Given names", &truth.given_names, (36.0, 21.4), 101.0),
            ("Nationality", nationality(truth), (36.0, 28.8), 60.0),
            ("Sex", &values.sex, (64.0, 28.8), 70.0),
            ("Date of birth", &values.birth_date, (74.0, 28.8), 101.0),
            ("Document No.", &truth.document_number, (36.0, 36.2), 72.0),
            ("Date of expiry", &values.expiry_date, (74.0, 36.2), 101.0),
            ("Place of birth", &truth.place_of_birth, (36.0, 43.6), 72.0),
            ("Date of issue", &values.issue_date, (74.0, 43.6), 101.0),
            ("Personal No.", &truth.optional_data, (36.0, 51.0), 72.0),
            ("Authority", &truth.authority, (74.0, 51.0), 101.0),
        ],
    );
    side.watermark(16.0, 41.0, 56.4);
    side.zone(&truth.mrz, 6.78, &[62.0, 68.35]);
    side.in_the_middle_of_the_table()
}

/// What is worded alike on all cards.
struct Values {
    sex: String,
    birth_date: String,
    issue_date: String,
    expiry_date: String,
}

impl Values {
    fn of(truth: &DocumentTruth) -> Self {
        Self {
            sex: truth.sex.in_print().to_string(),
            birth_date: truth.birth_date.in_print(),
            issue_date: date(truth.issue_date),
            expiry_date: date(truth.expiry_date),
        }
    }
}
