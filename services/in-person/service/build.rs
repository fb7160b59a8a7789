//! A new migration must rebuild the crate, which embeds it.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
