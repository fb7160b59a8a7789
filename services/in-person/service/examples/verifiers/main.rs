//! Measures the search for verifiers: `cargo xtask bench verifiers`, `… bench verifiers -- --help`.
//!
//! Side by side in one run, on a PostgreSQL of its own: the ten nearest among few and among many verifiers, and the same by a
//! sequential scan of the many; without a limit of distance, so that each finds ten, and within 50 km. Then searches are compared with a scan of all verifiers by the geodesic, here, without an
//! index: in set and in order. Verifiers are anywhere on the earth, crowded in cities, many at one point, around the poles and the
//! antimeridian; so are the places that are searched from.
//!
//! Ends with status 1 when the search among the many is not 100 times as fast as the scan, when half of the searches take over
//! twice as long among the many as among the few, or when a search differs from the scan.

mod earth;

use anyhow::{Context, ensure};
use clap::Parser;
use earth::{Place, Scan};
use in_person_service::{Found, Location, MIGRATIONS, Near, Store};
use mesh_testkit::Postgres;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sqlx::{
    PgPool,
    postgres::{PgPoolCopyExt, PgPoolOptions},
};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Compare the search for verifiers with a sequential scan, and with a scan by the geodesic.
#[derive(Parser)]
struct Options {
    /// Few verifiers.
    #[arg(long, default_value_t = 10_000)]
    few: usize,
    /// Many verifiers.
    #[arg(long, default_value_t = 1_000_000)]
    many: usize,
    /// Searches whose time is taken.
    #[arg(long, default_value_t = 2_000)]
    searches: usize,
    /// Sequential scans whose time is taken.
    #[arg(long, default_value_t = 7)]
    scans: usize,
    /// Searches that are compared with a scan by the geodesic.
    #[arg(long, default_value_t = 10_000)]
    compared: usize,
}

/// The default of the RPC.
const NEARBY_METRES: f64 = 50_000.0;
/// Half the earth's circumference: however few there are, a page is full.
const ANYWHERE_METRES: f64 = 20_037_508.0;
const PAGE: i64 = 10;
const LEAST_RATIO: f64 = 100.0;
const MOST_GROWTH: f64 = 2.0;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    let postgres = Postgres::start().await?;
    let verifiers = earth::verifiers(&mut rng, options.many);
    println!("filling {} and {} verifiers in …", options.few, options.many);
    let few = filled(&postgres, &verifiers[..options.few]).await?;
    let many = filled(&postgres, &verifiers).await?;
    let places: Vec<Place> = (0..options.searches).map(|_| earth::place(&mut rng)).collect();

    println!("milliseconds of the {PAGE} nearest, wherever they are:");
    let few_times = row("search", options.few, times(&few, &places, ANYWHERE_METRES).await?);
    let many_times = row("search", options.many, times(&many, &places, ANYWHERE_METRES).await?);
    let scans = row(
        "scan",
        options.many,
        scan_times(&many, &places[..options.scans], ANYWHERE_METRES).await?,
    );
    let (ratio, growth) = (scans / many_times, many_times / few_times);
    println!("the search is {ratio:.0} times as fast as the scan (at least {LEAST_RATIO})");
    println!("among the many it takes {growth:.2} times as long as among the few (at most {MOST_GROWTH})");
    println!("milliseconds of the {PAGE} nearest within 50 km, who are fewer where there are few:");
    row("search", options.few, times(&few, &places, NEARBY_METRES).await?);
    row("search", options.many, times(&many, &places, NEARBY_METRES).await?);
    row(
        "scan",
        options.many,
        scan_times(&many, &places[..options.scans], NEARBY_METRES).await?,
    );

    let compared = compare(&many, &verifiers, &mut rng, options.compared).await?;
    println!("{compared}");
    let is_fine = ratio >= LEAST_RATIO && growth <= MOST_GROWTH;
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints what times come to, which are in order; returns the half of them in milliseconds.
fn row(what: &str, verifiers: usize, times: Vec<Duration>) -> f64 {
    let at = |hundredths: usize| times[times.len() * hundredths / 100].as_secs_f64() * 1e3;
    println!("{what:6} among {verifiers:9}: p50 {:9.3}, p99 {:9.3}", at(50), at(99));
    at(50)
}

/// A database with these verifiers, whose ids count from 1.
async fn filled(postgres: &Postgres, verifiers: &[Place]) -> anyhow::Result<PgPool> {
    let url = postgres.create_database("in_person").await?;
    let pool = PgPoolOptions::new().max_connections(2).connect(&url).await?;
    MIGRATIONS.run(&pool).await?;
    sqlx::query("DROP INDEX verifiers_by_location").execute(&pool).await?;
    let columns = "verifier_id, location, time_zone, availability, methods, is_paused, certified_until, registered_at, updated_at";
    let mut copy = pool
        .copy_in_raw(&format!("COPY verifiers ({columns}) FROM STDIN"))
        .await?;
    for (chunk, from) in verifiers.chunks(10_000).zip((1..).step_by(10_000)) {
        let mut text = String::new();
        for ((latitude, longitude), id) in chunk.iter().zip(from..) {
            use std::fmt::Write;
            writeln!(
                text,
                "{id}\tSRID=4326;POINT({longitude} {latitude})\tUTC\t{{}}\t{{identity}}\tf\t2100-01-01\t2026-01-01\t2026-01-01"
            )?;
        }
        copy.send(text.into_bytes()).await?;
    }
    copy.finish().await?;
    // As the migration has it.
    let index = "CREATE INDEX verifiers_by_location ON verifiers USING gist (location) WHERE NOT is_paused";
    sqlx::query(index).execute(&pool).await?;
    sqlx::query("VACUUM ANALYZE verifiers").execute(&pool).await?;
    Ok(pool)
}

fn near((latitude, longitude): Place, within_metres: f64) -> anyhow::Result<Near> {
    let micro = |degrees: f64| (degrees * 1e6).round() as i32;
    let location = Location::new(micro(latitude), micro(longitude));
    Ok(Near {
        location: location.ok().context("a place is no point")?,
        within_metres,
        certified_after: jiff::Timestamp::UNIX_EPOCH,
        methods: Vec::new(),
    })
}

/// How long each search takes, in order of that.
async fn times(pool: &PgPool, places: &[Place], within_metres: f64) -> anyhow::Result<Vec<Duration>> {
    let store = Store::new(pool.clone());
    let mut times = Vec::new();
    for place in places {
        let near = near(*place, within_metres)?;
        let begun = Instant::now();
        store
            .nearest(&near, None, PAGE)
            .await
            .map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

/// The same by a scan of the whole table.
async fn scan_times(pool: &PgPool, places: &[Place], within_metres: f64) -> anyhow::Result<Vec<Duration>> {
    let mut connection = pool.acquire().await?;
    for setting in ["SET enable_indexscan = off", "SET enable_bitmapscan = off"] {
        sqlx::query(setting).execute(&mut *connection).await?;
    }
    let mut times = Vec::new();
    for (latitude, longitude) in places {
        let scan =
            "SELECT verifier_id, ST_Distance(location, ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography) AS distance
                      FROM verifiers
                     WHERE NOT is_paused AND ST_DWithin(location, ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography, $3)
                     ORDER BY distance, verifier_id LIMIT $4";
        let begun = Instant::now();
        let scan = sqlx::query(scan)
            .bind(longitude)
            .bind(latitude)
            .bind(within_metres)
            .bind(PAGE);
        scan.fetch_all(&mut *connection).await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

/// Searches against scans by the geodesic: all who are near at once, the ten nearest, and all who are near page by page where they
/// are few.
async fn compare(pool: &PgPool, verifiers: &[Place], rng: &mut ChaCha8Rng, searches: usize) -> anyhow::Result<String> {
    let (store, scan) = (Store::new(pool.clone()), Scan::of(verifiers));
    let (mut found_in_all, mut largest, begun) = (0, 0, Instant::now());
    for number in 1..=searches {
        let place = earth::place(rng);
        let scanned = scan.within(place, NEARBY_METRES);
        let (near, all) = (near(place, NEARBY_METRES)?, verifiers.len() as i64 + 1);
        let found = pages(&store, &near, all, 1).await?;
        earth::ensure_same(&found, &scanned).with_context(|| format!("search {number} from {place:?}"))?;
        let nearest = pages(&store, &near, PAGE, 1).await?;
        ensure!(
            nearest == found[..found.len().min(PAGE as usize)],
            "the nearest of search {number}"
        );
        if found.len() <= 100 {
            ensure!(
                pages(&store, &near, 7, usize::MAX).await? == found,
                "the pages of search {number}"
            );
        }
        found_in_all += found.len();
        largest = largest.max(found.len());
        if number % (searches / 10).max(1) == 0 {
            println!(
                "{number} of {searches} searches are as the scan, {:.0} s gone",
                begun.elapsed().as_secs_f64()
            );
        }
    }
    ensure!(
        found_in_all > searches,
        "too few are found to tell anything: {found_in_all}"
    );
    Ok(format!(
        "{searches} searches found whom a scan by the geodesic finds, in its order: {found_in_all} verifiers, {largest} at most"
    ))
}

/// Distances and ids of so many pages at most.
async fn pages(store: &Store, near: &Near, size: i64, most: usize) -> anyhow::Result<Vec<(f64, i64)>> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..most {
        let found = store.nearest(near, after, size).await;
        let found = found.map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        after = found.last().map(Found::key);
        all.extend(found.iter().map(|one| (one.distance, one.verifier_id.get())));
        if (found.len() as i64) < size {
            break;
        }
    }
    Ok(all)
}
