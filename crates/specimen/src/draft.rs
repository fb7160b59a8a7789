//! From a seed and what is asked to everything that a document says.

use jiff::ToSpan;
use jiff::civil::Date;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::aamva::{self, aamva_text};
use crate::aamva_version::AamvaVersion;
use crate::birth_date::BirthDate;
use crate::document_kind::DocumentKind;
use crate::document_options::{
    DocumentOptions, RequestedBarcode, RequestedBirthDate, RequestedNumber, RequestedState, Validity,
};
use crate::document_truth::{DocumentTruth, LicenceTruth};
use crate::letters::in_ascii;
use crate::person;
use crate::truth::Sex;
use crate::zone::{ZoneFields, names_in_zone, zone_lines};

pub(crate) fn truth(options: DocumentOptions) -> DocumentTruth {
    // Everything is drawn from the seed even if overridden, so that an override changes nothing else.
    let mut chance = ChaCha8Rng::seed_from_u64(options.seed);
    let invented = (
        person::invent_surname(&mut chance),
        person::invent_given_names(&mut chance),
    );
    let (surname, given_names) = options.names.clone().unwrap_or(invented);
    let age_in_days = chance.random_range(18 * 366..85 * 365);
    let invented_sex = match chance.random_range(0..10) {
        0..=4 => Sex::Female,
        5..=8 => Sex::Male,
        _ => Sex::Unspecified,
    };
    let sex = options.sex.unwrap_or(invented_sex);
    let passport_number = invent_document_number(&mut chance);
    let (valid_for, expired_for) = (chance.random_range(1..3600), chance.random_range(1..1461));
    let expiry_date = match options.validity {
        Validity::Valid => before(options.today, -valid_for),
        Validity::Expired => before(options.today, expired_for),
        Validity::Until(day) => day,
    };
    let personal_number = match chance.random_range(0..2) {
        0 => String::new(),
        _ => invent_personal_number(&mut chance),
    };
    let place_of_birth = person::invent_town(&mut chance);

    // What a kind has of its own comes from a stream of its own, and the holder stays the same on all.
    let own = &mut ChaCha8Rng::seed_from_u64(options.seed);
    own.set_stream(16 + options.kind as u64);
    let birth_date = birth_date(&options, before(options.today, age_in_days), own);
    let document_number = document_number(&options, &passport_number, own);
    let (optional_data, second_optional_data) = optional_data(
        options.kind,
        &document_number,
        (&passport_number, &personal_number),
        own,
    );
    let state = state(&options);
    let draft = DocumentTruth {
        kind: options.kind,
        document_code: document_code(options.kind).to_owned(),
        issuing_state: state.to_owned(),
        document_number,
        zone_surname: in_ascii(&surname),
        zone_given_names: in_ascii(&given_names),
        surname,
        given_names,
        nationality: if options.kind == DocumentKind::DrivingLicence {
            ""
        } else {
            state
        }
        .to_owned(),
        birth_date,
        sex,
        place_of_birth,
        issue_date: expiry_date.saturating_sub(10.years()).saturating_add(1.day()),
        expiry_date,
        authority: authority(options.kind).to_owned(),
        optional_data,
        second_optional_data,
        mrz: Vec::new(),
        barcode: None,
        licence: None,
    };
    match options.kind {
        DocumentKind::DrivingLicence => with_licence(draft, &options, own),
        _ => with_zone(draft),
    }
}

fn with_zone(mut truth: DocumentTruth) -> DocumentTruth {
    let Some(format) = truth.kind.zone_format() else {
        return truth;
    };
    truth.mrz = zone_lines(
        format,
        &ZoneFields {
            document_code: truth.document_code.clone(),
            issuing_state: truth.issuing_state.clone(),
            surname: truth.surname.clone(),
            given_names: truth.given_names.clone(),
            document_number: truth.document_number.clone(),
            nationality: truth.nationality.clone(),
            birth_date: truth.birth_date,
            sex: truth.sex,
            expiry_date: truth.expiry_date,
            optional_data: truth.optional_data.clone(),
            second_optional_data: truth.second_optional_data.clone(),
        },
    );
    (truth.zone_surname, truth.zone_given_names) = names_in_zone(format, &truth.mrz);
    truth
}

fn with_licence(mut truth: DocumentTruth, options: &DocumentOptions, chance: &mut ChaCha8Rng) -> DocumentTruth {
    let version = match options.barcode {
        RequestedBarcode::Drawn(version) => version,
        RequestedBarcode::LeftOut => AamvaVersion::LATEST,
    };
    truth.licence = Some(LicenceTruth {
        version,
        subfile: options.subfile,
        issuer: aamva::ISSUER.to_owned(),
        street: format!(
            "{} {} STREET",
            chance.random_range(1..2000),
            person::invent_town(chance)
        ),
        city: person::invent_town(chance).chars().take(20).collect(),
        jurisdiction: aamva::JURISDICTION.to_owned(),
        postal_code: invent_digits(9, chance),
        vehicle_class: ["A", "B", "C", "D", "M"][chance.random_range(0..5)].to_owned(),
        restrictions: ["NONE", "B", "NONE", "BE"][chance.random_range(0..4)].to_owned(),
        endorsements: ["NONE", "M", "NONE", "P"][chance.random_range(0..4)].to_owned(),
        height: chance.random_range(58..80),
        eye_colour: ["BRO", "BLU", "GRN", "HAZ", "GRY"][chance.random_range(0..5)].to_owned(),
        discriminator: invent_digits(14, chance),
    });
    truth.barcode = match options.barcode {
        RequestedBarcode::Drawn(version) => Some(aamva_text(version, options.subfile, &truth)),
        RequestedBarcode::LeftOut => None,
    };
    truth
}

fn document_code(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Passport => "P",
        DocumentKind::NationalIdTd1 | DocumentKind::NationalIdTd2 => "I",
        DocumentKind::VisaA | DocumentKind::VisaB => "V",
        DocumentKind::DrivingLicence => "",
    }
}

fn state(options: &DocumentOptions) -> &'static str {
    match (options.kind, options.state) {
        (DocumentKind::DrivingLicence, _) => "USA",
        (_, RequestedState::Utopia) => "UTO",
        (_, RequestedState::OneLetter) => "D",
    }
}

fn authority(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Passport => "PASSPORT OFFICE UTOPIA",
        DocumentKind::NationalIdTd1 | DocumentKind::NationalIdTd2 => "CIVIL REGISTRY",
        DocumentKind::VisaA | DocumentKind::VisaB => "CONSULATE",
        DocumentKind::DrivingLicence => "ROAD OFFICE",
    }
}

fn birth_date(options: &DocumentOptions, invented: Date, chance: &mut ChaCha8Rng) -> BirthDate {
    let whole = BirthDate::from(invented);
    let unknown = [
        BirthDate { day: None, ..whole },
        BirthDate {
            day: None,
            month: None,
            ..whole
        },
        BirthDate::UNKNOWN,
    ][chance.random_range(0..3)];
    match (options.birth_date, options.kind) {
        (RequestedBirthDate::Given(date), _) => date.into(),
        (RequestedBirthDate::PartlyUnknown, DocumentKind::DrivingLicence) | (RequestedBirthDate::Invented, _) => whole,
        (RequestedBirthDate::PartlyUnknown, _) => unknown,
    }
}

fn document_number(options: &DocumentOptions, passport_number: &str, chance: &mut ChaCha8Rng) -> String {
    let longest = options.kind.longest_number();
    let invented = match options.kind {
        DocumentKind::Passport => passport_number.to_owned(),
        DocumentKind::DrivingLicence => format!("{}{}", invent_character(true, chance), invent_digits(8, chance)),
        _ => invent_document_number(chance),
    };
    // Not only letters and digits in turn: a tenth character that is a letter tells more readers apart.
    let length = chance.random_range(10..=longest.max(10));
    let long: String = (0..length)
        .map(|place| invent_character(place % 4 == 0, chance))
        .collect();
    match &options.number {
        RequestedNumber::Given(number) => number.chars().take(longest).collect(),
        RequestedNumber::Long if longest > 9 => long,
        RequestedNumber::Long | RequestedNumber::Invented => invented,
    }
}

/// The personal number (of a visa the passport's number), as much as there is room for, and TD1's second field.
fn optional_data(
    kind: DocumentKind,
    document_number: &str,
    (passport_number, personal_number): (&str, &str),
    chance: &mut ChaCha8Rng,
) -> (String, String) {
    let Some(format) = kind.zone_format() else {
        return (String::new(), String::new());
    };
    let taken = match document_number.len() {
        ..=9 => 0,
        // The rest of the number, its check digit and a filler.
        length => length - 9 + 2,
    };
    let requested = match kind {
        DocumentKind::VisaA | DocumentKind::VisaB => passport_number,
        _ => personal_number,
    };
    let room = format.optional_length() - taken;
    let second = match (kind, chance.random_range(0..2)) {
        (DocumentKind::NationalIdTd1, 0) => invent_digits(chance.random_range(4..=11), chance),
        _ => String::new(),
    };
    (requested.chars().take(room).collect(), second)
}

fn before(today: Date, days: i32) -> Date {
    today.saturating_sub(days.days())
}

fn invent_document_number(chance: &mut ChaCha8Rng) -> String {
    let letters = chance.random_range(0..=2);
    let length = chance.random_range(7..=9);
    (0..length)
        .map(|place| invent_character(place < letters, chance))
        .collect()
}

fn invent_personal_number(chance: &mut ChaCha8Rng) -> String {
    let length = chance.random_range(6..=14);
    (0..length)
        .map(|place| invent_character(place % 5 == 4, chance))
        .collect()
}

fn invent_digits(length: usize, chance: &mut ChaCha8Rng) -> String {
    (0..length).map(|_| invent_character(false, chance)).collect()
}

fn invent_character(letter: bool, chance: &mut ChaCha8Rng) -> char {
    let range = if letter { b'A'..=b'Z' } else { b'0'..=b'9' };
    char::from(chance.random_range(range))
}
