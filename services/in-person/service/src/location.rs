//! Points on the earth.

use std::fmt;

/// Millionths of a degree that a location is rounded to before it is kept: a thousandth of a degree, about 100 metres.
const COARSE: i32 = 1_000;
const MOST_LATITUDE: i32 = 90_000_000;
const MOST_LONGITUDE: i32 = 180_000_000;

/// A point by WGS 84, in millionths of a degree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Location {
    latitude: i32,
    longitude: i32,
}

/// No point has this coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationError {
    /// The latitude is beyond a pole.
    Latitude,
    /// The longitude is beyond 180 degrees.
    Longitude,
}

impl Location {
    /// A point by its latitude, from −90,000,000 to 90,000,000, and its longitude, from −180,000,000 to 180,000,000.
    ///
    /// # Errors
    /// When one of them is outside of that.
    pub fn new(latitude: i32, longitude: i32) -> Result<Self, LocationError> {
        if !(-MOST_LATITUDE..=MOST_LATITUDE).contains(&latitude) {
            return Err(LocationError::Latitude);
        }
        if !(-MOST_LONGITUDE..=MOST_LONGITUDE).contains(&longitude) {
            return Err(LocationError::Longitude);
        }
        Ok(Self { latitude, longitude })
    }

    /// The point on a grid of a thousandth of a degree that is nearest to it.
    pub fn coarse(self) -> Self {
        let round = |coordinate: i32| {
            let half = COARSE / 2 * coordinate.signum();
            (coordinate + half) / COARSE * COARSE
        };
        Self {
            latitude: round(self.latitude),
            longitude: round(self.longitude),
        }
    }

    /// North of the equator, in millionths of a degree.
    pub fn latitude_microdegrees(self) -> i32 {
        self.latitude
    }

    /// East of Greenwich, in millionths of a degree.
    pub fn longitude_microdegrees(self) -> i32 {
        self.longitude
    }

    /// North of the equator, in degrees.
    pub fn latitude(self) -> f64 {
        f64::from(self.latitude) / 1e6
    }

    /// East of Greenwich, in degrees.
    pub fn longitude(self) -> f64 {
        f64::from(self.longitude) / 1e6
    }

    /// The point of degrees that a table holds.
    pub(crate) fn of_degrees(latitude: f64, longitude: f64) -> Result<Self, LocationError> {
        let micro = |degrees: f64| (degrees * 1e6).round() as i32;
        Self::new(micro(latitude), micro(longitude))
    }
}

/// Where somebody is is personal, and does not show in logs.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Location(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_kept_to_a_thousandth_of_a_degree() {
        let table = [
            ((52_520_008, 13_404_954), (52_520_000, 13_405_000)),
            ((-33_868_820, 151_209_296), (-33_869_000, 151_209_000)),
            ((500, -500), (1_000, -1_000)),
            ((499, -499), (0, 0)),
            ((90_000_000, 179_999_999), (90_000_000, 180_000_000)),
            ((-90_000_000, -179_999_501), (-90_000_000, -180_000_000)),
        ];
        for ((latitude, longitude), (north, east)) in table {
            let kept = Location::new(latitude, longitude).map(Location::coarse);
            assert!(
                kept == Location::new(north, east),
                "{latitude} {longitude} is not kept as {north} {east}"
            );
        }
    }

    #[test]
    fn what_is_beyond_a_pole_or_180_degrees_is_no_point() {
        assert_eq!(Location::new(90_000_001, 0), Err(LocationError::Latitude));
        assert_eq!(Location::new(i32::MIN, 0), Err(LocationError::Latitude));
        assert_eq!(Location::new(0, -180_000_001), Err(LocationError::Longitude));
        assert_eq!(Location::new(0, i32::MAX), Err(LocationError::Longitude));
    }

    #[test]
    fn a_location_does_not_show() {
        let location = Location::new(52_520_008, 13_404_954).expect("a point");
        assert_eq!(format!("{location:?}"), "Location(…)");
    }
}
