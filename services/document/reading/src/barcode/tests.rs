use super::*;
use jiff::civil::date;

/// A text as annex D of a version lays it out: header, one designator per subfile, the holder's subfile, the issuer's own.
fn text(version: u8, letters: &str, issuer: &str, elements: &[&str]) -> String {
    let holder = format!("{letters}{}\r", elements.join("\n"));
    let own = "ZVZVA01\nDAQNOT THIS ONE\r";
    let own_version = if version == 1 { "" } else { "00" };
    let start = format!("@\n\u{1e}\rANSI {issuer}{version:02}{own_version}02");
    let offset = start.len() + 20;
    let own_offset = offset + holder.len();
    let designators = format!(
        "{letters}{offset:04}{:04}ZV{own_offset:04}{:04}",
        holder.len(),
        own.len()
    );
    format!("{start}{designators}{holder}{own}")
}

const OF_2000: [&str; 7] = [
    "DAAPUBLIC-SMITH,JOHN,QUINCY",
    "DAQD12345678",
    "DBA20301231",
    "DBB19740812",
    "DBCM",
    "DBD20220601",
    "DAJVA",
];
const WITH_GIVEN_NAMES: [&str; 9] = [
    "DBA12312030",
    "DCSPUBLIC-SMITH",
    "DCTJOHN,QUINCY",
    "DBD06012022",
    "DBB08121974",
    "DBC1",
    "DAJVA",
    "DAQD12345678",
    "DCGUSA",
];
const WITH_FIRST_NAME: [&str; 14] = [
    "DAQD12345678",
    "DCSPUBLIC-SMITH",
    "DDEN",
    "DACJOHN",
    "DDFN",
    "DADQUINCY",
    "DDGN",
    "DBA12312030",
    "DBD06012022",
    "DBB08121974",
    "DBC1",
    "DAJVA",
    "DCF2424244747474786102204",
    "DCGUSA",
];

#[test]
fn every_version_and_subfile_gives_the_same_holder() {
    for version in 1..=10u8 {
        for (letters, subfile) in [("DL", Subfile::DriversLicense), ("ID", Subfile::IdentityCard)] {
            let elements: &[&str] = match version {
                1 => &OF_2000,
                2 | 3 => &WITH_GIVEN_NAMES,
                _ => &WITH_FIRST_NAME,
            };
            let reading = BarcodeReading::parse(&text(version, letters, "636000", elements));
            let reading = reading.unwrap_or_else(|| panic!("version {version} {letters} is read"));
            let truncation = if version < 4 {
                Truncation::Unknown
            } else {
                Truncation::Whole
            };
            let expected = BarcodeFields {
                number: "D12345678".into(),
                surname: "PUBLIC-SMITH".into(),
                given_names: "JOHN QUINCY".into(),
                surname_cut: truncation,
                first_name_cut: truncation,
                middle_names_cut: truncation,
                birth_date: Some(date(1974, 8, 12)),
                issue_date: Some(date(2022, 6, 1)),
                expiry_date: Some(date(2030, 12, 31)),
                sex: Some(Sex::Male),
                country: (version > 1).then(|| "USA".into()),
                jurisdiction: Some("VA".into()),
                document_discriminator: (version > 3).then(|| "2424244747474786102204".into()),
            };
            assert!(reading.fields == expected, "version {version} {letters}");
            assert_eq!((reading.version, reading.subfile), (version, subfile));
            assert_eq!(reading.issuing_jurisdiction(), Some("US-VA"));
        }
    }
}

#[test]
fn the_specimens_of_every_version_are_read() {
    for version in specimen::AamvaVersion::all() {
        for subfile in specimen::Subfile::ALL {
            for seed in 0..20 {
                let document = specimen::Document::from_seed(specimen::DocumentKind::DrivingLicence, seed);
                let truth = document.truth();
                let text = specimen::aamva_text(version, subfile, truth);
                let reading = BarcodeReading::parse(&text).expect("a barcode");
                let fields = &reading.fields;
                assert!(fields.number == truth.document_number, "{seed} {version:?}");
                assert_eq!(fields.birth_date, truth.birth_date.whole());
                assert_eq!(fields.expiry_date, Some(truth.expiry_date));
                assert_eq!(fields.issue_date, Some(truth.issue_date));
                assert_eq!(reading.version, version.number());
            }
        }
    }
}

#[test]
fn what_differs_between_issuers_is_borne() {
    let with = |from: &str, to: &str| {
        let elements = WITH_FIRST_NAME.map(|element| {
            if element == from {
                to.to_owned()
            } else {
                element.to_owned()
            }
        });
        let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
        BarcodeReading::parse(&text(8, "DL", "636012", &elements))
            .expect("a barcode")
            .fields
    };
    assert_eq!(
        with("DBB08121974", "DBB19740812").birth_date,
        Some(date(1974, 8, 12)),
        "Canada"
    );
    assert_eq!(with("DBB08121974", "DBBunavl").birth_date, None, "unknown");
    assert_eq!(with("DBB08121974", "DBB02301974").birth_date, None, "no such day");
    assert_eq!(with("DADQUINCY", "DADNONE").given_names, "JOHN", "no middle name");
    assert_eq!(with("DBC1", "DBC9").sex, Some(Sex::Unspecified));
    assert_eq!(with("DBC1", "DBC").sex, None);
    assert_eq!(
        with("DCSPUBLIC-SMITH", "DCSNONE").surname,
        "JOHN QUINCY",
        "one name only"
    );
    assert_eq!(with("DDEN", "DDET").surname_cut, Truncation::Truncated);
}

#[test]
fn an_offset_that_misses_and_other_control_characters_are_borne() {
    let good = text(9, "DL", "636014", &WITH_FIRST_NAME);
    let offset = good.replace("DL0041", "DL0039").replace('\u{1e}', "\u{1c}");
    assert_ne!(offset, good);
    assert!(BarcodeReading::parse(&offset) == BarcodeReading::parse(&good));
    assert!(BarcodeReading::parse(&good).is_some());
}

#[test]
fn what_is_no_such_data_is_none() {
    let whole = text(8, "DL", "636000", &WITH_FIRST_NAME);
    for other in [
        "",
        "ANSI ",
        "https://example.org",
        "@\n\u{1e}\rANSI 63600008",
        &whole[..50],
    ] {
        assert!(BarcodeReading::parse(other).is_none(), "{other}");
    }
    assert!(BarcodeReading::parse(&whole.replace("ANSI ", "ANSI X")).is_none());
    let without_number: Vec<&str> = WITH_FIRST_NAME[1..].to_vec();
    assert!(BarcodeReading::parse(&text(8, "DL", "636000", &without_number)).is_none());
}

#[test]
fn a_name_may_be_cut_where_the_barcode_says_so_or_it_is_as_long_as_can_be() {
    let parse =
        |version, elements: &[&str]| BarcodeReading::parse(&text(version, "DL", "636000", elements)).expect("read");
    let mut reading = parse(8, &WITH_FIRST_NAME);
    assert!(!reading.surname_may_be_cut() && !reading.given_names_may_be_cut());
    reading.fields.middle_names_cut = Truncation::Truncated;
    assert!(reading.given_names_may_be_cut() && !reading.surname_may_be_cut());
    let mut old = parse(2, &WITH_GIVEN_NAMES);
    assert!(!old.surname_may_be_cut());
    old.fields.surname = "A".repeat(40);
    assert!(old.surname_may_be_cut());
}

#[test]
fn debug_output_holds_no_personal_data() {
    let reading = BarcodeReading::parse(&text(8, "DL", "636000", &WITH_FIRST_NAME)).expect("read");
    let shown = format!("{reading:?} {:?}", reading.fields);
    for secret in ["SMITH", "D12345678", "JOHN", "1974"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}
