//! The slots of a verifier that nobody has: by their hours, their certification and their appointments.

use crate::diary::Diary;
use crate::store::Found;
use in_person_availability::Span;
use in_person_workflows::contract::Slot;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

/// The first slots that are free within windows of time, which are in order and do not overlap, `wanted` at most, and the verifier's zone.
/// Of hours that this version can't read there are none, with a warning.
pub(crate) fn free_slots(
    found: &Found,
    windows: &[Span],
    length: SignedDuration,
    (diary, wanted): (&Diary, usize),
) -> Option<(TimeZone, Vec<Span>)> {
    let zone = TimeZone::get(&found.time_zone).ok();
    let Some((availability, zone)) = found.availability.as_ref().zip(zone) else {
        tracing::warn!("a verifier's hours or zone can't be read by this version; they are left out");
        return None;
    };
    let mut slots: Vec<Span> = Vec::new();
    for window in windows {
        // Who has nothing to do and is asked for one slot needs no list of all.
        if diary.is_empty() && wanted == 1 {
            let first = availability.first_slot(&zone, *window, length).ok()?;
            slots.extend(first.filter(|slot| slot.end() <= found.certified_until));
        } else {
            let of_window = availability.slots(&zone, *window, length).ok()?.into_iter();
            let free = of_window.filter(|slot| slot.end() <= found.certified_until && diary.admits(*slot, &zone));
            slots.extend(free.take(wanted - slots.len()));
        }
        if slots.len() >= wanted {
            break;
        }
    }
    (!slots.is_empty()).then_some((zone, slots))
}

/// A slot as workflows have it, in whole seconds.
pub(crate) fn to_slot(span: Span) -> Slot {
    Slot {
        start_seconds: span.start().as_second(),
        end_seconds: span.end().as_second(),
    }
}
