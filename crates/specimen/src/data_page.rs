//! The picture of a passport's data page, in millimetres as ICAO Doc 9303 part 4 lays it out.

use image::RgbImage;

use crate::document_truth::DocumentTruth;
use crate::printed::{date, nationality, state};
use crate::sheet::{LABEL, Millimetres, NOTICE, PIXELS_PER_MM, Print, Sheet, chance_of_side};

const PAGE: Millimetres = (125.0, 88.0);
const TABLE_EDGE: Millimetres = (4.17, 3.92);
const PICTURE: (u32, u32) = (1280, 920);

const ZONE_LEFT: f32 = 6.3;
const ZONE_BASELINES: [f32; 2] = [74.2, 80.55];
const TEXT_LEFT: f32 = 45.0;
const TEXT_RIGHT: f32 = 120.0;
const SIZES: Print = Print {
    label_em: 2.0,
    value_em: 3.5,
    drop: 4.0,
};

pub(crate) fn draw(truth: &DocumentTruth, seed: u64) -> RgbImage {
    let mut chance = chance_of_side(seed, 0);
    let mut page = Sheet::new(PAGE, PIXELS_PER_MM, &mut chance);
    page.portrait((6.0, 16.0), (33.0, 43.0), &mut chance);
    print_fields(&mut page, truth);
    page.watermark(19.0, 50.0, 66.0);
    page.zone(&truth.mrz, ZONE_LEFT, &ZONE_BASELINES);
    page.on_the_table(TABLE_EDGE, PICTURE)
}

fn print_fields(page: &mut Sheet, truth: &DocumentTruth) {
    page.text(state(truth), (6.0, 9.5), 4.6, LABEL);
    page.text("PASSPORT", (6.0, 13.6), 2.6, LABEL);
    page.text(NOTICE, (62.0, 6.6), 2.2, LABEL);
    let sex = truth.sex.in_print().to_string();
    let birth_date = truth.birth_date.in_print();
    let (issue_date, expiry_date) = (date(truth.issue_date), date(truth.expiry_date));
    page.fields(
        SIZES,
        &[
            ("Type", &truth.document_code, (TEXT_LEFT, 10.0), 57.0),
            ("Code", &truth.issuing_state, (58.0, 10.0), 76.0),
            ("Passport No.", &truth.document_number, (78.0, 10.0), TEXT_RIGHT),
            ("Surname", &truth.surname, (TEXT_LEFT, 18.0), TEXT_RIGHT),
            ("Given names", &truth.given_names, (TEXT_LEFT, 25.8), TEXT_RIGHT),
            ("Nationality", nationality(truth), (TEXT_LEFT, 33.6), 76.0),
            ("Personal No.", &truth.optional_data, (78.0, 33.6), TEXT_RIGHT),
            ("Date of birth", &birth_date, (TEXT_LEFT, 41.4), 70.0),
            ("Sex", &sex, (72.0, 41.4), 78.0),
            ("Place of birth", &truth.place_of_birth, (82.0, 41.4), TEXT_RIGHT),
            ("Date of issue", &issue_date, (TEXT_LEFT, 49.2), 76.0),
            ("Authority", &truth.authority, (78.0, 49.2), TEXT_RIGHT),
            ("Date of expiry", &expiry_date, (TEXT_LEFT, 57.0), 76.0),
        ],
    );
}
