//! A new migration or new query data must rebuild the crate, which embeds the one and is checked against the other.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=.sqlx");
}
