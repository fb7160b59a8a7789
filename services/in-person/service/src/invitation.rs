//! Appointments as iCalendar objects (RFC 5545) that calendars take as invitations (RFC 5546).
//!
//! Every message about an appointment has the same UID, so that a calendar shows one event; the highest SEQUENCE
//! counts. There is no VALARM: reminders are rows of the service. There is no VTIMEZONE: all times are in UTC, which
//! stays exact when a zone's rules change, and the zone only says how to show them.

use icalendar::{Calendar, Component, Event, EventStatus};
use jiff::Timestamp;

const PRODUCT: &str = "-//Voluntier//In-person verification//EN";

/// In octets of UTF-8, without the line break (RFC 5545, 3.1).
const LONGEST_LINE: usize = 75;

/// What the message does to the event (RFC 5546, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Makes the event, or replaces it when the sequence is higher.
    Request,
    /// Calls the event off.
    Cancel,
}

/// What an invitation says.
///
/// Texts may hold any character. Each line break is one line feed for the reader; other control characters than the tab
/// are left out, since iCalendar has no way to write them. The caller bounds their length: the crate's folding takes
/// time with the square of it. There is no Debug: addresses must not get into logs.
#[derive(Clone, Copy)]
pub struct Invitation<'a> {
    /// A request or a cancellation.
    pub method: Method,
    /// Stable for the appointment, a UUID as text; the UID is `<appointment_id>@in-person.voluntier`.
    pub appointment_id: &'a str,
    /// SEQUENCE: 0 at first, one more with each change and with the cancellation; at most 2,147,483,647.
    pub sequence: u32,
    /// DTSTART, written in whole seconds.
    pub start: Timestamp,
    /// DTEND, written in whole seconds; later than the start.
    pub end: Timestamp,
    /// The verifier's IANA zone, such as Europe/Berlin; not checked here. It goes into X-WR-TIMEZONE, which no RFC
    /// defines and the usual calendars read.
    pub time_zone: &'a str,
    /// Where they meet.
    pub location: &'a str,
    /// The event's title.
    pub summary: &'a str,
    /// What else to know.
    pub description: &'a str,
    /// Who invites, as a URI such as `mailto:verifications@voluntier.invalid`.
    pub organizer: &'a str,
    /// Whom the message is for, as a URI.
    pub attendee: &'a str,
    /// DTSTAMP: when this message was written, in whole seconds.
    pub written_at: Timestamp,
}

/// The iCalendar object with one event: every line ends with CR LF and has at most 75 octets.
///
/// It is the body of a `text/calendar` part whose `method` parameter is the same as METHOD (RFC 6047, 2.4).
pub fn icalendar(invitation: &Invitation<'_>) -> String {
    let (method, status) = match invitation.method {
        Method::Request => ("REQUEST", EventStatus::Confirmed),
        Method::Cancel => ("CANCEL", EventStatus::Cancelled),
    };
    let mut event = Event::new();
    event
        .add_property("UID", uid(invitation.appointment_id))
        .add_property("SEQUENCE", invitation.sequence.to_string())
        .add_property("DTSTAMP", in_utc(invitation.written_at))
        .add_property("DTSTART", in_utc(invitation.start))
        .add_property("DTEND", in_utc(invitation.end))
        .add_property("SUMMARY", text(invitation.summary))
        .add_property("LOCATION", text(invitation.location))
        .add_property("DESCRIPTION", text(invitation.description))
        .add_property("ORGANIZER", uri(invitation.organizer))
        .add_property("ATTENDEE", uri(invitation.attendee))
        .append_property(status);
    let mut calendar = Calendar::empty();
    calendar
        .append_property(("VERSION", "2.0"))
        .append_property(("PRODID", PRODUCT))
        .append_property(("METHOD", method))
        .timezone(text(invitation.time_zone))
        .push(event);
    fold_again(&calendar.to_string())
}

fn uid(appointment_id: &str) -> String {
    text(&format!("{appointment_id}@in-person.voluntier"))
}

fn in_utc(instant: Timestamp) -> String {
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The crate escapes line feeds and lets carriage returns through, which would begin a new line.
fn text(written: &str) -> String {
    let line_feeds = written.replace("\r\n", "\n").replace('\r', "\n");
    line_feeds
        .chars()
        .filter(|character| matches!(character, '\n' | '\t') || !character.is_ascii_control())
        .collect()
}

/// The crate writes URIs as they are, so that a line break in one would begin a property of its author's choice.
fn uri(written: &str) -> String {
    written.chars().filter(|character| !character.is_control()).collect()
}

/// The crate makes some last lines of a folded property 76 octets long: it forgets the space in front of them.
/// Only folding writes a space after a line break, so that its lines can be joined without loss.
fn fold_again(calendar: &str) -> String {
    let mut folded = String::with_capacity(calendar.len());
    for line in calendar.replace("\r\n ", "").split_terminator("\r\n") {
        let mut octets = 0;
        for character in line.chars() {
            if octets + character.len_utf8() > LONGEST_LINE {
                folded.push_str("\r\n ");
                octets = 1;
            }
            folded.push(character);
            octets += character.len_utf8();
        }
        folded.push_str("\r\n");
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_the_standard_says() {
        let expected = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Voluntier//In-person verification//EN",
            "METHOD:REQUEST",
            "X-WR-TIMEZONE:Europe/Berlin",
            "BEGIN:VEVENT",
            "ATTENDEE:mailto:ada@voluntier.invalid",
            "DESCRIPTION:Bring your passport.",
            "DTEND:20261025T013000Z",
            "DTSTAMP:20260901T120000Z",
            "DTSTART:20261025T003000Z",
            "LOCATION:Town hall",
            "ORGANIZER:mailto:verifications@voluntier.invalid",
            "SEQUENCE:0",
            "STATUS:CONFIRMED",
            "SUMMARY:Verification in person",
            "UID:0199-ab@in-person.voluntier",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ];
        assert_eq!(icalendar(&request()), expected.join("\r\n"));
    }

    #[test]
    fn a_cancellation_has_its_method_and_status() {
        let cancellation = Invitation {
            method: Method::Cancel,
            sequence: 2,
            ..request()
        };
        let written = icalendar(&cancellation);
        for line in ["METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:2"] {
            assert!(written.contains(&format!("\r\n{line}\r\n")), "{line} in {written}");
        }
    }

    /// Every length up to some lines, of characters of one to four octets: some ends are at the limit for each.
    #[test]
    fn no_line_is_longer_than_75_octets() {
        for character in ["a", "ü", "虎", "🐯", " ", ",", "\n"] {
            for count in 0..240 {
                let location = character.repeat(count);
                let written = icalendar(&Invitation {
                    location: &location,
                    ..request()
                });
                assert!(written.ends_with("\r\n"));
                for line in written.split("\r\n") {
                    assert!(line.len() <= LONGEST_LINE, "{count} of {character:?}: {line}");
                    assert!(!line.contains(['\r', '\n']), "{count} of {character:?}: {line:?}");
                }
                let escaped = location.replace(',', "\\,").replace('\n', "\\n");
                let unfolded = written.replace("\r\n ", "");
                assert!(unfolded.contains(&format!("\r\nLOCATION:{escaped}\r\n")), "{unfolded}");
            }
        }
    }

    /// A fold is where the next character does not fit, so a character of four octets goes whole to the next line.
    #[test]
    fn a_fold_is_between_characters() {
        let location = format!("{}🐯🐯", "a".repeat(64));
        let written = icalendar(&Invitation {
            location: &location,
            ..request()
        });
        assert!(
            written.contains(&format!("LOCATION:{}\r\n 🐯🐯\r\n", "a".repeat(64))),
            "{written}"
        );
    }

    #[test]
    fn texts_are_escaped() {
        for (location, expected) in [
            ("a, b; c: d", r"a\, b\; c: d"),
            ("C:\\new", r"C:\\new"),
            ("one\ntwo\r\nthree\rfour", r"one\ntwo\nthree\nfour"),
            ("tab\there, bell\u{7}not", "tab\there\\, bellnot"),
            ("\"Café\" — 'Ü'", "\"Café\" — 'Ü'"),
        ] {
            let written = icalendar(&Invitation { location, ..request() });
            assert!(written.contains(&format!("\r\nLOCATION:{expected}\r\n")), "{written}");
        }
    }

    #[test]
    fn no_field_can_add_a_property() {
        for line_break in ["\r\n", "\n", "\r"] {
            let evil = format!("a{line_break}ATTACH:b{line_break} c");
            let written = icalendar(&Invitation {
                appointment_id: &evil,
                time_zone: &evil,
                location: &evil,
                summary: &evil,
                description: &evil,
                organizer: &evil,
                attendee: &evil,
                ..request()
            });
            let unfolded = written.replace("\r\n ", "");
            assert!(
                !unfolded.split(['\r', '\n']).any(|line| line.starts_with("ATTACH")),
                "{unfolded}"
            );
            assert_eq!(unfolded.lines().count(), icalendar(&request()).lines().count());
        }
    }

    fn request() -> Invitation<'static> {
        Invitation {
            method: Method::Request,
            appointment_id: "0199-ab",
            sequence: 0,
            start: "2026-10-25T00:30:00Z".parse().unwrap(),
            end: "2026-10-25T01:30:00.9Z".parse().unwrap(),
            time_zone: "Europe/Berlin",
            location: "Town hall",
            summary: "Verification in person",
            description: "Bring your passport.",
            organizer: "mailto:verifications@voluntier.invalid",
            attendee: "mailto:ada@voluntier.invalid",
            written_at: "2026-09-01T12:00:00Z".parse().unwrap(),
        }
    }
}
