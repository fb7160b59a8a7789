use super::*;
use crate::samples::{Sample, any_sample};
use jiff::civil::date;
use proptest::prelude::*;

const UPPER: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
const LOWER: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";

fn parse(lines: &[&str]) -> Option<MrzReading> {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    MrzReading::parse_lines(&lines)
}

/// An example out of Doc 9303 and what it says: format, code, number, birth date, expiry date, optional data, the second
/// optional data, nationality.
type Example<'a> = (&'a [&'a str], MrzFormat, [&'a str; 5], Option<Date>, Date);

const PART_3_TD3: &[&str] = &[UPPER, LOWER];
const PART_5_TD1: &[&str] = &[
    "I<UTOD231458907<<<<<<<<<<<<<<<",
    "7408122F1204159UTO<<<<<<<<<<<6",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
];
const PART_6_TD2: &[&str] = &[
    "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
    "D231458907UTO7408122F1204159<<<<<<<6",
];
const PART_7_MRV_A: &[&str] = &[
    "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L8988901C4XXX4009078F96121096ZE184226B<<<<<<",
];
const PART_7_MRV_B: &[&str] = &[
    "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
    "L8988901C4XXX4009078F9612109<<<<<<<<",
];
const PART_5_LONG_NUMBER: &[&str] = &[
    "I<UTOD23145890<7349<<<<<<<<<<<",
    "3407127M9507122UTO<<<<<<<<<<<2",
    "STEVENSON<<PETER<JOHN<<<<<<<<<",
];
const PART_6_LONG_NUMBER: &[&str] = &[
    "I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<",
    "D23145890<UTO3407127M95071227349<<<8",
];

#[test]
fn the_examples_of_doc_9303_are_read_field_by_field() {
    use MrzFormat::{MrvA, MrvB, Td1, Td2, Td3};
    let (eriksson, stevenson) = (Some(date(1974, 8, 12)), Some(date(1934, 7, 12)));
    let visa_birth = Some(date(1940, 9, 7));
    // A zone has no century; the crate puts every expiry into this one.
    let (in_2012, in_2096, in_2095) = (date(2012, 4, 15), date(2096, 12, 10), date(2095, 7, 12));
    let table: [Example<'_>; 7] = [
        (
            PART_3_TD3,
            Td3,
            ["P", "L898902C3", "ZE184226B", "", "UTO"],
            eriksson,
            in_2012,
        ),
        (PART_5_TD1, Td1, ["I", "D23145890", "", "", "UTO"], eriksson, in_2012),
        (PART_6_TD2, Td2, ["I", "D23145890", "", "", "UTO"], eriksson, in_2012),
        (
            PART_7_MRV_A,
            MrvA,
            ["V", "L8988901C", "6ZE184226B", "", "XXX"],
            visa_birth,
            in_2096,
        ),
        (
            PART_7_MRV_B,
            MrvB,
            ["V", "L8988901C", "", "", "XXX"],
            visa_birth,
            in_2096,
        ),
        (
            PART_5_LONG_NUMBER,
            Td1,
            ["I", "D23145890734", "", "", "UTO"],
            stevenson,
            in_2095,
        ),
        (
            PART_6_LONG_NUMBER,
            Td2,
            ["I", "D23145890734", "", "", "UTO"],
            stevenson,
            in_2095,
        ),
    ];
    for (lines, format, texts, birth, expiry) in table {
        let reading = parse(lines).expect("a zone");
        let fields = &reading.fields;
        assert!(
            reading.check_digits.all_passed(),
            "{lines:?}: {:?}",
            reading.check_digits
        );
        assert_eq!(reading.format, format, "{lines:?}");
        let read = [
            &fields.document_code,
            &fields.document_number,
            &fields.optional_data,
            &fields.second_optional_data,
            &fields.nationality,
        ];
        assert_eq!(read.map(String::as_str), texts, "{lines:?}");
        assert_eq!(
            (fields.birth_date, fields.expiry_date),
            (birth, Some(expiry)),
            "{lines:?}"
        );
        assert_eq!(fields.issuing_state, "UTO");
        let holder = (fields.surname.as_str(), fields.given_names.as_str(), fields.sex);
        let expected = match birth == stevenson {
            true => ("STEVENSON", "PETER JOHN", Sex::Male),
            false => ("ERIKSSON", "ANNA MARIA", Sex::Female),
        };
        assert_eq!(holder, expected, "{lines:?}");
        assert!(!fields.names_may_be_cut && fields.known_of_birth.is_whole());
    }
}

#[test]
fn each_format_has_the_check_digits_that_its_part_gives_it() {
    use CheckDigit::{NotThere, Passed};
    for (lines, optional_data, composite) in [
        (PART_3_TD3, Passed, Passed),
        (PART_5_TD1, NotThere, Passed),
        (PART_6_TD2, NotThere, Passed),
        (PART_7_MRV_A, NotThere, NotThere),
        (PART_7_MRV_B, NotThere, NotThere),
    ] {
        let digits = parse(lines).expect("a zone").check_digits;
        assert_eq!(
            digits.all(),
            [Passed, Passed, Passed, optional_data, composite],
            "{lines:?}"
        );
    }
}

#[test]
fn a_long_number_holds_by_the_digit_behind_its_rest_alone() {
    for (from, to) in [("<7349<", "<7348<"), ("<7349<", "<7439<"), ("D23145890<", "D23145891<")] {
        let wrong = PART_5_LONG_NUMBER[0].replace(from, to);
        let reading = parse(&[&wrong, PART_5_LONG_NUMBER[1], PART_5_LONG_NUMBER[2]]).expect("a zone");
        assert_eq!(reading.check_digits.document_number, CheckDigit::Failed, "{to}");
    }
    // A passport's number does not go on (part 4); a filler there is a digit that was not read.
    let passport = LOWER.replace("L898902C36", "L898902C3<");
    let reading = parse(&[UPPER, &passport]).expect("a zone");
    assert_eq!(reading.fields.document_number, "L898902C3");
    assert_eq!(reading.check_digits.document_number, CheckDigit::Failed);
}

#[test]
fn what_is_known_of_a_birth_date_is_kept() {
    for (cells, year, month, day) in [
        ("740812", Some(1974), Some(8), Some(12)),
        ("7408<<", Some(1974), Some(8), None),
        ("74<<<<", Some(1974), None, None),
        ("05<<<<", Some(2005), None, None),
        ("<<0812", None, Some(8), Some(12)),
        ("<<<<<<", None, None, None),
    ] {
        let line = format!("{}{cells}{}", &LOWER[..13], &LOWER[19..]);
        let fields = parse(&[UPPER, &line]).expect("a zone").fields;
        assert_eq!(fields.known_of_birth, PartialDate { year, month, day }, "{cells}");
        assert_eq!(fields.birth_date.is_some(), fields.known_of_birth.is_whole(), "{cells}");
    }
}

#[test]
fn a_date_all_of_fillers_passes_with_the_digit_0() {
    let line = "I<UTOD231458907<<<<<<<<<<<<<<<";
    let reading = parse(&[line, "<<<<<<0F1204159UTO<<<<<<<<<<<6", PART_5_TD1[2]]).expect("a zone");
    assert_eq!(reading.check_digits.birth_date, CheckDigit::Passed);
    let reading = parse(&[line, "<<<<<<<F1204159UTO<<<<<<<<<<<6", PART_5_TD1[2]]).expect("a zone");
    assert_eq!(
        reading.check_digits.birth_date,
        CheckDigit::Failed,
        "a filler is no digit"
    );
}

#[test]
fn a_state_of_one_letter_and_a_holder_of_one_name_are_read() {
    let lower = "C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4";
    let reading = parse(&["P<D<<VAN<DER<BERG<<<<<<<<<<<<<<<<<<<<<<<<<<<", lower]).expect("a zone");
    assert_eq!(
        (
            reading.fields.issuing_state.as_str(),
            reading.fields.nationality.as_str()
        ),
        ("D", "D")
    );
    assert_eq!(
        (reading.fields.surname.as_str(), reading.fields.given_names.as_str()),
        ("VAN DER BERG", "")
    );
}

#[test]
fn a_filler_stands_for_a_digit_only_over_empty_optional_data() {
    let digits = |lower: &str| parse(&[UPPER, lower]).expect("a zone").check_digits;
    assert_eq!(
        digits("L898902C36UTO7408122F1204159<<<<<<<<<<<<<<<4").optional_data,
        CheckDigit::Passed
    );
    assert_eq!(
        digits("L898902C36UTO740812<F1204159ZE184226B<<<<<10").birth_date,
        CheckDigit::Failed
    );
    assert_eq!(
        digits("L898902C36UTO7408122F1204159ZE184226B<<<<<<0").optional_data,
        CheckDigit::Failed
    );
}

#[test]
fn a_doubtful_cell_is_known_by_its_field() {
    let mut reading = parse(PART_5_LONG_NUMBER).expect("a zone");
    let place = |line, position| Cell { line, position };
    for (cell, field) in [
        (place(0, 0), Some(ZoneField::DocumentCode)),
        (place(0, 14), Some(ZoneField::DocumentNumberDigit)),
        (place(0, 17), Some(ZoneField::DocumentNumber)),
        (place(0, 25), Some(ZoneField::OptionalData)),
        (place(1, 29), Some(ZoneField::CompositeDigit)),
        (place(2, 3), Some(ZoneField::Names)),
        (place(0, 30), None),
        (place(3, 0), None),
    ] {
        assert_eq!(reading.field_of(cell), field, "{cell:?}");
    }
    reading.doubtful = vec![place(0, 16)];
    assert!(reading.is_doubtful(ZoneField::DocumentNumber) && !reading.is_doubtful(ZoneField::OptionalData));
}

#[test]
fn a_reading_stored_before_there_were_other_formats_comes_back() {
    let whole = parse(&[UPPER, LOWER]).expect("a zone");
    let mut stored = serde_json::to_value(&whole).expect("a reading is JSON");
    stored.as_object_mut().expect("an object").remove("format");
    let fields = stored["fields"].as_object_mut().expect("an object");
    fields.remove("known_of_birth");
    fields.remove("second_optional_data");
    let back: MrzReading = serde_json::from_value(stored).expect("an old reading is a reading");
    assert_eq!((back.format, &back.lines), (MrzFormat::Td3, &whole.lines));
    assert_eq!(back.fields.birth_date, whole.fields.birth_date);
}

#[test]
fn debug_output_holds_no_personal_data() {
    let reading = parse(&[UPPER, LOWER]).expect("a zone");
    let shown = format!("{reading:?}{:?}{:?}", reading.fields, reading.fields.known_of_birth);
    assert!(
        ["ERIKSSON", "L898902C3", "740812", "1974"]
            .iter()
            .all(|text| !shown.contains(text))
    );
}

/// What the crate makes of the same lines.
fn by_the_crate(sample: &Sample) -> mrz::MrzData {
    let lines: Vec<&str> = sample.lines.iter().map(String::as_str).collect();
    let data = match (sample.format, lines.as_slice()) {
        (MrzFormat::Td1, [a, b, c]) => mrz::parse_td1(a, b, c),
        (MrzFormat::Td2, [a, b]) => mrz::parse_td2(a, b),
        (MrzFormat::Td3, [a, b]) => mrz::parse_td3(a, b),
        (MrzFormat::MrvA, [a, b]) => mrz::parse_mrv_a(a, b),
        (MrzFormat::MrvB, [a, b]) => mrz::parse_mrv_b(a, b),
        other => panic!("{other:?}"),
    };
    data.expect("a zone that keeps the rules")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn the_crate_mrz_and_our_reading_agree(sample in any_sample()) {
        let ours = MrzReading::parse_lines(&sample.lines).expect("a zone");
        let theirs = by_the_crate(&sample);
        let fields = &ours.fields;
        prop_assert_eq!(ours.format, sample.format);
        prop_assert_eq!(&fields.document_code, &theirs.document_type);
        prop_assert_eq!(&fields.issuing_state, &theirs.issuing_country);
        prop_assert_eq!(fields.document_number.as_str(), theirs.full_document_number());
        prop_assert_eq!(&fields.document_number, &sample.document_number);
        prop_assert_eq!(&fields.surname, &theirs.surname);
        prop_assert_eq!(&fields.given_names, &theirs.given_names);
        prop_assert_eq!(&fields.nationality, &theirs.nationality);
        prop_assert_eq!(fields.birth_date, day(theirs.date_of_birth));
        prop_assert_eq!(fields.expiry_date, day(theirs.date_of_expiry));
        prop_assert_eq!(fields.optional_data.as_str(), theirs.optional_data_1.as_deref().unwrap_or_default());
        prop_assert_eq!(fields.second_optional_data.as_str(), theirs.optional_data_2.as_deref().unwrap_or_default());
        let of_the_crate = |digit: Option<bool>| match digit {
            None => CheckDigit::NotThere,
            Some(true) => CheckDigit::Passed,
            Some(false) => CheckDigit::Failed,
        };
        let checks = &theirs.checks;
        let theirs = [
            checks.document_number, checks.date_of_birth, checks.date_of_expiry, checks.personal_number, checks.composite,
        ];
        prop_assert_eq!(ours.check_digits.all(), theirs.map(of_the_crate));
        prop_assert_eq!(ours.check_digits.all_passed(), sample.is_right);
    }
}

proptest! {
    #[test]
    fn one_wrong_digit_in_a_date_never_passes(position in 13usize..19, digit in 0u8..10) {
        let mut line = LOWER.as_bytes().to_vec();
        prop_assume!(line[position] != b'0' + digit);
        line[position] = b'0' + digit;
        let line = String::from_utf8(line).expect("ASCII");
        prop_assert!(!parse(&[UPPER, &line]).expect("a zone").check_digits.all_passed());
    }
}
