//! Zones are those of ICAO Doc 9303, to the letter, and an independent parser reads them.

use jiff::civil::date;
use mrz::MrzData;
use specimen::{BirthDate, Document, DocumentKind, DocumentOptions, Sex, ZoneFields, ZoneFormat, zone_lines};

fn eriksson(document_code: &str) -> ZoneFields {
    ZoneFields {
        document_code: document_code.to_owned(),
        issuing_state: "UTO".to_owned(),
        surname: "Eriksson".to_owned(),
        given_names: "Anna Maria".to_owned(),
        document_number: "D23145890".to_owned(),
        nationality: "UTO".to_owned(),
        birth_date: date(1974, 8, 12).into(),
        sex: Sex::Female,
        expiry_date: date(2012, 4, 15),
        optional_data: String::new(),
        second_optional_data: String::new(),
    }
}

#[test]
fn the_passport_of_part_4_comes_out_letter_by_letter() {
    let fields = ZoneFields {
        document_number: "L898902C3".to_owned(),
        optional_data: "ZE184226B".to_owned(),
        ..eriksson("P")
    };
    assert_eq!(
        zone_lines(ZoneFormat::Td3, &fields),
        [
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
        ]
    );
}

#[test]
fn the_card_of_part_5_comes_out_letter_by_letter() {
    assert_eq!(
        zone_lines(ZoneFormat::Td1, &eriksson("I")),
        [
            "I<UTOD231458907<<<<<<<<<<<<<<<",
            "7408122F1204159UTO<<<<<<<<<<<6",
            "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
        ]
    );
}

#[test]
fn the_long_number_of_part_5_goes_on_in_the_optional_data() {
    let fields = ZoneFields {
        surname: "Stevenson".to_owned(),
        given_names: "Peter John".to_owned(),
        document_number: "D23145890734".to_owned(),
        birth_date: date(1934, 7, 12).into(),
        sex: Sex::Male,
        expiry_date: date(1995, 7, 12),
        ..eriksson("I")
    };
    let lines = zone_lines(ZoneFormat::Td1, &fields);
    assert_eq!(
        lines,
        [
            "I<UTOD23145890<7349<<<<<<<<<<<",
            "3407127M9507122UTO<<<<<<<<<<<2",
            "STEVENSON<<PETER<JOHN<<<<<<<<<",
        ]
    );
    assert_eq!(
        zone_lines(ZoneFormat::Td2, &fields)[1],
        "D23145890<UTO3407127M95071227349<<<8"
    );
}

#[test]
fn the_card_of_part_6_comes_out_letter_by_letter() {
    assert_eq!(
        zone_lines(ZoneFormat::Td2, &eriksson("I")),
        [
            "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
            "D231458907UTO7408122F1204159<<<<<<<6",
        ]
    );
}

#[test]
fn the_visas_of_part_7_come_out_letter_by_letter() {
    let fields = ZoneFields {
        document_number: "L8988901C".to_owned(),
        nationality: "XXX".to_owned(),
        birth_date: date(1940, 9, 7).into(),
        expiry_date: date(1996, 12, 10),
        optional_data: "6ZE184226B".to_owned(),
        ..eriksson("V")
    };
    assert_eq!(
        zone_lines(ZoneFormat::MrvA, &fields),
        [
            "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "L8988901C4XXX4009078F96121096ZE184226B<<<<<<",
        ]
    );
    let small = ZoneFields {
        optional_data: "6ZE18422".to_owned(),
        ..fields
    };
    assert_eq!(
        zone_lines(ZoneFormat::MrvB, &small),
        [
            "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
            "L8988901C4XXX4009078F96121096ZE18422",
        ]
    );
}

#[test]
fn unknown_dates_and_one_letter_states_are_fillers() {
    let fields = ZoneFields {
        issuing_state: "D".to_owned(),
        nationality: "D".to_owned(),
        birth_date: BirthDate {
            year: Some(1974),
            month: None,
            day: None,
        },
        ..eriksson("ID")
    };
    let lines = zone_lines(ZoneFormat::Td1, &fields);
    assert_eq!(&lines[0][..5], "IDD<<");
    // 7 × 7 + 4 × 3 = 61; fillers weigh nothing.
    assert_eq!(&lines[1][..7], "74<<<<1");
    assert_eq!(&lines[1][15..18], "D<<");
    let unknown = BirthDate::UNKNOWN;
    assert_eq!(
        (unknown.in_zone().as_str(), unknown.in_print().as_str()),
        ("<<<<<<", "XX XX XXXX")
    );
}

#[test]
fn an_independent_parser_reads_ten_thousand_zones_as_they_were_meant() {
    for seed in 0..2_000 {
        for format in ZoneFormat::ALL {
            let fields = ZoneFields::invent(format, seed);
            let lines = zone_lines(format, &fields);
            let parsed = parse(format, &lines);
            let place = format!("{format:?}, seed {seed}: {lines:?}");
            assert!(lines.iter().all(|line| line.len() == format.line_length()), "{place}");
            assert!(parsed.checksum_consistent(), "{place}");
            assert_eq!(parsed.full_document_number(), fields.document_number, "{place}");
            assert_eq!(parsed.document_type, fields.document_code, "{place}");
            assert_eq!(parsed.issuing_country, fields.issuing_state, "{place}");
            assert_eq!(parsed.nationality, fields.nationality, "{place}");
            assert_eq!(
                parsed.optional_data_1.unwrap_or_default(),
                fields.optional_data,
                "{place}"
            );
            let second = parsed.optional_data_2.unwrap_or_default();
            assert_eq!(second, fields.second_optional_data, "{place}");
            if let Some(birth_date) = fields.birth_date.whole() {
                let read = parsed.date_of_birth.to_string();
                assert_eq!(&read[2..], &birth_date.to_string()[2..], "{place}");
            }
            assert_eq!(
                &parsed.date_of_expiry.to_string()[2..],
                &fields.expiry_date.to_string()[2..],
                "{place}"
            );
        }
    }
}

#[test]
fn invented_zones_reach_every_corner_of_the_standard() {
    let zones: Vec<ZoneFields> = (0..500).map(|seed| ZoneFields::invent(ZoneFormat::Td1, seed)).collect();
    let some = |rule: fn(&ZoneFields) -> bool| zones.iter().filter(|fields| rule(fields)).count() >= 5;
    assert!(some(|fields| fields.document_number.len() > 9));
    assert!(some(|fields| fields.document_number.len() < 9));
    assert!(some(|fields| fields.birth_date == BirthDate::UNKNOWN));
    assert!(some(|fields| fields.issuing_state == "D"));
    assert!(some(|fields| fields.given_names.is_empty()));
    assert!(some(|fields| fields.surname.len() > 30));
    assert!(some(|fields| !fields.surname.is_ascii()));
    assert!(some(|fields| fields.second_optional_data.len() == 11));
}

#[test]
fn an_independent_parser_reads_the_truth_of_every_kind() {
    for kind in DocumentKind::ALL
        .into_iter()
        .filter(|kind| kind.zone_format().is_some())
    {
        for seed in 0..100 {
            for options in [
                DocumentOptions::new(kind, seed),
                DocumentOptions::new(kind, seed).long_number().one_letter_state(),
            ] {
                let document = options.build();
                let truth = document.truth();
                let format = kind.zone_format().expect("filtered above");
                let parsed = parse(format, &truth.mrz);
                let place = format!("{}, seed {seed}", kind.name());
                assert!(parsed.valid(), "{place}");
                assert_eq!(parsed.full_document_number(), truth.document_number, "{place}");
                assert_eq!(parsed.surname, truth.zone_surname, "{place}");
                assert_eq!(parsed.given_names, truth.zone_given_names, "{place}");
                assert_eq!(
                    parsed.optional_data_1.unwrap_or_default(),
                    truth.optional_data,
                    "{place}"
                );
                let second = parsed.optional_data_2.unwrap_or_default();
                assert_eq!(second, truth.second_optional_data, "{place}");
            }
        }
    }
}

#[test]
fn a_long_number_is_long_where_the_standard_lets_it() {
    for (kind, longest) in [
        (DocumentKind::Passport, 9),
        (DocumentKind::NationalIdTd1, 22),
        (DocumentKind::NationalIdTd2, 14),
        (DocumentKind::VisaA, 9),
    ] {
        let number = "AB1234567890123456789012";
        let document = DocumentOptions::new(kind, 1).document_number(number).build();
        assert_eq!(document.truth().document_number, number[..longest]);
        let long = DocumentOptions::new(kind, 1).long_number().build();
        assert_eq!(long.truth().document_number.len() > 9, longest > 9, "{}", kind.name());
    }
}

#[test]
fn an_unknown_birth_date_is_unknown_in_zone_and_truth() {
    for seed in 0..20 {
        let card = DocumentOptions::new(DocumentKind::NationalIdTd2, seed)
            .unknown_birth_date()
            .build();
        let truth = card.truth();
        assert_eq!(truth.birth_date.whole(), None);
        assert_eq!(&truth.mrz[1][13..19], truth.birth_date.in_zone());
        let parsed = parse(ZoneFormat::Td2, &truth.mrz);
        assert!(parsed.checksum_consistent());
    }
    let usual = Document::from_seed(DocumentKind::NationalIdTd2, 3);
    assert!(usual.truth().birth_date.whole().is_some());
}

fn parse(format: ZoneFormat, lines: &[String]) -> MrzData {
    let parsed = match (format, lines) {
        (ZoneFormat::Td1, [first, second, third]) => mrz::parse_td1(first, second, third),
        (ZoneFormat::Td2, [first, second]) => mrz::parse_td2(first, second),
        (ZoneFormat::Td3, [first, second]) => mrz::parse_td3(first, second),
        (ZoneFormat::MrvA, [first, second]) => mrz::parse_mrv_a(first, second),
        (ZoneFormat::MrvB, [first, second]) => mrz::parse_mrv_b(first, second),
        _ => panic!("{} lines for {format:?}", lines.len()),
    };
    parsed.unwrap_or_else(|error| panic!("{format:?} {lines:?}: {error}"))
}
