//! Places on the earth, and a scan of all of them by the geodesic.

use anyhow::ensure;
use geographiclib_rs::{Geodesic, InverseGeodesic};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Latitude and longitude, in degrees.
pub type Place = (f64, f64);

const CITIES: u64 = 300;
const POINTS: u64 = 5_000;
/// Two distances that differ by less are one: a thousandth of a millimetre.
const ONE_DISTANCE: f64 = 1e-6;
/// No closer than this to the sphere's radius is how far apart two points are by angle and by geodesic.
const MARGIN: f64 = 1.02;
const RADIUS: f64 = 6_371_009.0;

/// A place where verifiers are looked for, rounded to a millionth of a degree.
pub fn place(rng: &mut ChaCha8Rng) -> Place {
    rounded(anywhere(rng), 1e6)
}

/// Places of verifiers, rounded as the service does.
pub fn verifiers(rng: &mut ChaCha8Rng, count: usize) -> Vec<Place> {
    (0..count).map(|_| rounded(anywhere(rng), 1e3)).collect()
}

fn rounded((latitude, longitude): Place, factor: f64) -> Place {
    let round = |degrees: f64| (degrees * factor).round() / factor;
    (round(latitude), round(longitude))
}

/// Six of ten anywhere, three in a city, the rest at one of some points, at a pole, or at the antimeridian.
fn anywhere(rng: &mut ChaCha8Rng) -> Place {
    match rng.random_range(0..100) {
        0..60 => on_the_sphere(rng.random(), rng.random()),
        60..90 => {
            let (latitude, longitude) = fixed(rng.random_range(0..CITIES));
            let mut about = || (rng.random::<f64>() + rng.random::<f64>() - 1.0) * 0.2;
            wrapped(latitude + about(), longitude + about())
        }
        90..95 => fixed(rng.random_range(0..POINTS)),
        95..97 => (90.0 - rng.random::<f64>() * 0.5, rng.random_range(-180.0..180.0)),
        97..99 => (-90.0 + rng.random::<f64>() * 0.5, rng.random_range(-180.0..180.0)),
        _ => wrapped(rng.random_range(-80.0..80.0), 180.0 + rng.random_range(-0.3..0.3)),
    }
}

/// The same place for the same number.
fn fixed(number: u64) -> Place {
    // The fractional parts of multiples of irrational numbers are spread evenly.
    let part = |factor: f64| (number as f64 * factor).fract();
    on_the_sphere(part(0.754_877_666_246_693), part(0.569_840_290_998_053))
}

fn on_the_sphere(one: f64, other: f64) -> Place {
    ((2.0 * one - 1.0).asin().to_degrees(), other * 360.0 - 180.0)
}

fn wrapped(latitude: f64, longitude: f64) -> Place {
    let longitude = (longitude + 540.0).rem_euclid(360.0) - 180.0;
    (latitude.clamp(-90.0, 90.0), longitude)
}

/// All places as directions from the centre of the earth, to see by a product which are far away in any case.
pub struct Scan<'a> {
    places: &'a [Place],
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    earth: Geodesic,
}

impl<'a> Scan<'a> {
    pub fn of(places: &'a [Place]) -> Self {
        let directions: Vec<_> = places.iter().map(|place| direction(*place)).collect();
        Self {
            places,
            x: directions.iter().map(|direction| direction[0]).collect(),
            y: directions.iter().map(|direction| direction[1]).collect(),
            z: directions.iter().map(|direction| direction[2]).collect(),
            earth: Geodesic::wgs84(),
        }
    }

    /// Those within some metres, the nearest first and of two who are as far the lower id; ids count from 1.
    pub fn within(&self, place: Place, metres: f64) -> Vec<(f64, i64)> {
        let [x, y, z] = direction(place);
        let least = (metres / RADIUS * MARGIN).cos();
        let mut found = Vec::new();
        for (at, ((a, b), c)) in self.x.iter().zip(&self.y).zip(&self.z).enumerate() {
            if a * x + b * y + c * z >= least {
                let (latitude, longitude) = self.places[at];
                let distance: f64 = self.earth.inverse(place.0, place.1, latitude, longitude);
                if distance <= metres {
                    found.push((distance, at as i64 + 1));
                }
            }
        }
        found.sort_by(|(one, id), (other, other_id)| one.total_cmp(other).then(id.cmp(other_id)));
        found
    }
}

fn direction((latitude, longitude): Place) -> [f64; 3] {
    let (latitude, longitude) = (latitude.to_radians(), longitude.to_radians());
    [
        latitude.cos() * longitude.cos(),
        latitude.cos() * longitude.sin(),
        latitude.sin(),
    ]
}

/// The same verifiers at the same distances in the same order, but for those who are one distance away.
pub fn ensure_same(found: &[(f64, i64)], scanned: &[(f64, i64)]) -> anyhow::Result<()> {
    ensure!(
        found.len() == scanned.len(),
        "{} and {} are found",
        found.len(),
        scanned.len()
    );
    let mut at = 0;
    while at < found.len() {
        // All who are as far as the next one, which may be in any order among themselves.
        let is_as_far = |other: &&(f64, i64)| other.0 - scanned[at].0 < ONE_DISTANCE;
        let as_far = scanned[at..].iter().take_while(is_as_far).count();
        let ids = |some: &[(f64, i64)]| {
            let mut ids: Vec<i64> = some[at..at + as_far].iter().map(|(_, id)| *id).collect();
            ids.sort_unstable();
            ids
        };
        ensure!(
            ids(found) == ids(scanned),
            "{:?} and {:?} at {at}",
            ids(found),
            ids(scanned)
        );
        for (one, other) in found[at..at + as_far].iter().zip(&scanned[at..]) {
            ensure!(
                (one.0 - other.0).abs() < 2.0 * ONE_DISTANCE,
                "{} and {} at {at}",
                one.0,
                other.0
            );
        }
        // Of two who are exactly as far the one with the lower id.
        let pairs = found[at..at + as_far].windows(2);
        ensure!(pairs.into_iter().all(|pair| pair[0] < pair[1]), "out of order at {at}");
        at += as_far;
    }
    Ok(())
}
