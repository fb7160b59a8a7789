use super::*;
use crate::{mrz_reading::MrzReading, samples::any_sample};
use proptest::prelude::*;

const PASSPORT: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10";
const CARD: &str = "I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<";
const LONG_NUMBER: &str = "I<UTOD23145890<7349<<<<<<<<<<<3407127M9507122UTO<<<<<<<<<<<2STEVENSON<<PETER<JOHN<<<<<<<<<";
const LONG_NUMBER_TD2: &str = "I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<D23145890<UTO3407127M95071227349<<<8";

/// Each cell as its text has it, by `sure`.
fn seen(text: &str, sure: f32) -> Seen {
    text.chars()
        .map(|c| {
            let mut scores = [0.0; ALPHABET.len()];
            scores[index_of(c).expect("a character of a zone")] = sure;
            scores
        })
        .collect()
}

fn text(decoded: &Decoded, format: MrzFormat) -> String {
    decoded.lines(format).concat()
}

#[test]
fn a_clean_zone_comes_out_as_it_is() {
    let unused = PASSPORT.replace("ZE184226B<<<<<10", "<<<<<<<<<<<<<<08");
    let filler = PASSPORT.replace("ZE184226B<<<<<10", "<<<<<<<<<<<<<<<8");
    for (format, zone) in [
        (MrzFormat::Td3, PASSPORT),
        (MrzFormat::Td3, &unused),
        (MrzFormat::Td3, &filler),
        (MrzFormat::Td1, CARD),
        (MrzFormat::Td1, LONG_NUMBER),
        (MrzFormat::Td2, LONG_NUMBER_TD2),
    ] {
        for digits in [CheckDigitsMust::Pass, CheckDigitsMust::NotPass] {
            let decoded = decode(format, &seen(zone, 9.0), digits);
            assert_eq!(text(&decoded, format), zone);
        }
    }
}

#[test]
fn field_types_and_check_digits_put_look_alikes_right() {
    for (format, zone, misread) in [
        (
            MrzFormat::Td3,
            PASSPORT,
            "P<UT0ERIK5S0N<<ANNA<MARIA<<<<<<<<K<<<<<<<<<<L8989O2C36UT07408I22F12O4159ZE1B4226B<<<<<10",
        ),
        (
            MrzFormat::Td1,
            LONG_NUMBER,
            "I<UT0D23I45890<7349<<<<<<<<<<<34O7127M9S07122UTO<<<<<<<<<<<2STEVENSON<<PETER<J0HN<<<<<<<<<",
        ),
    ] {
        let mut cells = seen(misread, 2.0);
        for (cell, truth) in cells.iter_mut().zip(zone.chars()) {
            let truth = &mut cell[index_of(truth).expect("a character of a zone")];
            *truth = truth.max(1.0);
        }
        assert_eq!(text(&decode(format, &cells, CheckDigitsMust::Pass), format), zone);
    }
}

#[test]
fn what_nothing_but_one_weak_look_tells_has_a_small_margin() {
    let mut cells = seen(PASSPORT, 9.0);
    let at = |c: char| index_of(c).expect("a character of a zone");
    cells[7][at('L')] = cells[7][at('I')] - 0.5;
    // The code of a card's first letter is no passport's, and yet as likely here.
    cells[0][at('I')] = cells[0][at('P')] - 0.5;
    // A digit more that its check digit and the composite digit do not bear out costs two others.
    cells[44 + 5][at('8')] = cells[44 + 5][at('0')] - 0.5;
    let margins = decode(MrzFormat::Td3, &cells, CheckDigitsMust::Pass).margins;
    assert!(margins[7] <= 0.51 && margins[0] <= 0.51, "{margins:?}");
    assert!(margins[8] > 5.0 && margins[44 + 5] > 5.0, "{margins:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_was_seen_a_zone_that_must_pass_passes(
        format in prop::sample::select(MrzFormat::ALL.to_vec()),
        noise in prop::collection::vec(0.0f32..1.0, 90 * ALPHABET.len()),
    ) {
        let cells = format.lines() * format.cells();
        let seen: Seen = noise.chunks(ALPHABET.len()).take(cells).map(|c| std::array::from_fn(|i| c[i])).collect();
        let reading = MrzReading::parse_lines(&decode(format, &seen, CheckDigitsMust::Pass).lines(format));
        prop_assert!(reading.expect("a zone").check_digits.all_passed());
    }

    #[test]
    fn a_zone_of_any_format_that_was_seen_plainly_is_decoded_as_it_is(sample in any_sample()) {
        prop_assume!(sample.is_right);
        let decoded = decode(sample.format, &seen(&sample.lines.concat(), 9.0), CheckDigitsMust::Pass);
        prop_assert_eq!(decoded.lines(sample.format), sample.lines);
    }
}
