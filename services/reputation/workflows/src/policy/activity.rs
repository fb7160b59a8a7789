//! What activity on the platform is worth.

use mesh_types::EvidenceKind;

/// Something that a member did on the platform, or was told for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Hours given to an opportunity, in minutes: 1 to [`MAX_MINUTES`].
    VolunteerHours {
        /// How long, in minutes.
        minutes: u32,
    },
    /// A review of the member: 1 (bad) to [`MAX_RATING`] (good).
    ReviewReceived {
        /// The rating.
        rating: u32,
    },
}

/// One event records at most a day.
pub const MAX_MINUTES: u32 = 24 * 60;
/// The best review.
pub const MAX_RATING: u32 = 5;
/// Of one event at most so many hours count, a working day.
pub const MAX_HOURS_COUNTED: u32 = 8;
/// Reviews below this give nothing. They take nothing either: an event that was wrong is countered.
const LEAST_RATING_COUNTED: u32 = 3;

impl Activity {
    /// Points: one for each full hour, at most 8 an event; a review of 3, 4 or 5 gives 1, 2 or 3.
    pub fn points(self) -> i32 {
        let points = match self {
            Self::VolunteerHours { minutes } => (minutes / 60).min(MAX_HOURS_COUNTED),
            Self::ReviewReceived { rating } => (rating.min(MAX_RATING) + 1).saturating_sub(LEAST_RATING_COUNTED),
        };
        i32::try_from(points).unwrap_or(0)
    }

    /// What the event is evidence of.
    pub const fn kind(self) -> EvidenceKind {
        match self {
            Self::VolunteerHours { .. } => EvidenceKind::VolunteerHours,
            Self::ReviewReceived { .. } => EvidenceKind::ReviewReceived,
        }
    }

    /// The number that was recorded: minutes or rating.
    pub const fn quantity(self) -> u32 {
        match self {
            Self::VolunteerHours { minutes } => minutes,
            Self::ReviewReceived { rating } => rating,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_hours_and_good_reviews_give_points() {
        let hours = [(59, 0), (60, 1), (119, 1), (480, 8), (481, 8), (MAX_MINUTES, 8)];
        for (minutes, points) in hours {
            assert_eq!(Activity::VolunteerHours { minutes }.points(), points, "{minutes} min");
        }
        for (rating, points) in [(1, 0), (2, 0), (3, 1), (4, 2), (5, 3)] {
            assert_eq!(Activity::ReviewReceived { rating }.points(), points, "rating {rating}");
        }
    }
}
