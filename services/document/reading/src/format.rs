//! What stands where in a machine-readable zone: one table for the five formats of ICAO Doc 9303.
//!
//! Cells are counted through all lines of a zone, from 0: cell 44 of a passport is the first of its lower line.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The formats of a machine-readable zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MrzFormat {
    /// Cards: three lines of 30 (part 5).
    Td1,
    /// Larger cards: two lines of 36 (part 6).
    Td2,
    /// Passports: two lines of 44 (part 4). The default is for readings stored when there was no other.
    #[default]
    Td3,
    /// Visas of a passport page's size: two lines of 44 (part 7).
    MrvA,
    /// Smaller visas: two lines of 36 (part 7).
    MrvB,
}

/// What a cell of a zone belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneField {
    /// The two cells that a zone begins with.
    DocumentCode,
    /// The issuing state.
    IssuingState,
    /// Both identifiers of the holder; no check digit covers them.
    Names,
    /// The document number, or its first nine characters.
    DocumentNumber,
    /// Its check digit, or the filler that says that the number goes on in the optional data.
    DocumentNumberDigit,
    /// The holder's nationality.
    Nationality,
    /// The birth date.
    BirthDate,
    /// Its check digit.
    BirthDateDigit,
    /// The sex.
    Sex,
    /// The expiry date.
    ExpiryDate,
    /// Its check digit.
    ExpiryDateDigit,
    /// Data of the issuer's choice; a number of more than nine characters goes on in it (parts 5 and 6, note j).
    OptionalData,
    /// The check digit over the optional data, which passports alone have.
    OptionalDataDigit,
    /// The second field for data of the issuer's choice, which cards of three lines alone have.
    SecondOptionalData,
    /// The digit over all data with check digits and all optional data.
    CompositeDigit,
}

use ZoneField::{
    BirthDate, BirthDateDigit, CompositeDigit, DocumentCode, DocumentNumber, DocumentNumberDigit, ExpiryDate,
    ExpiryDateDigit, IssuingState, Names, Nationality, OptionalData, OptionalDataDigit, SecondOptionalData, Sex,
};

/// Part 5, 4.2.2.
const TD1: &[(ZoneField, usize)] = &[
    (DocumentCode, 2),
    (IssuingState, 3),
    (DocumentNumber, 9),
    (DocumentNumberDigit, 1),
    (OptionalData, 15),
    (BirthDate, 6),
    (BirthDateDigit, 1),
    (Sex, 1),
    (ExpiryDate, 6),
    (ExpiryDateDigit, 1),
    (Nationality, 3),
    (SecondOptionalData, 11),
    (CompositeDigit, 1),
    (Names, 30),
];
/// Part 6, 4.2.2.
const TD2: &[(ZoneField, usize)] = &[
    (DocumentCode, 2),
    (IssuingState, 3),
    (Names, 31),
    (DocumentNumber, 9),
    (DocumentNumberDigit, 1),
    (Nationality, 3),
    (BirthDate, 6),
    (BirthDateDigit, 1),
    (Sex, 1),
    (ExpiryDate, 6),
    (ExpiryDateDigit, 1),
    (OptionalData, 7),
    (CompositeDigit, 1),
];
/// Part 4, 4.2.2.
const TD3: &[(ZoneField, usize)] = &[
    (DocumentCode, 2),
    (IssuingState, 3),
    (Names, 39),
    (DocumentNumber, 9),
    (DocumentNumberDigit, 1),
    (Nationality, 3),
    (BirthDate, 6),
    (BirthDateDigit, 1),
    (Sex, 1),
    (ExpiryDate, 6),
    (ExpiryDateDigit, 1),
    (OptionalData, 14),
    (OptionalDataDigit, 1),
    (CompositeDigit, 1),
];
/// Part 7, 4.2.2: no digit over the whole.
const MRV_A: &[(ZoneField, usize)] = &[
    (DocumentCode, 2),
    (IssuingState, 3),
    (Names, 39),
    (DocumentNumber, 9),
    (DocumentNumberDigit, 1),
    (Nationality, 3),
    (BirthDate, 6),
    (BirthDateDigit, 1),
    (Sex, 1),
    (ExpiryDate, 6),
    (ExpiryDateDigit, 1),
    (OptionalData, 16),
];
/// Part 7, 5.2.2: no digit over the whole.
const MRV_B: &[(ZoneField, usize)] = &[
    (DocumentCode, 2),
    (IssuingState, 3),
    (Names, 31),
    (DocumentNumber, 9),
    (DocumentNumberDigit, 1),
    (Nationality, 3),
    (BirthDate, 6),
    (BirthDateDigit, 1),
    (Sex, 1),
    (ExpiryDate, 6),
    (ExpiryDateDigit, 1),
    (OptionalData, 8),
];

impl MrzFormat {
    /// All five, in the order of declaration.
    pub const ALL: [Self; 5] = [Self::Td1, Self::Td2, Self::Td3, Self::MrvA, Self::MrvB];

    /// Lines of a zone: 2 or 3.
    pub const fn lines(self) -> usize {
        match self {
            Self::Td1 => 3,
            Self::Td2 | Self::Td3 | Self::MrvA | Self::MrvB => 2,
        }
    }

    /// Cells of a line: 30, 36 or 44.
    pub const fn cells(self) -> usize {
        match self {
            Self::Td1 => 30,
            Self::Td2 | Self::MrvB => 36,
            Self::Td3 | Self::MrvA => 44,
        }
    }

    /// Whether such a zone is of a visa, which supports another document and is none of its own.
    pub const fn is_visa(self) -> bool {
        matches!(self, Self::MrvA | Self::MrvB)
    }

    /// Whether a number of more than nine characters may go on in the optional data (part 5, 4.2.4; part 6, 4.2.2.2, note
    /// j). Part 4 and part 7 know no such thing.
    pub const fn has_long_numbers(self) -> bool {
        matches!(self, Self::Td1 | Self::Td2)
    }

    /// The letters that the document code can begin with (parts 4 to 7, 4.2.2.2, first position).
    pub(crate) const fn first_letters(self) -> &'static [char] {
        match self {
            Self::Td1 | Self::Td2 => &['A', 'C', 'I'],
            Self::Td3 => &['P'],
            Self::MrvA | Self::MrvB => &['V'],
        }
    }

    /// The fields with the number of their cells, in the order of the zone.
    pub(crate) const fn fields(self) -> &'static [(ZoneField, usize)] {
        match self {
            Self::Td1 => TD1,
            Self::Td2 => TD2,
            Self::Td3 => TD3,
            Self::MrvA => MRV_A,
            Self::MrvB => MRV_B,
        }
    }

    /// The cells of a field; empty where the format has no such field.
    pub(crate) fn span(self, wanted: ZoneField) -> Range<usize> {
        let mut from = 0;
        for (field, length) in self.fields() {
            if *field == wanted {
                return from..from + length;
            }
            from += length;
        }
        from..from
    }

    /// The field that a cell belongs to, counted through all lines; `None` beyond the zone's end.
    pub(crate) fn field_at(self, cell: usize) -> Option<ZoneField> {
        let mut end = 0;
        let field = self.fields().iter().find(|(_, length)| {
            end += length;
            cell < end
        });
        field.map(|(field, _)| *field)
    }

    /// The format of some lines, by their number, their length and the letter they begin with.
    pub(crate) fn of(lines: &[String]) -> Option<Self> {
        let first = lines.first()?.chars().next()?;
        Self::ALL.into_iter().find(|format| {
            lines.len() == format.lines()
                && lines.iter().all(|line| line.len() == format.cells())
                && format.first_letters().contains(&first)
        })
    }
}

impl ZoneField {
    /// The check digit that follows the field, if there is one of its own.
    pub(crate) const fn digit(self) -> Option<Self> {
        match self {
            Self::DocumentNumber => Some(Self::DocumentNumberDigit),
            Self::BirthDate => Some(Self::BirthDateDigit),
            Self::ExpiryDate => Some(Self::ExpiryDateDigit),
            Self::OptionalData => Some(Self::OptionalDataDigit),
            _ => None,
        }
    }

    /// Whether the composite digit covers the field: all but code, states, sex and names (parts 4 to 6, 4.2.4).
    pub(crate) const fn is_in_composite(self) -> bool {
        !matches!(
            self,
            Self::DocumentCode
                | Self::IssuingState
                | Self::Names
                | Self::Nationality
                | Self::Sex
                | Self::CompositeDigit
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_each_format_fill_its_lines() {
        for format in MrzFormat::ALL {
            let cells: usize = format.fields().iter().map(|(_, length)| length).sum();
            assert_eq!(cells, format.lines() * format.cells(), "{format:?}");
            let mut ends = Vec::new();
            let mut end = 0;
            for (_, length) in format.fields() {
                end += length;
                ends.push(end);
            }
            for line in 1..=format.lines() {
                assert!(
                    ends.contains(&(line * format.cells())),
                    "{format:?}: no field goes over an end of line"
                );
            }
        }
    }

    #[test]
    fn a_cell_is_of_the_field_whose_span_it_is_in() {
        for format in MrzFormat::ALL {
            for (field, _) in format.fields() {
                assert!(
                    format.span(*field).all(|cell| format.field_at(cell) == Some(*field)),
                    "{format:?} {field:?}"
                );
            }
            assert_eq!(format.field_at(format.lines() * format.cells()), None);
        }
    }
}
