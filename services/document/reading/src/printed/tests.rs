use super::*;
use crate::mrz_reading::Sex;
use jiff::civil::date;

/// Words by line: each at its place, `(left, top)`, 20 pixels high and 12 wide a letter.
fn look(lines: &[(u32, u32, &str)]) -> Vec<Word> {
    let mut words = Vec::new();
    for (left, top, line) in lines {
        let mut left = *left;
        for text in line.split(' ') {
            let width = 12 * text.chars().count() as u32;
            words.push(Word {
                text: text.to_owned(),
                confidence: 90,
                left,
                top: *top,
                width,
                height: 20,
            });
            left += width + 10;
        }
    }
    words
}

fn fields() -> IdentityFields {
    IdentityFields {
        document_number: "L898902C3".into(),
        surname: "MUELLER OE".into(),
        given_names: "ANNA MARIA".into(),
        surname_may_be_cut: false,
        given_names_may_be_cut: false,
        nationality: Some("UTO".into()),
        issuing_state: Some("UTO".into()),
        birth_date: Some(date(1974, 8, 12)),
        issue_date: None,
        expiry_date: Some(date(2012, 4, 15)),
        sex: Some(Sex::Female),
        optional_data: String::new(),
        second_optional_data: String::new(),
        date_order: DateOrder::DayFirst,
    }
}

fn agreement(lines: &[(u32, u32, &str)], fields: &IdentityFields) -> Agreement {
    PrintedText {
        looks: vec![look(lines)],
    }
    .agrees(fields)
}

#[test]
fn a_whole_page_agrees_field_by_field() {
    let page = [
        (0, 0, "UTOPIA"),
        (0, 40, "Surname MÜLLER-Ö"),
        (0, 80, "Given names"),
        (0, 110, "ANNA MARIA"),
        (500, 40, "L 898902 C3"),
        (0, 150, "Nationality: UTOPIAN"),
        (0, 190, "Date of birth 12 AUG 1974"),
        (500, 190, "Sex"),
        (500, 220, "F"),
        (0, 230, "15.04.2012"),
    ];
    let agreement_of_page = agreement(&page, &fields());
    assert!(agreement_of_page.is_whole(), "{agreement_of_page:?}");
    assert_eq!(
        agreement(&[], &fields()),
        Agreement {
            optional_data: FieldAgreement::Agrees,
            second_optional_data: FieldAgreement::Agrees,
            ..Agreement::NOTHING_FOUND
        }
    );
}

#[test]
fn a_name_agrees_in_every_spelling_and_only_as_a_whole() {
    for (printed, expected) in [
        ("MÜLLER-Ö", FieldAgreement::Agrees),
        ("MULLER-O", FieldAgreement::Agrees),
        ("MUELLER OE", FieldAgreement::Agrees),
        ("MÜLLER-@", FieldAgreement::Agrees),
        ("MÜLLER Ö ANNA", FieldAgreement::NotFound),
        ("MÜLLER", FieldAgreement::Disagrees),
        ("Mr MÜLLER Ö", FieldAgreement::Agrees),
        ("MÖLLER Ö", FieldAgreement::Disagrees),
        ("SCHMIDT", FieldAgreement::NotFound),
    ] {
        assert_eq!(agreement(&[(0, 0, printed)], &fields()).surname, expected, "{printed}");
    }
}

#[test]
fn a_name_that_was_cut_agrees_with_its_beginning() {
    let cut = IdentityFields {
        surname: "NILAVADHANANANDA".into(),
        given_names: "CHAYAPA DEJTHAMRONG K".into(),
        given_names_may_be_cut: true,
        ..fields()
    };
    let page = [(0, 0, "NILAVADHANANANDA"), (0, 40, "CHAYAPA DEJTHAMRONG KRASUANG")];
    assert_eq!(agreement(&page, &cut).given_names, FieldAgreement::Agrees);
    let whole = IdentityFields {
        given_names_may_be_cut: false,
        ..cut
    };
    assert_eq!(agreement(&page, &whole).given_names, FieldAgreement::NotFound);
}

#[test]
fn the_sex_is_the_letter_by_its_caption() {
    let caption = (500, 0, "Sex");
    for (letters, expected) in [
        (vec![(500, 30, "F")], FieldAgreement::Agrees),
        (vec![(560, 0, "F")], FieldAgreement::Agrees),
        (vec![(500, 30, "F"), (100, 400, "M")], FieldAgreement::Agrees),
        (vec![(500, 30, "M"), (100, 400, "F")], FieldAgreement::Disagrees),
        (vec![(500, 30, "f")], FieldAgreement::Agrees),
        (vec![(100, 400, "M")], FieldAgreement::NotFound),
        (vec![(100, 400, "F")], FieldAgreement::NotFound),
    ] {
        let mut page = vec![caption];
        page.extend(&letters);
        assert_eq!(agreement(&page, &fields()).sex, expected, "{letters:?}");
    }
}

#[test]
fn without_its_caption_the_sex_is_the_only_such_letter_of_the_page() {
    for (letters, expected) in [
        (vec![(100, 400, "F")], FieldAgreement::Agrees),
        (vec![(100, 400, "F"), (100, 500, "M")], FieldAgreement::NotFound),
        (vec![(100, 400, "M")], FieldAgreement::NotFound),
        (vec![(100, 400, "f")], FieldAgreement::NotFound),
    ] {
        assert_eq!(agreement(&letters, &fields()).sex, expected, "{letters:?}");
    }
}

#[test]
fn a_later_look_can_only_add_agreement() {
    let printed = PrintedText {
        looks: vec![look(&[(0, 0, "L898902G3")]), look(&[(0, 0, "L898902C3")])],
    };
    assert_eq!(printed.agrees(&fields()).document_number, FieldAgreement::Agrees);
    let printed = PrintedText {
        looks: vec![look(&[(0, 0, "L898902G3")]), look(&[(0, 0, "nothing")])],
    };
    assert_eq!(printed.agrees(&fields()).document_number, FieldAgreement::Disagrees);
}

#[test]
fn a_closer_look_for_the_sex_is_taken_below_its_only_caption() {
    let place = |lines: &[(u32, u32, &str)]| {
        let looks = vec![look(lines)];
        PrintedText { looks }.place_of_sex()
    };
    assert_eq!(
        place(&[(100, 60, "Sex"), (300, 60, "Place of birth")]),
        Some((75, 45, 96, 100))
    );
    assert_eq!(place(&[(0, 0, "Sex")]), Some((0, 0, 96, 100)));
    assert_eq!(place(&[(100, 60, "Sex"), (100, 260, "Sexe")]), None);
    assert_eq!(place(&[(100, 60, "Date of birth")]), None);
    assert_eq!(PrintedText::default().place_of_sex(), None);
}

#[test]
fn only_a_missing_sex_asks_for_a_closer_look() {
    let lacking = Agreement {
        sex: FieldAgreement::NotFound,
        ..whole()
    };
    assert!(lacking.lacks_only_the_sex() && !whole().lacks_only_the_sex());
    let other = Agreement {
        sex: FieldAgreement::Disagrees,
        ..whole()
    };
    assert!(!other.lacks_only_the_sex() && !Agreement::NOTHING_FOUND.lacks_only_the_sex());
}

fn whole() -> Agreement {
    Agreement {
        document_number: FieldAgreement::Agrees,
        surname: FieldAgreement::Agrees,
        given_names: FieldAgreement::Agrees,
        birth_date: FieldAgreement::Agrees,
        expiry_date: FieldAgreement::Agrees,
        nationality: FieldAgreement::Agrees,
        issuing_state: FieldAgreement::Agrees,
        sex: FieldAgreement::Agrees,
        optional_data: FieldAgreement::Agrees,
        second_optional_data: FieldAgreement::Agrees,
    }
}

#[test]
fn words_come_out_of_the_engines_table() {
    let table = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
                 1\t1\t0\t0\t0\t0\t0\t0\t100\t50\t-1\t\n\
                 5\t1\t1\t1\t1\t1\t10\t20\t30\t12\t96.5\tSurname\n\
                 5\t1\t1\t1\t1\t2\t50\t20\t30\t12\t20\t \n";
    let printed = PrintedText::from_table(table);
    let expected = Word {
        text: "Surname".into(),
        confidence: 96,
        left: 10,
        top: 20,
        width: 30,
        height: 12,
    };
    assert_eq!(printed.looks, [vec![expected]]);
    assert!(PrintedText::from_table("").looks.is_empty());
}

#[test]
fn a_state_is_its_code_or_its_own_name_and_no_part_of_another() {
    for (code, printed, expected) in [
        ("UTO", "UTO", FieldAgreement::Agrees),
        ("UTO", "P<UTO", FieldAgreement::NotFound),
        ("UTO", "UTOPIA", FieldAgreement::Agrees),
        ("D", "D", FieldAgreement::Agrees),
        ("CIV", "Côte d'Ivoire", FieldAgreement::Agrees),
        ("NER", "NIGERIA", FieldAgreement::NotFound),
        ("NER", "NIGERIAN", FieldAgreement::NotFound),
        ("NGA", "NIGERIAN", FieldAgreement::Agrees),
        ("UTO", "UTOPIAN", FieldAgreement::Agrees),
        ("PRK", "KOREA", FieldAgreement::NotFound),
        ("UTO", "AUTO", FieldAgreement::NotFound),
        ("", "UTO", FieldAgreement::NotFound),
    ] {
        let fields = IdentityFields {
            nationality: Some(code.into()),
            ..fields()
        };
        assert_eq!(
            agreement(&[(0, 0, printed)], &fields).nationality,
            expected,
            "{code} {printed}"
        );
    }
}

#[test]
fn a_caption_that_surely_names_another_value_contradicts() {
    use FieldAgreement::{Agrees, Disagrees, NotFound};
    let surname = |answer: Agreement| answer.surname;
    let given_names = |answer: Agreement| answer.given_names;
    let birth_date = |answer: Agreement| answer.birth_date;
    let expiry_date = |answer: Agreement| answer.expiry_date;
    type Case = (
        &'static str,
        &'static str,
        fn(Agreement) -> FieldAgreement,
        FieldAgreement,
    );
    let table: [Case; 16] = [
        ("Surname", "SMITH", surname, Disagrees),
        ("1 FAMILY NAME", "SMITH", surname, Disagrees),
        ("Surname", "MUELLER OE", surname, Agrees),
        // Garbled by the engine, or another field's.
        ("Surname", "NUELIER", surname, NotFound),
        ("Surname", "ANNA MARIA", surname, NotFound),
        ("Surname", "Nationality", surname, NotFound),
        ("Surname", "GIVEN NAMES", surname, NotFound),
        ("Surname", "M7 X", surname, NotFound),
        ("Address", "SMITH", surname, NotFound),
        ("Given names", "JOHN", given_names, Disagrees),
        ("Given names", "ANNA", given_names, NotFound),
        ("Date of birth", "03 MAY 1961", birth_date, Disagrees),
        ("Date of birth", "15 APR 2012", birth_date, NotFound),
        ("Date of birth", "12 AUG 1974", birth_date, Agrees),
        ("Date of issue", "03 MAY 1961", birth_date, NotFound),
        ("Date of expiry", "03 MAY 1961", expiry_date, Disagrees),
    ];
    for (caption, value, of, expected) in table {
        let mut words = look(&[(0, 0, caption), (0, 30, value)]);
        let says = |words: &Vec<Word>| {
            of(PrintedText {
                looks: vec![words.clone()],
            }
            .agrees(&fields()))
        };
        assert_eq!(says(&words), expected, "{caption}: {value}");
        if expected == Disagrees {
            words.last_mut().expect("a value").confidence = SURE_WORD - 1;
            assert_eq!(says(&words), NotFound, "{caption}: {value}, not read surely");
        }
    }
}

#[test]
fn of_a_table_without_end_so_many_words_are_taken_and_a_run_is_no_longer_than_a_line() {
    let rows = |text: &str| format!("5\t1\t1\t1\t1\t1\t10\t10\t0\t20\t90\t{text}\n").repeat(3 * MOST_WORDS);
    let printed = PrintedText::from_table(&format!("header\n{}", rows("A")));
    assert_eq!(printed.looks[0].len(), MOST_WORDS);
    assert!(printed.is_possible());
    assert!(runs(&printed.looks[0]).iter().all(|run| run.len() <= MOST_RUN));
    let long = PrintedText::from_table(&format!("header\n{}", rows(&"A".repeat(MOST_WORD_BYTES + 1))));
    assert!(long.looks.is_empty());
}
