use super::*;

const LINE: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";

fn seen(text: &str) -> Seen {
    let place = |c: char| index_of(c).expect("a character of a zone");
    text.chars()
        .map(|c| std::array::from_fn(|at| if at == place(c) { 30.0 } else { 10.0 }))
        .collect()
}

const LOWER: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";

/// What the glyph eye sees of a text: each shape by half more like itself than like any other.
fn glyphs(text: &str) -> CellScores {
    let place = |c: char| index_of(c).expect("a character of a zone");
    let cells = text
        .chars()
        .map(|c| std::array::from_fn(|at| if at == place(c) { 0.95 } else { 0.45 }))
        .collect();
    CellScores { cells, quality: 0.95 }
}

/// Both lines, the lower one as each eye sees it.
fn fused(by_glyphs: &str, by_engine: &str) -> MrzReading {
    let texts = [vec![LINE.to_owned()], vec![by_engine.to_owned()]];
    fuse(&[glyphs(LINE), glyphs(by_glyphs)], &texts)
        .expect("a zone")
        .reading
}

#[test]
fn what_both_eyes_see_is_without_doubt() {
    let reading = fused(LOWER, LOWER);
    assert_eq!(reading.lines, [LINE, LOWER]);
    assert!(reading.check_digits.all_passed() && reading.doubtful.is_empty() && reading.repaired.is_empty());
}

#[test]
fn a_check_digit_that_is_plainly_wrong_fails_and_is_not_bent() {
    let forged = LOWER.replace("L898902C3", "L898902C4");
    let reading = fused(&forged, &forged);
    assert_eq!(reading.lines[1], forged);
    assert!(!reading.check_digits.all_passed());
}

#[test]
fn eyes_that_differ_where_no_check_digit_tells_leave_a_doubt() {
    // 6 and G have the same value modulo 10, so both readings pass.
    let other = LOWER.replace("ZE184226B", "ZE18422GB");
    let mut seen = glyphs(LOWER);
    seen.cells[35][index_of('G').expect("a letter")] = 0.85;
    let texts = [vec![LINE.to_owned()], vec![other]];
    let reading = fuse(&[glyphs(LINE), seen], &texts).expect("a zone").reading;
    assert!(reading.check_digits.all_passed());
    assert_eq!(reading.doubtful, [Cell { line: 1, position: 35 }]);
}

#[test]
fn a_glance_is_enough_only_where_nothing_is_near_and_every_digit_passes() {
    let glance = |upper: CellScores, lower: CellScores| by_glyphs_alone(&[upper, lower]).map(|fused| fused.reading);
    let whole = glance(glyphs(LINE), glyphs(LOWER)).expect("every shape is unmistakable");
    assert_eq!(whole.lines, [LINE, LOWER]);
    assert!(whole.check_digits.all_passed() && whole.doubtful.is_empty() && whole.repaired.is_empty());

    let with_rival = |text: &str, at: usize, rival: char, score: f32| {
        let mut seen = glyphs(text);
        seen.cells[at][index_of(rival).expect("a character of a zone")] = score;
        seen
    };
    // A letter of a name that print will tell, and one of the document code that nothing tells.
    assert!(glance(with_rival(LINE, 6, 'B', 0.92), glyphs(LOWER)).is_none());
    assert!(glance(with_rival(LINE, 6, 'B', 0.85), glyphs(LOWER)).is_some());
    assert!(glance(with_rival(LINE, 1, 'K', 0.85), glyphs(LOWER)).is_none());
    // 6 and G have the same value modulo 10; a wrong digit; a digit that has to be bent to pass.
    assert!(glance(glyphs(LINE), with_rival(LOWER, 35, 'G', 0.92)).is_none());
    assert!(glance(glyphs(LINE), glyphs(&LOWER.replace("L898902C3", "L898902C4"))).is_none());
    let bent = with_rival(&LOWER.replace("L898902C3", "L898902C8"), 8, '3', 0.94);
    assert!(glance(glyphs(LINE), bent).is_none());
}

#[test]
fn text_that_the_eyes_read_differently_throughout_is_no_zone() {
    let noise = "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM";
    let texts = [vec!["THISISALETTER".to_owned()], vec!["ANDNOZONE".to_owned()]];
    assert!(fuse(&[glyphs(noise), glyphs(noise)], &texts).is_none());
}

fn text_of(cells: &[Option<usize>]) -> String {
    cells.iter().map(|cell| cell.map_or(' ', |at| ALPHABET[at])).collect()
}

#[test]
fn a_text_finds_its_cells_though_characters_are_added_or_missing() {
    for (text, expected) in [
        (LINE.to_owned(), LINE.to_owned()),
        (format!("1{LINE}I<"), LINE.to_owned()),
        (
            LINE.replace("ERIKSSON", "ERKSSON"),
            LINE.replace("ERIKSSON", "ER KSSON"),
        ),
        (LINE.replace("ERIKSSON", "ERIIKSSON"), LINE.to_owned()),
        (String::new(), " ".repeat(LINE.len())),
    ] {
        assert_eq!(text_of(&aligned(&seen(LINE), &text)), expected);
    }
}
